"""Two indexers: one leads, the other takes over, and a leader that wakes from the dead does no harm.

A take-over is a matter of seconds; how long the tests wait for it is a matter of how busy the machine is.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from store.schema import lease
from tests.e2e.harness import BackEnd, Process, Site, site, until
from tests.e2e.story import Story

pytestmark = pytest.mark.e2e

_TAKE_OVER_SECONDS = 20
_PATIENCE_SECONDS = 240
_TRIES = 4
_EPOCH = re.compile(r"epoch\W+(\d+)")
_WAYS = [
    "empty_postgres_url",
    pytest.param("pooled_url", marks=pytest.mark.long),  # PgBouncer in transaction pooling
]


class Pair(NamedTuple):
    """Two indexers, and what happens on the chain meanwhile.

    On a busy machine a leader may miss its own lease: who leads is asked for each time.
    """

    here: Site
    first: Process
    second: Process
    story: Story

    def leader(self) -> Process:
        """Who took the lease last."""
        found = until(self._leading, seconds=_PATIENCE_SECONDS, what="somebody who leads")
        return found[0]

    def _leading(self) -> list[Process]:
        now = epoch(self.here)
        return [each for each in (self.first, self.second) if now in epochs(each)]

    def goes_on(self) -> None:
        """Whoever leads records."""
        recorded = self.here.standing().events
        self.until(lambda: self.here.standing().events > recorded, "more events")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait, while the story goes on."""

        def it_holds() -> bool:
            self.story.go_on()
            return holds()

        until(it_holds, seconds=_PATIENCE_SECONDS, what=what)


def epoch(here: Site) -> int:
    with here.database.read() as conn:
        return conn.scalar(select(lease.c.epoch)) or 0


def epochs(process: Process) -> set[int]:
    """The epochs in which it has led."""
    lines = (line for line in process.log.splitlines() if "leadership_taken" in line)
    return {int(found[1]) for line in lines if (found := _EPOCH.search(line))}


def log_says(process: Process, word: str) -> Callable[[], bool]:
    return lambda: word in process.log


@contextmanager
def pair(folder: Path, back_end: BackEnd, **changes: str) -> Iterator[Pair]:
    """Two indexers, the first of which leads."""
    with site(folder, back_end) as here:
        here.import_people()
        changes = {"PAUSEWIRE_INGEST__LEASE_SECONDS": "3"} | changes
        leader = here.start("index", **changes)
        until(lambda: epoch(here) >= 1, seconds=_PATIENCE_SECONDS, what="a leader")
        standby = here.start("index", **changes)
        stands_by = log_says(standby, "follower_started")
        until(stands_by, seconds=_PATIENCE_SECONDS, what="a standby")
        yield Pair(here, leader, standby, Story(here))


def frozen(two: Pair) -> Process:
    """Stop the leader's clock until another one leads; who was stopped.

    One that holds the head's row at that moment keeps everybody out: then it is let go on, and stopped
    again. What a host's pause in the middle of a transaction does is for the database's own timeout.
    """
    for _ in range(_TRIES):
        leader, before = two.leader(), epoch(two.here)
        leader.popen.send_signal(signal.SIGSTOP)
        ends_at = time.monotonic() + _TAKE_OVER_SECONDS
        while time.monotonic() < ends_at:
            two.story.go_on()
            if epoch(two.here) > before and two.leader() is not leader:
                return leader
            time.sleep(0.05)
        leader.popen.send_signal(signal.SIGCONT)
        two.story.go_on_for(1)
    pytest.fail("nobody took over")


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("way", _WAYS)
def test_a_frozen_leader_is_replaced_and_its_return_changes_nothing(
    tmp_path: Path, way: str, redis_url: str, request: pytest.FixtureRequest
) -> None:
    with pair(tmp_path, BackEnd(request.getfixturevalue(way), redis_url)) as two:
        notify = two.here.start("notify")
        two.story.go_on_for(2)
        zombie = frozen(two)
        two.goes_on()
        zombie.popen.send_signal(signal.SIGCONT)
        two.until(log_says(zombie, "leadership_lost"), "the zombie's insight")
        two.here.settle()
        assert zombie.is_alive()
        two.here.assert_nothing_lost_or_doubled()
        for process in (two.first, two.second, notify):
            process.stop()


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("way", _WAYS)
def test_a_killed_leader_is_replaced_and_nothing_is_missed_or_told_twice(
    tmp_path: Path, way: str, redis_url: str, request: pytest.FixtureRequest
) -> None:
    with pair(tmp_path, BackEnd(request.getfixturevalue(way), redis_url)) as two:
        notify = two.here.start("notify")
        two.story.go_on_for(2)
        leader, before = two.leader(), epoch(two.here)
        leader.kill()
        two.until(lambda: epoch(two.here) > before, "the standby's turn")
        two.goes_on()
        two.here.settle()
        two.here.assert_nothing_lost_or_doubled()
        for process in (two.first, two.second, notify):
            if process is not leader:
                process.stop()


def test_a_stopped_leader_hands_over_at_once(tmp_path: Path, sqlite_memory: BackEnd) -> None:
    """It gives its lease back: nobody waits until that has run out."""
    with pair(tmp_path, sqlite_memory, PAUSEWIRE_INGEST__LEASE_SECONDS="300") as two:
        before = epoch(two.here)
        two.second.stop()  # it would look again after a third of the lease only
        two.first.stop()
        two.here.start("index", PAUSEWIRE_INGEST__LEASE_SECONDS="300")
        until(lambda: epoch(two.here) > before, seconds=_PATIENCE_SECONDS, what="a new leader")
