from uuid import UUID

import pytest
from sqlalchemy import select

from notifier.schema import delivery
from tests.fakes.planned import PLACES, plan


@pytest.fixture
def planned(sqlite_database):
    def make(channel="email", **changes):
        with sqlite_database.begin() as conn:
            return str(plan(conn, channel, **changes))

    return make


@pytest.fixture
def state_of(sqlite_database):
    def look(delivery_id):
        of = select(delivery.c.state).where(delivery.c.delivery_id == UUID(delivery_id))
        with sqlite_database.read() as conn:
            return conn.scalar(of)

    return look


def test_deliveries_are_listed_without_a_destination(command, planned):
    one = planned("email", accepted_at=1_784_655_000_000_000, state="accepted")
    (found,) = command.json("deliveries", "list")
    assert found["delivery_id"] == one
    assert found["accepted_at"] == "2026-07-21T17:30:00.000Z"
    assert found["lease_until"] is None
    assert found["closed_at"].endswith("Z")
    assert found["stream_id"] == "7"
    table = command.run("deliveries", "list").stdout
    assert one in table
    for told in (table, str(found)):
        assert PLACES["email"] not in told


def test_a_filter_and_a_limit_narrow_the_list(command, planned):
    sms = planned("sms")
    planned("email")
    (found,) = command.json("deliveries", "list", "--where", "channel=sms")
    assert found["delivery_id"] == sms
    assert len(command.json("deliveries", "list", "--limit", "1")) == 1
    nothing = command.run("deliveries", "list", "--where", "channel=push").stdout
    assert nothing == "Deliveries: none\n"


@pytest.mark.parametrize("wrong", ["state=lost", "colour=red", "delivery=7"])
def test_a_wrong_filter_is_refused_by_name(command, wrong):
    assert "--where" in command.run("deliveries", "list", "--where", wrong, code=2).stderr


@pytest.mark.parametrize(
    ("action", "state", "then"),
    [("redrive", "unknown", "pending"), ("cancel", "pending", "cancelled")],
)
def test_a_dry_run_says_which_and_the_real_one_moves_them(
    command, planned, state_of, action, state, then
):
    one = planned(state=state)
    other = planned("sms", state="accepted")
    steer = ("deliveries", action, "--where", f"state={state}")
    assert command.json(*steer, "--dry-run") == {"deliveries": [one]}
    assert "1 would " in command.run(*steer, "--dry-run").stdout
    assert state_of(one) == state
    told = command.run(*steer).stdout
    assert told.splitlines()[0] == one
    assert (state_of(one), state_of(other)) == (then, "accepted")
    assert command.json(*steer) == {"deliveries": []}


def test_steering_without_a_condition_is_a_fault_of_usage(command):
    assert "--where" in command.run("deliveries", "redrive", code=2).output
