from uuid import UUID

import pytest
from sqlalchemy import insert, update

from cli.quiet import standing
from notifier.schema import delivery
from store.schema import fanout, notice_fact_outbox
from tests.fakes.chain import CONTRACT, created, paused
from tests.fakes.planned import plan
from tests.fakes.served import Served

OUTBOX_ROW = {
    "notice_id": UUID(int=0),
    "topic": "notice.planned.1",
    "fact": b"",
    "created_at": 1,
}
FANOUT_ROW = {
    "event_id": "1-1",
    "position": 1,
    "contract_id": CONTRACT,
    "state": "running",
    "created_at": 1,
}


@pytest.fixture
def served(sqlite_database):
    """A world in which all that was recorded was told."""
    world = Served(sqlite_database)
    world.tell(created(1), paused(2))
    with sqlite_database.begin() as conn:
        conn.execute(notice_fact_outbox.delete())
        conn.execute(update(delivery).values(state="accepted"))
    return world


def look(world):
    with world.database.read() as conn:
        return standing(conn, CONTRACT)


def test_what_was_told_is_at_rest(served):
    now = look(served)
    assert (now.events, now.under_way, now.at_rest) == (2, 0, True)


def test_an_empty_database_is_at_rest(sqlite_database):
    with sqlite_database.read() as conn:
        assert standing(conn, CONTRACT) == (0, 0, 0, True)


def test_only_the_contracts_own_evidence_counts(served):
    with served.database.read() as conn:
        assert standing(conn, "another").events == 0


def test_recorded_events_that_nobody_followed_wait(served):
    served.world.record(paused(3))
    now = look(served)
    assert (now.events, now.at_rest) == (3, False)


@pytest.mark.parametrize("state", ["pending", "queued", "claimed", "handed_off", "retry_wait"])
def test_a_delivery_under_way_waits(served, state):
    with served.database.begin() as conn:
        plan(conn, state=state)
    now = look(served)
    assert (now.under_way, now.at_rest) == (1, False)


@pytest.mark.parametrize(("table", "row"), [(notice_fact_outbox, OUTBOX_ROW), (fanout, FANOUT_ROW)])
def test_what_is_still_to_be_appended_or_fanned_out_waits(served, table, row):
    with served.database.begin() as conn:
        conn.execute(insert(table), row)
    assert not look(served).at_rest
