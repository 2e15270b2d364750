"""Planning: who is told what when facts come on time."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain import facts
from domain.notice import DeliveryChanged, NoticePlanned
from notifier import suppression
from notifier.contact_file import ContactLine
from notifier.schema import delivery, notice, plan_parked
from store import log
from store.clock import now_micros
from store.engine import Database
from store.schema import tracking
from tests.fakes.chain import (
    EMPLOYEE,
    EMPLOYER,
    cancelled,
    created,
    event_id,
    paused,
    place,
    resumed,
    stored_pause,
    transferred,
)
from tests.fakes.planning import Told, World, seen_at

EMAIL = ContactLine(EMPLOYEE, email="ana@example.org")


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def test_a_pause_is_told_to_the_employee_and_the_employer(world: World) -> None:
    world.record(created(1), paused(2))
    world.plan()
    assert sorted(world.told()) == sorted(
        [
            Told("paused", EMPLOYEE, event_id(2), late=False),
            Told("paused", EMPLOYER, event_id(2), late=False),
        ]
    )


def test_pause_resume_and_cancellations_have_their_own_kinds(world: World) -> None:
    world.record(created(1), paused(2), resumed(3), paused(4), cancelled(5))
    world.record(created(1, 1, stream_id=8), cancelled(6, stream_id=8))
    world.plan()
    kinds = [told.kind for told in world.told() if told.account == EMPLOYEE]
    assert kinds == ["paused", "resumed", "paused", "cancelled_while_paused", "cancelled"]


def test_facts_that_change_no_status_tell_nothing(world: World) -> None:
    topped_up = facts.StreamToppedUp(**place(3), stream_id=7, account=EMPLOYER, amount=None)
    world.record(created(1), transferred(2), topped_up)
    world.plan()
    assert world.told() == []


def test_a_refused_fact_tells_nothing(world: World) -> None:
    world.record(created(1), paused(2), paused(3), resumed(4), resumed(5))
    world.plan()
    assert [told.cause for told in world.told()] == [event_id(2)] * 2 + [event_id(4)] * 2


def test_a_pause_names_the_parties_as_they_were_then(world: World) -> None:
    world.record(created(1), transferred(2), paused(3, employee=None))
    world.record(transferred(4, to=EMPLOYEE))
    world.plan()
    assert EMPLOYEE not in {told.account for told in world.told()}


def test_a_party_that_is_both_is_told_once_as_the_employee(world: World) -> None:
    both = facts.StreamPaused(**place(2), stream_id=7, employer=EMPLOYEE, employee=EMPLOYEE)
    world.record(both)
    world.plan()
    assert [told.account for told in world.told()] == [EMPLOYEE]
    assert world.words()[0].startswith("Your pay stream")


def test_a_resume_says_how_long_the_stream_stood_still(world: World) -> None:
    world.record(created(1), paused(2))
    world.plan()
    world.record(resumed(2 + 720 * 2))  # 5 seconds a ledger
    world.plan()
    assert "It had been paused for 2 hours, since" in world.words()[-1]


def test_the_state_before_is_read_from_the_log_by_a_planner_that_has_just_started(
    world: World,
) -> None:
    world.record(created(1), paused(2))
    world.plan()
    restarted = World(world.database)
    restarted.past = world.past
    restarted.record(cancelled(3))
    restarted.plan()
    assert [told.kind for told in restarted.told()][-1] == "cancelled_while_paused"


def test_a_state_without_a_time_is_told_as_such(world: World) -> None:
    later = place(3) | {"event_id": "storage:c:7:status=paused:3", "order": "~~status"}
    world.record(created(1))
    world.record(facts.StatusStated(**later, stream_id=7, status="paused"))
    world.plan()
    assert [told.kind for told in world.told()] == ["paused", "paused"]
    assert "is paused. The contract itself says so, without a time" in world.words()[0]


def test_a_pause_found_in_storage_is_told_with_its_time(world: World) -> None:
    world.record(created(1))
    world.record(stored_pause(3))
    world.plan()
    assert "was paused on 21 July 2026, 17:30 UTC" in world.words()[0]


def test_planning_the_same_log_again_adds_nothing(world: World) -> None:
    world.register(EMAIL)
    world.record(created(1), paused(2), resumed(3))
    world.plan()
    before = (world.told(), world.deliveries(), world.facts())
    with world.database.begin() as conn:
        conn.execute(update(tracking).values(position=0))
    World(world.database).plan()
    assert (world.told(), world.deliveries(), world.facts()) == before


def test_times_are_kept_from_ledger_close_to_planning(world: World) -> None:
    fact = paused(2)
    world.record(fact)
    world.plan()
    (row, _) = world.rows(select(notice))
    assert row.closed_at == fact.closed_at
    assert row.observed_at == seen_at(fact)
    assert row.recorded_at <= row.planned_at


def test_the_inbox_row_is_delivered_by_being_written(world: World) -> None:
    world.record(paused(2))
    world.plan()
    assert world.deliveries() == [("in_app", "delivered", None)] * 2
    planned = world.facts()
    assert all(isinstance(fact, NoticePlanned) for fact in planned)
    assert len(planned) == 2


def test_each_verified_channel_gets_a_pending_delivery_with_its_deadline(
    sqlite_database: Database,
) -> None:
    hour = 3600 * 10**6
    world = World(sqlite_database, {"email": 10**10, "sms": 10**10})
    world.register(
        ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100123", push="ntfy:ana")
    )
    fact = paused(2)
    world.record(fact)
    world.plan()
    rows = {row.channel: row for row in world.rows(select(delivery)) if row.channel != "in_app"}
    assert set(rows) == {"email", "sms"}  # this deployment cannot push
    assert rows["email"].state == "pending"
    assert rows["email"].deadline_at == (fact.closed_at + 10**10) * 10**6
    assert rows["email"].available_at == rows["email"].planned_at <= now_micros() < hour * 10**6


def test_news_too_old_for_a_channel_is_in_app_only_and_counted(sqlite_database: Database) -> None:
    world = World(sqlite_database, {"email": 60, "sms": 10**12})
    world.register(ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100123"))
    world.record(paused(2))
    world.plan()
    assert ("email", "expired", "stale") in world.deliveries()
    assert ("sms", "pending", None) in world.deliveries()
    (told,) = [fact for fact in world.facts() if isinstance(fact, DeliveryChanged)]
    assert (told.channel, told.state, told.reason) == ("email", "expired", "stale")


def test_a_suppressed_place_is_planned_as_such_and_told_to_the_log(world: World) -> None:
    world.register(EMAIL)
    with world.database.begin() as conn:
        lookup = world.vault.destination_lookup("email", EMAIL.email)
        suppression.put(conn, "email", lookup, "complaint", source="test", at=1)
    world.record(created(1), paused(2))
    world.plan()
    assert ("email", "suppressed", "complaint") in world.deliveries()
    (told,) = [event for event in world.facts() if isinstance(event, DeliveryChanged)]
    assert (told.state, told.reason) == ("suppressed", "complaint")


def test_an_event_that_cannot_be_planned_is_parked_and_the_others_go_on(world: World) -> None:
    impossible = facts.StreamPaused(
        **(place(2) | {"closed_at": 2**63}), stream_id=8, employer=EMPLOYER, employee=EMPLOYEE
    )
    world.record(paused(1))
    world.record(impossible)
    world.record(resumed(3))
    world.plan()
    (parked,) = world.rows(select(plan_parked))
    assert parked.position == 2
    assert "OverflowError" in parked.reason
    assert EMPLOYEE not in parked.reason
    assert {told.cause for told in world.told()} == {event_id(1), event_id(3)}


def test_a_database_fault_is_not_blamed_on_an_event(world: World) -> None:
    world.record(paused(1))
    with world.database.begin() as conn:
        conn.exec_driver_sql("DROP TABLE notice")
    with pytest.raises(Exception, match="no such table"):
        world.plan()
    assert world.rows(select(plan_parked)) == []


def test_notice_events_in_the_log_are_passed_over(world: World) -> None:
    read = DeliveryChanged(
        UUID(int=1), 1, delivery_id=UUID(int=2), channel="email", endpoint="-", state="accepted",
        reason=None, attempt=1, provider="smtp", changed_at=1,
    )  # fmt: skip
    with world.database.begin() as conn:
        log.append(conn, [read], recorded_at=1)
    world.plan()
    assert world.told() == []
