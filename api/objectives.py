"""Every objective judged, from what the notifier, ingest and the API itself have stored.

In: the promises and a time. Out: a standing for each. Siblings' figures meet here, above them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from api.health import observe
from api.request_tally import answered
from ingest.reconcile import report
from ingest.reconcile.captured import captured
from ingest.reconcile.findings import WARNINGS, Kind
from notifier import outcomes, uptime
from notifier.objectives import (
    API,
    CAPTURE,
    DELIVERY,
    LATENCY,
    UPTIME,
    WORK,
    Objective,
    Standing,
    Tally,
)

_NOT_MISSED: Final = frozenset({*WARNINGS, Kind.NOT_RECONCILABLE, Kind.NOT_COMPARED})


def judge(  # what a promise is judged by
    conn: Connection,
    objectives: Sequence[Objective],
    *,
    since: int,
    now: int,
    latency_seconds: float,
    contracts: Sequence[str],
) -> list[Standing]:
    """Judge each over the time since then. `since`, `now`: microseconds."""
    tallies: Mapping[str, Callable[[], Tally]] = {
        DELIVERY: lambda: outcomes.delivered(conn, since),
        LATENCY: lambda: outcomes.punctual(conn, since, now=now, seconds=latency_seconds),
        CAPTURE: lambda: _captured(conn, contracts),
        API: lambda: answered(conn, since),
        WORK: lambda: outcomes.worked(conn, since),
        UPTIME: lambda: uptime.minutes(conn, since=since, now=now, seconds=latency_seconds),
    }
    return [Standing(each, tallies[each.name]()) for each in objectives]


def _captured(conn: Connection, contracts: Sequence[str]) -> Tally:
    """As of the last comparison, whenever it was: what was missed and healed is not missing any more.

    A stream that differs is told by what is wrong with it; an open gap counts beside the streams, since
    nobody knows what happened in it.
    """
    equal, compared = captured(conn)
    missed = {
        f"{kind.replace('_', ' ')}": count
        for kind, count in report.open_findings(conn).items()
        if Kind(kind) not in _NOT_MISSED
    }
    unexplained = max(0, compared - equal - sum(missed.values()))
    missed["streams not readable or not compared"] = unexplained
    missed["gaps open"] = len(observe(conn, contracts).open_gaps)
    return Tally(equal, missed)
