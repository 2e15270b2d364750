from uuid import UUID

import pytest

from api import log_tally
from api.log_tally import LogTally
from domain.notice import DeliveryChanged
from store import log
from store.engine import Database
from tests.fakes import chain
from tests.fakes.planning import World

PAUSED = "stream.paused"


def advance(tally: LogTally, database: Database) -> None:
    with database.read() as conn:
        tally.advance(conn)


def test_what_is_recorded_is_counted_once(sqlite_database):
    world, tally = World(sqlite_database), LogTally()
    world.record(chain.created(1), chain.paused(2), chain.paused(3))
    for _ in range(2):
        advance(tally, sqlite_database)
    assert tally.facts[PAUSED, "applied"] == 1
    assert tally.facts[PAUSED, "refused"] == 1
    world.record(chain.resumed(4), chain.paused(5))
    advance(tally, sqlite_database)
    assert tally.facts[PAUSED, "applied"] == 2
    assert tally.deliveries == {}


def test_a_fact_told_twice_by_storage_and_event_is_counted_as_two_records(sqlite_database):
    world, tally = World(sqlite_database), LogTally()
    world.record(chain.stored_pause(2))
    world.record(chain.paused(2))
    advance(tally, sqlite_database)
    assert tally.facts[PAUSED, "applied"] == 2


def test_deliveries_are_counted_by_the_state_they_enter(sqlite_database):
    tally = LogTally()
    change = DeliveryChanged(
        UUID(int=1), 1, UUID(int=2), "sms", "-", "accepted", None, 1, "twilio", changed_at=1
    )
    with sqlite_database.begin() as conn:
        log.append(conn, [change], recorded_at=1)
    advance(tally, sqlite_database)
    assert tally.deliveries == {("sms", "accepted", ""): 1}


def test_a_long_log_is_counted_from_its_head_on(sqlite_database, monkeypatch):
    monkeypatch.setattr(log_tally, "MOST_EVENTS", 2)
    world, tally = World(sqlite_database), LogTally()
    world.record(chain.created(1), chain.paused(2), chain.resumed(3))
    advance(tally, sqlite_database)
    assert tally.facts == {}
    world.record(chain.paused(4), chain.resumed(5), chain.paused(6))
    advance(tally, sqlite_database)
    assert sum(tally.facts.values()) == 2
    advance(tally, sqlite_database)
    assert sum(tally.facts.values()) == 3


@pytest.mark.parametrize("kind", ["facts", "deliveries"])
def test_a_fresh_tally_has_counted_nothing(kind):
    assert getattr(LogTally(), kind) == {}
