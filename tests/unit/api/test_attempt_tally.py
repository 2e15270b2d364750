import pytest

from api.attempt_tally import COMMITTED_MICROS, AttemptTally
from store.clock import now_micros
from store.engine import Database
from tests.fakes.planned import plan, plan_many
from tests.fakes.tried import tried

SECOND = 1_000_000
ACCEPTED = ("email", "smtp", "accepted")


class Looks:
    """A tally, and one delivery planned now."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tally = AttemptTally()
        self.began = now_micros()
        with database.begin() as conn:
            self.planned = plan(conn)

    def tried(self, n: int, result: str | None, seconds: int | None) -> None:
        ended_at = None if seconds is None else self.began + seconds * SECOND
        with self.database.begin() as conn:
            tried(conn, self.planned, n, result=result, ended_at=ended_at)

    def look(self, seconds: int) -> dict[tuple[str, str, str], int]:
        with self.database.read() as conn:
            self.tally.advance(conn, self.began + COMMITTED_MICROS + seconds * SECOND)
        return dict(self.tally.results)


@pytest.fixture
def looks(sqlite_database: Database) -> Looks:
    """It has looked once already, a second ago."""
    looks = Looks(sqlite_database)
    assert looks.look(-1) == {}
    return looks


def test_what_ended_before_the_first_look_is_past(sqlite_database):
    anew = Looks(sqlite_database)
    anew.tried(1, "not_sent", 0)
    assert anew.look(5) == {}
    anew.tried(2, "accepted", 6)
    assert anew.look(6) == {ACCEPTED: 1}


def test_an_attempt_is_counted_once(looks):
    looks.tried(1, "not_sent", 1)
    looks.tried(2, "accepted", 5)
    assert looks.look(5) == {("email", "smtp", "not_sent"): 1, ACCEPTED: 1}
    assert looks.look(6) == looks.look(5)


def test_an_attempt_that_ended_just_now_waits_for_the_next_look(looks):
    looks.tried(1, "accepted", 1)
    assert looks.look(0) == {}
    assert looks.look(2) == {ACCEPTED: 1}


def test_a_clock_that_goes_back_counts_nothing_twice(looks):
    looks.tried(1, "accepted", 5)
    assert looks.look(5) == {ACCEPTED: 1}
    assert looks.look(-60) == {ACCEPTED: 1}
    assert looks.look(6) == {ACCEPTED: 1}


def test_an_attempt_whose_end_nobody_knows_is_not_counted(looks):
    looks.tried(1, None, None)
    assert looks.look(3600) == {}


def test_attempts_are_told_apart_by_channel(looks):
    with looks.database.begin() as conn:
        [other] = plan_many(conn, ["+15550100002"], channel="sms")
        tried(conn, other, 1, result="accepted", ended_at=looks.began)
    looks.tried(1, "accepted", 0)
    assert looks.look(0) == {ACCEPTED: 1, ("sms", "smtp", "accepted"): 1}
