"""The decision cache's rows: written when somebody else needs them, and never needed to be whole."""

import pytest
from sqlalchemy import select

from domain.values import network_id
from ingest import sources
from ingest.decision import STATE_EVERY
from ingest.judge import Judge
from ingest.record import Recorder
from ingest.states import StateCache
from store import log, migrate
from store.engine import Database
from store.lease import Lease
from store.schema import stream_state
from tests.fakes import chain
from tests.fakes.pages import KnownTranslations, page


class Desk:
    """Records facts, a page each; `forgetful`: its cache is empty before each of them."""

    def __init__(self, database, *, forgetful=False):
        self.database = database
        self.forgetful = forgetful
        self.known = KnownTranslations()
        self.cache = StateCache(network_id("test"))
        judge = Judge(self.known, self.cache)
        self.recorder = Recorder(database, judge=judge, cache=self.cache, slice_events=1000)
        self.lease = Lease(database, name="index", holder="test", seconds=60)
        assert self.lease.acquire() is not None
        with database.begin() as conn:
            (self.source,) = sources.arrange(conn, {chain.CONTRACT: 1}, now=1)
        self.latest_ledger = 100

    def record(self, *facts):
        self.latest_ledger += 1
        if self.forgetful:
            self.recorder.forget()
        with self.database.read() as conn:
            position = sources.position(conn, self.source.name)
        told = page(self.known.events(*facts), latest_ledger=self.latest_ledger)
        self.recorder.record(told, source=self.source, position=position, lease=self.lease)

    def row(self):
        with self.database.read() as conn:
            return conn.execute(select(stream_state)).one()

    def events(self):
        with self.database.read() as conn:
            return [recorded.event for recorded in log.read_after(conn, 0, 1000)]


def history():
    """Facts of one stream, each in a page of its own: on time, late, refused, to another employee."""
    turns = [(chain.paused, chain.resumed)[number % 2](10 + number) for number in range(11)]
    later = [chain.transferred(30), chain.paused(31), chain.cancelled(32), chain.resumed(33)]
    return [chain.created(2), *turns, chain.paused(3), chain.resumed(40), *later]


@pytest.fixture
def beside(tmp_path):
    url = f"sqlite:///{tmp_path / 'beside.db'}"
    migrate.upgrade(url)
    opened = Database.open(url)
    yield opened
    opened.close()


def test_states_read_from_rows_and_log_decide_as_those_in_memory(database, beside):
    known, forgetful = Desk(beside), Desk(database, forgetful=True)
    for fact in history():
        known.record(fact)
        forgetful.record(fact)
    assert forgetful.events() == known.events()
    assert len(known.events()) > 2 * STATE_EVERY


def test_a_row_is_written_when_it_lacks_eight_versions(sqlite_database):
    desk = Desk(sqlite_database)
    desk.record(chain.created(2))
    for number in range(STATE_EVERY - 2):
        desk.record((chain.paused, chain.resumed)[number % 2](3 + number))
        assert desk.row().version == 1
    desk.record(chain.paused(20))
    assert desk.row().version == STATE_EVERY


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (chain.transferred(4), ("active", chain.EMPLOYER, chain.OTHER)),
        (chain.cancelled(4), ("cancelled", chain.EMPLOYER, chain.EMPLOYEE)),
    ],
)
def test_a_row_says_at_once_who_streams(sqlite_database, fact, said):
    desk = Desk(sqlite_database)
    desk.record(chain.created(2))
    desk.record(fact)
    row = desk.row()
    assert (row.status, row.employer, row.employee) == said
    assert row.version == 2
