"""Open gaps are healed by jobs that nobody had to ask for."""

import pytest
from sqlalchemy import select, update

from ingest.cursors import window_end
from ingest.errors import RetentionGap
from ingest.gaps import GapRecorder
from ingest.healing import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Healer
from ingest.job_closer import JobCloser
from ingest.jobs import BACKFILL, HEAL, request, unfinished
from ingest.sources import Position, arrange
from ingest.states import StateCache
from store.lease import Lease
from store.schema import ingest_job
from tests.fakes import chain
from tests.fakes.indexer import NETWORK

SECOND = 1_000_000


class World:
    """A leader whose only source begins at ledger 1, with a clock of its own."""

    def __init__(self, database):
        self.database = database
        self.now = 0
        self.cache = StateCache(NETWORK)
        self.lease = Lease(database, name="index", holder="a", seconds=600)
        self.lease.acquire()
        self.healer = Healer(database, self.cache, clock=lambda: self.now)
        with database.begin() as conn:
            (self.source,) = arrange(conn, {chain.CONTRACT: 1}, 1)

    def open_gap(self, first, oldest):
        gaps = GapRecorder(self.database, cache=self.cache, margin_ledgers=0)
        here = Position(source=self.source.name, cursor=window_end(first - 1))
        with self.database.begin() as conn:
            conn.exec_driver_sql(f"UPDATE ingest_position SET cursor = '{here.cursor}'")
        gaps.open_gap(self.source, here, RetentionGap(oldest, first), self.lease)

    def look(self, healer=None):
        """How many jobs that asks for."""
        before = len(self.jobs())
        (healer or self.healer).request_due(self.lease)
        return len(self.jobs()) - before

    def jobs(self):
        with self.database.read() as conn:
            return unfinished(conn)

    def end(self, job, reason=None, *, scanned_to=None):
        """End a job, having scanned up to a ledger, and make the end this moment."""
        last = job.ledgers.from_ledger - 1 if scanned_to is None else scanned_to
        here = Position(source=job.source.name, cursor=window_end(last))
        JobCloser(self.database, self.cache).close(job, here, self.lease, reason)
        with self.database.begin() as conn:
            at = update(ingest_job).where(ingest_job.c.id == job.id)
            conn.execute(at.values(updated_at=self.now))


@pytest.fixture
def world(sqlite_database):
    return World(sqlite_database)


def test_without_a_gap_nothing_is_requested(world):
    assert world.look() == 0
    assert world.jobs() == []


def test_a_gap_gets_one_job_of_its_ledgers(world):
    world.open_gap(1, 40)
    assert world.look() == 1
    assert world.look() == 0
    (job,) = world.jobs()
    assert (job.kind, job.contract_id, tuple(job.ledgers)) == (HEAL, chain.CONTRACT, (1, 39))


def test_a_restart_knows_the_gap_and_the_job(world, sqlite_database):
    world.open_gap(1, 40)
    assert world.look(Healer(sqlite_database, StateCache(NETWORK))) == 1
    assert world.look(Healer(sqlite_database, StateCache(NETWORK))) == 0


def test_a_person_s_backfill_does_not_hold_healing_up(world):
    world.open_gap(1, 40)
    with world.database.begin() as conn:
        from ingest.coverage import LedgerRange

        request(conn, kind=BACKFILL, contract_id=chain.CONTRACT, ledgers=LedgerRange(1, 39))
    assert world.look() == 1


def test_what_failed_is_tried_again_later_each_time(world):
    world.open_gap(1, 40)
    waits = []
    for _ in range(9):
        assert world.look() == 1
        world.end(world.jobs()[0], "nobody has it")
        failed_at = world.now
        while world.look() == 0:
            world.now += 60 * SECOND
        waits.append((world.now - failed_at) // SECOND)
        (job,) = world.jobs()
        with world.database.begin() as conn:
            conn.execute(ingest_job.delete().where(ingest_job.c.id == job.id))
    assert waits[:3] == [FIRST_WAIT_SECONDS, 2 * FIRST_WAIT_SECONDS, 4 * FIRST_WAIT_SECONDS]
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_what_was_filled_is_not_asked_for_again(world):
    world.open_gap(1, 40)
    world.look()
    world.end(world.jobs()[0], "nobody has the rest", scanned_to=20)
    world.now += LONGEST_WAIT_SECONDS * SECOND
    assert world.look() == 1
    (job,) = world.jobs()
    assert tuple(job.ledgers) == (21, 39)
    world.end(job, scanned_to=39)
    world.now += LONGEST_WAIT_SECONDS * SECOND
    assert world.look() == 0
    with world.database.read() as conn:
        assert set(conn.scalars(select(ingest_job.c.state))) == {"failed", "done"}


def test_contracts_that_are_not_followed_any_more_are_left_alone(world):
    world.open_gap(1, 40)
    with world.database.begin() as conn:
        arrange(conn, {chain.OTHER: 1}, 2)
    assert world.look() == 0
