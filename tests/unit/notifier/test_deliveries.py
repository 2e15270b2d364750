"""Deliveries as operators see and steer them."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert

from notifier.deliveries import (
    REDRIVE_SECONDS,
    Filter,
    Place,
    attempts_of,
    cancel,
    listing,
    parse_filter,
    redrive,
)
from notifier.errors import FilterInvalid
from notifier.schema import attempt
from store.engine import Database
from tests.fakes.planned import CONTRACT, HOUR, delivery_row, plan

NOW = 1_790_000_000_000_000


def tried(conn: Connection, delivery_id: UUID, n: int, result: str | None) -> None:
    conn.execute(
        insert(attempt),
        {
            "delivery_id": delivery_id,
            "n": n,
            "provider": "smtp",
            "phase": "sending",
            "result": result,
            "started_at": NOW,
            "worker": "w1",
        },
    )


def test_pages_of_one_walk_the_whole_list_newest_first(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        for at in (1, 3, 3, 2):
            plan(conn, planned_at=at)
        whole = conn.execute(listing(Filter(), after=None, limit=10)).all()
        walked: list[Any] = []
        place = None
        while page := conn.execute(listing(Filter(), after=place, limit=1)).all():
            walked += page
            place = Place(page[-1].planned_at, page[-1].delivery_id)
    assert [row.planned_at for row in whole] == [3, 3, 2, 1]
    assert walked == whole


def test_a_listed_delivery_tells_what_it_is_about_and_no_place(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        plan(conn)
        (row,) = conn.execute(listing(Filter(), after=None, limit=10)).all()
    shown = row._mapping
    assert (shown["kind"], shown["contract_id"], shown["stream_id"]) == ("paused", CONTRACT, 7)
    assert not {"token", "contact_id", "destination", "content"} & set(shown)


def test_conditions_narrow_the_list(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        wanted = plan(conn, "sms", state="failed", reason="defect", provider="twilio")
        plan(conn, "sms", state="failed")
        plan(conn, state="failed", reason="defect")
        conditions = parse_filter(["state=failed", "channel=sms", "reason=defect"])
        rows = conn.execute(listing(conditions, after=None, limit=10)).all()
        by_id = parse_filter([f"delivery={wanted}", "provider=twilio"])
        assert [row.delivery_id for row in rows] == [wanted]
        assert len(conn.execute(listing(by_id, after=None, limit=10)).all()) == 1


@pytest.mark.parametrize(
    "conditions", [["colour=red"], ["state"], ["state=lost"], ["delivery=7"], ["=x"]]
)
def test_a_condition_that_cannot_be_read_is_refused(conditions: list[str]) -> None:
    with pytest.raises(FilterInvalid):
        parse_filter(conditions)


@pytest.mark.parametrize(
    ("changes", "results", "duplicate"),
    [
        ({"state": "unknown"}, ["unknown"], True),
        ({"state": "failed"}, ["not_sent", "rejected"], False),
        ({"state": "failed"}, ["unknown", "rejected"], True),
        ({"state": "expired"}, [None], True),
        ({"state": "expired", "deadline_at": NOW - HOUR}, [], False),
        ({"state": "failed", "possible_duplicate": True}, [], True),
    ],
)
def test_a_redriven_delivery_may_leave_again_and_says_if_it_may_be_a_second_copy(
    sqlite_database: Database,
    changes: dict[str, Any],
    results: list[str | None],
    duplicate: bool,  # noqa: FBT001 # a parameter of the table above
) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(conn, reason="deadline", token="t", **changes)
        for n, result in enumerate(results, start=1):
            tried(conn, planned, n, result)
        assert redrive(conn, sqlite_database.bell, Filter(delivery=planned), now=NOW) == [planned]
        row = delivery_row(conn, planned)
        assert len(conn.execute(attempts_of(planned)).all()) == len(results)
    assert (row.state, row.reason, row.token, row.available_at) == ("pending", None, None, NOW)
    assert row.deadline_at == NOW + REDRIVE_SECONDS * 1_000_000
    assert row.possible_duplicate is duplicate


@pytest.mark.parametrize("state", ["accepted", "pending", "handed_off", "cancelled", "delivered"])
def test_what_was_sent_or_is_under_way_is_not_redriven(
    sqlite_database: Database, state: str
) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(conn, state=state)
        assert redrive(conn, sqlite_database.bell, Filter(), now=NOW) == []
        assert delivery_row(conn, planned).possible_duplicate is False


def test_only_what_has_not_left_is_cancelled(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        waiting = [plan(conn, state=state) for state in ("pending", "claimed", "retry_wait")]
        gone = [plan(conn, state=state) for state in ("handed_off", "accepted", "unknown")]
        assert set(cancel(conn, Filter(), now=NOW)) == set(waiting)
        rows = [delivery_row(conn, each) for each in waiting]
        left = [delivery_row(conn, each).state for each in gone]
    assert {(row.state, row.reason) for row in rows} == {("cancelled", "operator")}
    assert left == ["handed_off", "accepted", "unknown"]
