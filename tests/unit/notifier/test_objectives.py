"""Objectives: what holds, what budget is left, and what of the notifier's rows counts for them."""

import pytest
from sqlalchemy import insert, update

from notifier.objectives import Objective, Standing, Tally, all_hold
from notifier.outcomes import delivered, punctual, worked
from notifier.schema import callback, notice, plan_parked
from store.clock import now_micros
from tests.fakes.planned import plan
from tests.fakes.tried import tried

SECOND = 1_000_000


def standing(percent: float, good: int, **bad: int) -> Standing:
    return Standing(Objective("delivery", percent, "deliveries"), Tally(good, bad))


@pytest.mark.parametrize(
    ("found", "holds", "left"),
    [
        (standing(95, 100), True, 100),
        (standing(95, 975, lost=25), True, 50),
        (standing(95, 95, lost=5), True, 0),
        (standing(95, 90, lost=10), False, -100),
        (standing(100, 7), True, 100),
        (standing(100, 7, lost=1), False, 0),
        (standing(95, 0), None, None),
    ],
)
def test_a_standing_says_whether_it_holds_and_what_may_still_go_wrong(found, holds, left):
    assert found.holds is holds
    if left is None:
        assert found.budget_left_percent is None
    else:
        assert found.budget_left_percent == pytest.approx(left)


def test_what_burns_most_is_named_first_and_nothing_that_did_not_happen():
    tally = Tally(1, {"b": 2, "a": 2, "none": 0, "most": 9, "least": 1})
    assert tally.burning == [("most", 9), ("a", 2), ("b", 2)]


def test_only_a_missed_objective_spoils_the_whole():
    assert all_hold([standing(95, 0), standing(95, 1)])
    assert not all_hold([standing(95, 1), standing(95, 0, lost=1)])


def test_deliveries_count_by_how_they_ended(sqlite_database):
    with sqlite_database.begin() as conn:
        for state in ("accepted", "delivered", "complained", "pending", "cancelled", "suppressed"):
            plan(conn, state=state, destination=f"{state}@example.test")
        plan(conn, state="failed", reason="rejected", destination="b@example.test")
        plan(conn, "sms", state="unknown")
        plan(conn, "in_app", state="delivered", destination="-")
        assert delivered(conn, 0) == Tally(3, {"email failed: rejected": 1, "sms unknown": 1})
        assert delivered(conn, now_micros() + SECOND) == Tally(0, {})


def test_news_that_was_late_when_we_learned_it_says_nothing_of_us(sqlite_database):
    with sqlite_database.begin() as conn:
        plan(conn, state="expired", reason="stale")
        conn.execute(update(notice).values(late=True))
        assert delivered(conn, 0).lost == 0
        assert punctual(conn, 0, now=now_micros(), seconds=1).lost == 0


def test_a_delivery_is_punctual_if_its_provider_took_it_in_time(sqlite_database):
    with sqlite_database.begin() as conn:
        now = now_micros()
        plan(conn, state="accepted", accepted_at=now, destination="in-time@example.test")
        plan(conn, state="accepted", accepted_at=now + 60 * SECOND)
        plan(conn, "sms", state="retry_wait")
        plan(conn, "push", state="held")
        conn.execute(update(notice).values(closed_at=now // SECOND - 3))
        assert punctual(conn, 0, now=now, seconds=30) == Tally(1, {"email after 30 s": 1})
        later = punctual(conn, 0, now=now + 40 * SECOND, seconds=30)
        assert later == Tally(1, {"email after 30 s": 1, "sms after 30 s": 1})


def test_work_counts_attempts_callbacks_and_notices_and_our_defects(sqlite_database):
    with sqlite_database.begin() as conn:
        planned = plan(conn)
        tried(conn, planned, 1, result="defect", ended_at=1)
        tried(conn, planned, 2, result="not_sent", ended_at=1)
        tried(conn, planned, 3, result=None, ended_at=None)
        for n, state in enumerate(("done", "dead", "waiting")):
            row = {"callback_id": (planned.__class__)(int=n), "provider": "t", "kind": "k"}
            row |= {"state": state, "tries": 0, "due_at": 1, "received_at": now_micros()}
            conn.execute(insert(callback).values(row))
        conn.execute(insert(plan_parked).values(position=1, reason="?", parked_at=now_micros()))
        tally = worked(conn, 0)
    assert tally.good == 3  # an attempt, a callback, a notice
    assert set(tally.bad.values()) == {1}
    assert tally.lost == 3
