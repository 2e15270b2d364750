from uuid import uuid4

import pytest
from sqlalchemy import insert

from api.attempt_tally import COMMITTED_MICROS
from api.work_tally import WorkTally
from notifier.canary_planning import CANARY
from notifier.schema import callback, plan_parked
from store.clock import now_micros
from store.engine import Database
from tests.fakes.planned import plan

SECOND = 1_000_000
NOTHING = {
    (kind, result): 0 for kind in ("attempt", "callback", "notice") for result in ("done", "failed")
}


class Looks:
    """A tally that has looked once, at a database with some past."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tally = WorkTally()
        self.began = now_micros()
        self.attempts = {("email", "smtp", "accepted"): 7, ("email", "smtp", "defect"): 5}

    def answered(self, state: str, seconds: int) -> None:
        row = dict.fromkeys(column.name for column in callback.columns)
        row |= {"callback_id": uuid4(), "provider": "twilio", "kind": "status", "state": state}
        row |= {"tries": 1, "due_at": 1, "received_at": self.began - SECOND}
        with self.database.begin() as conn:
            conn.execute(insert(callback).values(row | {"processed_at": self.at(seconds)}))

    def parked(self, position: int, seconds: int) -> None:
        row = {"position": position, "reason": "KeyError", "parked_at": self.at(seconds)}
        with self.database.begin() as conn:
            conn.execute(insert(plan_parked).values(row))

    def planned(self, seconds: int, **more: str) -> None:
        with self.database.begin() as conn:
            plan(conn, planned_at=self.at(seconds), **more)

    def at(self, seconds: int) -> int:
        return self.began + seconds * SECOND

    def look(self, seconds: int) -> dict[tuple[str, str], float]:
        with self.database.read() as conn:
            self.tally.advance(conn, self.at(seconds) + COMMITTED_MICROS)
        family = self.tally.family(self.attempts)
        return {(each.labels["kind"], each.labels["result"]): each.value for each in family.samples}


@pytest.fixture
def looks(sqlite_database: Database) -> Looks:
    found = Looks(sqlite_database)
    found.planned(-60)
    found.answered("dead", -60)
    found.parked(1, -60)
    assert found.look(0) == NOTHING  # counted from here on: what was before is no growth
    return found


def test_each_kind_of_work_is_counted_once_by_how_it_ended(looks):
    looks.planned(1)
    looks.answered("done", 1)
    looks.answered("dead", 2)
    looks.parked(2, 1)
    looks.parked(3, 2)
    looks.attempts = {("email", "smtp", "accepted"): 8, ("email", "smtp", "defect"): 7}
    expected = {
        ("attempt", "done"): 1,
        ("attempt", "failed"): 2,
        ("callback", "done"): 1,
        ("callback", "failed"): 1,
        ("notice", "done"): 1,
        ("notice", "failed"): 2,
    }
    assert looks.look(5) == expected
    assert looks.look(6) == expected


def test_what_ended_just_now_waits_for_the_next_look(looks):
    looks.parked(2, 5)
    assert looks.look(4) == NOTHING
    assert looks.look(6)["notice", "failed"] == 1


def test_callbacks_that_wait_and_canaries_are_no_work_done(looks):
    looks.answered("waiting", 1)
    looks.planned(1, endpoint=CANARY)
    assert looks.look(5) == NOTHING
