"""The sweeper: nothing unfinished outlives its lease or its deadline."""

import threading
from typing import Any

import pytest
from sqlalchemy import insert

from notifier.push_places import WEB_PUSH
from notifier.schema import attempt
from notifier.sweep import Sweeper
from store.engine import Database
from tests.fakes.planned import HOUR, attempt_rows, delivery_row, plan

NOW = 1_790_000_000_000_000


def sweeper(database: Database) -> Sweeper:
    return Sweeper(database, sweep_seconds=0.01, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"state": "queued", "lease_until": NOW - 1}, "pending", None),
        ({"state": "claimed", "lease_until": NOW - 1, "token": "t"}, "pending", None),
        ({"state": "handed_off", "lease_until": NOW - 1}, "unknown", "lease_expired"),
        (
            {"state": "handed_off", "lease_until": NOW - 1, "channel": "webhook"},
            "retry_wait",
            "lease_expired",
        ),
        (
            {"state": "handed_off", "lease_until": NOW - 1, "channel": "push", "provider": "ntfy"},
            "unknown",
            "lease_expired",
        ),
        (
            {
                "state": "handed_off",
                "lease_until": NOW - 1,
                "channel": "push",
                "provider": WEB_PUSH,
            },
            "retry_wait",
            "lease_expired",
        ),
        ({"state": "held", "available_at": NOW}, "pending", None),
        ({"state": "held", "available_at": NOW + 1}, "held", None),
        ({"state": "pending", "deadline_at": NOW}, "expired", "deadline"),
        ({"state": "retry_wait", "deadline_at": NOW}, "expired", "deadline"),
        ({"state": "claimed", "lease_until": NOW + 1}, "claimed", None),
        ({"state": "handed_off", "lease_until": NOW}, "handed_off", None),
        ({"state": "unknown", "deadline_at": NOW}, "unknown", None),
        ({"state": "accepted", "deadline_at": NOW}, "accepted", None),
    ],
)
def test_each_state_ends_as_its_lease_says(
    sqlite_database: Database, changes: dict[str, Any], state: str, reason: str | None
) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(conn, **({"deadline_at": NOW + HOUR, "available_at": NOW} | changes))
    moved = sweeper(sqlite_database).step()
    with sqlite_database.read() as conn:
        row = delivery_row(conn, planned)
    assert (row.state, row.reason) == (state, reason)
    assert moved == (state != changes["state"])


def test_a_letter_whose_worker_died_gets_an_outcome(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(
            conn, state="handed_off", lease_until=NOW - 1, token="t", deadline_at=NOW + HOUR
        )
        begun = {
            "delivery_id": planned,
            "provider": "smtp",
            "phase": "sending",
            "started_at": NOW - 9,
            "worker": "w1",
        }
        conn.execute(insert(attempt), begun | {"n": 1, "result": "not_sent", "ended_at": NOW - 5})
        conn.execute(insert(attempt), begun | {"n": 2})
    sweeper(sqlite_database).step()
    with sqlite_database.read() as conn:
        first, second = attempt_rows(conn, planned)
        assert delivery_row(conn, planned).token == "t"  # a late answer still counts
    assert (first.result, first.ended_at) == ("not_sent", NOW - 5)
    assert (second.result, second.ended_at) == ("unknown", NOW)


@pytest.mark.parametrize(
    ("channel", "provider", "flagged"),
    [("push", WEB_PUSH, True), ("webhook", "webhook", False)],
)
def test_what_knows_a_repeat_is_tried_again_till_its_deadline(
    sqlite_database: Database, channel: str, provider: str, flagged: Any
) -> None:
    """A person may have seen a push: nobody may take it back. A webhook's receiver counts it once."""
    left = {"state": "handed_off", "lease_until": NOW - 1, "token": "t", "provider": provider}
    with sqlite_database.begin() as conn:
        planned = plan(conn, channel, deadline_at=NOW + 1, **left)
    sweeper(sqlite_database).step()
    with sqlite_database.read() as conn:
        row = delivery_row(conn, planned)
    assert (row.state, row.available_at, row.token) == ("retry_wait", NOW, None)
    assert row.possible_duplicate is flagged
    late = Sweeper(sqlite_database, sweep_seconds=1, patience_seconds=600, clock=lambda: NOW + 1)
    late.step()
    with sqlite_database.read() as conn:
        assert delivery_row(conn, planned).state == "expired"


def test_sweeping_twice_moves_nothing_more(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        plan(conn, state="queued", lease_until=NOW - 1, deadline_at=NOW + HOUR)
    assert [sweeper(sqlite_database).step() for _ in range(2)] == [1, 0]


def test_it_runs_until_it_is_told_to_stop(sqlite_database: Database) -> None:
    stop = threading.Event()
    with sqlite_database.begin() as conn:
        planned = plan(conn, deadline_at=NOW)
    thread = threading.Thread(target=sweeper(sqlite_database).run, args=(stop,))
    thread.start()
    state = "pending"
    for _ in range(200):
        with sqlite_database.read() as conn:
            state = delivery_row(conn, planned).state
        if state == "expired":
            break
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert state == "expired"
