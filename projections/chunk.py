"""A chunk of the log into every read model of one table set (the work of step 7 in order).

In:   recorded events, in order of position.
Out:  the rows of streams, pauses, contracts and timeline that they change.
Next: follow.py calls it for the set that serves reads, rebuild.py for the other one.

Facts on time go on from the stored fold of their aggregate. Late facts change nothing by themselves:
the HistoryRevised behind them has the aggregate folded again up to its position, which stands in for
all of that aggregate's events before it. What the rows say depends on the last position only, never
on where chunks begin and end.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.chain_order import FactJudged, HistoryRevised
from domain.contract import GapHealed, GapOpened
from domain.facts import StreamFact
from projections import contracts, pauses, streams, timeline
from projections import fold as folds
from projections.fold import AnyFold, Pause
from projections.pauses import PauseKey, PauseRow
from projections.refold import Refolded, refold
from projections.sets import SetName
from store.log import Recorded

_OnTime = dict[UUID, list[tuple[int, FactJudged]]]


class Changes(NamedTuple):
    """What a chunk makes of the aggregates it touches."""

    streams: list[AnyFold]
    contracts: list[AnyFold]
    pauses: dict[PauseKey, PauseRow]
    refolded: dict[UUID, Refolded]
    gaps: list[GapOpened | GapHealed]


def apply(conn: Connection, name: SetName, recorded: Sequence[Recorded]) -> None:
    """Bring one table set from the position before this chunk to the one at its end."""
    write(conn, name, changes(conn, name, recorded))


def changes(conn: Connection, name: SetName, recorded: Sequence[Recorded]) -> Changes:
    """What the chunk changes in a table set that stands at the position before it; only reads."""
    on_time, revised, gaps = _sort(recorded)
    refolded = refold(conn, list(revised.values()))
    changed = {originator_id: history.fold for originator_id, history in refolded.items()}
    rows: dict[PauseKey, PauseRow] = {}
    for history in refolded.values():
        _keep(rows, history.fold, history.pauses)
    changed |= _load(conn, name, on_time, known=changed)
    for originator_id, facts in on_time.items():
        fold = changed.get(originator_id) or folds.begin(originator_id, facts[0][1].fact)
        changed[originator_id] = fold
        _keep(rows, fold, folds.take(fold, facts))
    of_streams = [fold for fold in changed.values() if fold.stream_id is not None]
    of_contracts = [fold for fold in changed.values() if fold.stream_id is None]
    return Changes(of_streams, of_contracts, rows, refolded, gaps)


def write(conn: Connection, name: SetName, made: Changes) -> None:
    """Set the rows of every read model."""
    streams.write(conn, name, made.streams)
    contracts.write(conn, name, made.contracts)
    pauses.write(conn, name, made.pauses, rewritten=made.refolded)
    timeline.rewrite(conn, name, made.refolded)
    contracts.write_gaps(conn, name, made.gaps)


def _sort(
    recorded: Sequence[Recorded],
) -> tuple[_OnTime, dict[UUID, tuple[int, HistoryRevised]], list[GapOpened | GapHealed]]:
    """What moves rows: facts on time after their aggregate's last revision, revisions, gaps."""
    on_time: _OnTime = {}
    revised: dict[UUID, tuple[int, HistoryRevised]] = {}
    gaps: list[GapOpened | GapHealed] = []
    for position, event, _ in recorded:
        if type(event) is FactJudged:
            if not event.late:
                on_time.setdefault(event.originator_id, []).append((position, event))
        elif isinstance(event, HistoryRevised):
            revised[event.originator_id] = position, event
            on_time.pop(event.originator_id, None)
        elif isinstance(event, GapOpened | GapHealed):
            gaps.append(event)
    return on_time, revised, gaps


def _load(
    conn: Connection, name: SetName, on_time: _OnTime, *, known: dict[UUID, AnyFold]
) -> dict[UUID, AnyFold]:
    """The stored folds of aggregates that go on and were not folded anew."""
    of_streams: list[UUID] = []
    of_contracts: list[UUID] = []
    for originator_id, facts in on_time.items():
        if originator_id not in known:
            is_stream = isinstance(facts[0][1].fact, StreamFact)
            (of_streams if is_stream else of_contracts).append(originator_id)
    return streams.load(conn, name, of_streams) | contracts.load(conn, name, of_contracts)


def _keep(rows: dict[PauseKey, PauseRow], fold: AnyFold, moved: Iterable[Pause]) -> None:
    """The last that a chunk says of a pause is what its row will say."""
    for (chain_at, place), pause in {(each.chain_at, each.place): each for each in moved}.items():
        rows[fold.originator_id, chain_at, place] = pauses.row_of(fold, pause)
