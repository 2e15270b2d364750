"""What nobody understood when it came: a release that does reads it again, and people are told of it once.

Real processes: the first indexer reads by a profile that knows none of the contract's events. The second
one dies in the middle of reading them again, planning dies as well, and all of it is asked for twice.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from notifier.schema import notice
from simulator.calls import Call
from tests.e2e.harness import STREAMS, BackEnd, Process, Site, site, until

pytestmark = pytest.mark.e2e

_CONTRACTS = "PAUSEWIRE_NETWORK__CONTRACTS"
_SECONDS = 240


def unaware(here: Site) -> dict[str, str]:
    """The contract, as a profile reads it that knows no event of it."""
    (contract,) = json.loads(here.environment[_CONTRACTS])
    return {_CONTRACTS: json.dumps([contract | {"profile": "fundable"}])}


def play(here: Site) -> int:
    """All streams are paused, and half of them go on again; how many events there are then."""
    cast = here.network.cast
    for function, streams in (("pause_stream", STREAMS), ("resume_stream", STREAMS // 2)):
        for number in range(streams):
            here.network.submit(Call(function, (cast.employer_of(number), number + 1)))
    return STREAMS + STREAMS + STREAMS // 2


def leads(process: Process) -> bool:
    return "leadership_taken" in process.log


def told(here: Site) -> Counter[Any]:
    """(recipient, cause, kind) of all notices, and how often."""
    columns = (notice.c.recipient_id, notice.c.cause_event_id, notice.c.kind)
    with here.database.read() as conn:
        return Counter(tuple(row) for row in conn.execute(select(*columns)))


def letters(here: Site) -> dict[str, int]:
    """How many deliveries each channel has."""
    return {name: sum(states.values()) for name, states in here.judge().deliveries.items()}


def read_again_by_who_dies(here: Site) -> None:
    """`pausewire reprocess`: the leader is killed in the middle of it, and who asked goes on itself."""
    leader = here.start("index", kill_at="in_reprocess:1")
    until(lambda: leads(leader), seconds=_SECONDS, what="an indexer that knows the profile")
    asking = here.start("reprocess")
    until(leader.was_killed, seconds=_SECONDS, what="its end")
    assert asking.popen.wait(_SECONDS) == 0, asking.log
    assert "done" in asking.log


def test_what_is_understood_at_last_is_told_once(tmp_path: Path, sqlite_memory: BackEnd) -> None:
    with site(tmp_path, sqlite_memory) as here:
        here.environment["PAUSEWIRE_RECONCILE__HOURS"] = "0"  # storage would tell of them as well
        here.import_people()
        first = here.start("index", **unaware(here))
        wanted = play(here)
        until(lambda: here.standing().events >= wanted, seconds=_SECONDS, what="events")
        first.stop()
        assert here.judge().quarantined == here.judge().events_recorded == wanted
        assert not told(here)

        read_again_by_who_dies(here)
        planner = here.start("notify", kill_at="in_plan:2")
        here.start("index")
        until(planner.was_killed, seconds=_SECONDS, what="the planner's end")
        here.start("notify")
        here.settle()
        # Nothing of these streams was known, so that each pause and each resume is news, and told.
        here.assert_nothing_lost_or_doubled()
        notices, sent = told(here), letters(here)
        assert here.judge().quarantined == 0
        assert set(notices.values()) == {1}

        assert json.loads(here.run("reprocess", "--json")) == {"jobs": [], "done": True}
        (again,) = json.loads(here.run("reprocess", "--all", "--json"))["jobs"]
        assert (again["state"], again["events_found"]) == ("done", 0)
        here.settle()
        here.assert_nothing_lost_or_doubled()
        assert told(here) == notices
        assert letters(here) == sent
