"""Planning: what late facts mean for people who were told, or were not."""

from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from domain.notice import DeliveryChanged
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, cancel
from notifier.schema import delivery, job_revision, notice, plan_parked
from store.engine import Database
from tests.fakes.chain import (
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    created,
    event_id,
    paused,
    resumed,
    stored_pause,
    transferred,
)
from tests.fakes.planning import Told, World

EMAIL = ContactLine(EMPLOYEE, email="ana@example.org")


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def kinds(world: World, account: str = EMPLOYEE) -> list[tuple[str, str, bool]]:
    return [(told.kind, told.cause, told.late) for told in world.told() if told.account == account]


def test_a_late_pause_that_stands_is_told_late_by_its_own_key(world: World) -> None:
    world.record(created(1), transferred(9, to=EMPLOYEE))
    world.plan()
    world.record(paused(5))
    world.plan()
    assert kinds(world) == [("paused", event_id(5), True)]
    assert "ago, on 21 July 2026" in world.words()[0]
    assert "We learned of it late" in world.words()[0]


def test_a_past_that_changed_is_one_note_in_the_inbox(world: World) -> None:
    world.register(EMAIL)
    world.record(created(1), transferred(9, to=EMPLOYEE))
    world.plan()
    world.record(paused(4), resumed(6))
    world.plan()
    assert kinds(world) == [("revised", event_id(4), True)]
    assert {channel for channel, _, _ in world.deliveries()} == {"in_app"}
    assert "- 21 July 2026, 17:30 UTC to 21 July 2026, 17:30 UTC" in world.words()[0]


def test_a_late_fact_that_changes_no_pause_is_told_to_nobody(world: World) -> None:
    world.record(created(1), paused(9))
    world.plan()
    world.record(transferred(5, to=EMPLOYEE))
    world.plan()
    assert kinds(world) == [("paused", event_id(9), False)]


def test_the_notes_listing_names_at_most_five_pauses(world: World) -> None:
    world.record(created(1), transferred(99, to=EMPLOYEE))
    world.record(*(fact for n in range(10, 24, 2) for fact in (paused(n), resumed(n + 1))))
    world.plan()
    assert world.words()[0].count("\n- ") == 5


def test_a_pause_that_did_not_take_place_is_said_so(world: World) -> None:
    world.record(created(1), paused(5), cancelled(7), transferred(9))
    world.plan()
    world.record(cancelled(3))
    world.plan()
    assert [told for told in kinds(world) if told[2]] == [("revised", event_id(3), True)]
    assert "A pause that we had listed did not take place." in world.words()[-1]


def test_a_late_end_takes_back_what_waits_and_tells_the_end(world: World) -> None:
    world.register(EMAIL)
    world.record(created(1), paused(5), transferred(9, to=EMPLOYEE))
    world.plan()
    world.record(resumed(7))
    world.plan()
    assert kinds(world) == [("paused", event_id(5), False), ("resumed", event_id(7), True)]
    assert ("email", "cancelled", "superseded") in world.deliveries()
    assert ("email", "pending", None) in world.deliveries()
    (taken_back,) = [fact for fact in world.facts() if isinstance(fact, DeliveryChanged)]
    assert (taken_back.state, taken_back.reason) == ("cancelled", "superseded")


def test_what_was_handed_off_is_not_taken_back(world: World) -> None:
    world.register(EMAIL)
    world.record(created(1), paused(5), transferred(9, to=EMPLOYEE))
    world.plan()
    with world.database.begin() as conn:
        conn.execute(
            update(delivery).where(delivery.c.channel == "email").values(state="handed_off")
        )
    world.record(resumed(7))
    world.plan()
    assert ("email", "handed_off", None) in world.deliveries()


def test_news_in_the_same_chunk_as_its_revision_is_taken_back_too(world: World) -> None:
    world.register(EMAIL)
    world.record(created(1), paused(5), transferred(9, to=EMPLOYEE))
    world.record(resumed(7))
    world.plan()
    assert ("email", "cancelled", "superseded") in world.deliveries()


def test_nobody_is_left_in_silence_when_an_earlier_pause_refuses_the_one_that_waits(
    world: World,
) -> None:
    world.register(EMAIL)
    world.record(created(1), paused(6))
    world.plan()
    world.record(paused(4))
    world.plan()
    assert ("paused", event_id(4), True) in kinds(world)
    assert [row for row in world.deliveries() if row[0] == "email"] == [
        ("email", "cancelled", "superseded"),
        ("email", "pending", None),
    ]


def test_an_earlier_start_of_a_pause_already_told_is_a_note(world: World) -> None:
    world.record(created(1), paused(6))
    world.plan()
    world.record(paused(4))
    world.plan()
    assert kinds(world) == [("paused", event_id(6), False), ("revised", event_id(4), True)]


def test_a_late_transfer_tells_the_new_party_and_corrects_the_old(world: World) -> None:
    world.record(created(1), paused(6, employee=None))
    world.plan()
    world.record(transferred(4))
    world.plan()
    assert kinds(world, OTHER) == [("paused", event_id(6), True)]
    assert kinds(world, EMPLOYEE) == [
        ("paused", event_id(6), False),
        ("correction", event_id(4), True),
    ]
    assert kinds(world, EMPLOYER) == [("paused", event_id(6), False)]
    assert "since then you are no longer the employee of pay stream 7" in "".join(world.words())


def test_an_event_that_confirms_a_storage_fact_is_not_told_twice(world: World) -> None:
    found = stored_pause(5)
    world.record(created(1), found)
    world.plan()
    world.record(paused(5))
    world.plan()
    assert kinds(world) == [("paused", found.event_id, False)]


def test_a_jobs_revisions_wait_until_it_is_through(world: World) -> None:
    world.record(created(1), transferred(20, to=EMPLOYEE))
    world.plan()
    world.record(paused(4), job="job-1")
    world.record(resumed(6), job="job-1")
    world.record(paused(8), job="job-1")
    world.plan()
    assert world.told() == []
    world.fill("job-1")
    world.plan()
    assert kinds(world) == [("paused", event_id(8), True)]
    assert world.rows(select(job_revision)) == []


def test_a_job_that_changed_only_the_past_leaves_one_note_keyed_by_the_job(world: World) -> None:
    world.record(created(1), transferred(20, to=EMPLOYEE))
    world.record(paused(4), job="job-1")
    world.record(resumed(6), job="job-1")
    world.fill("job-1")
    world.plan()
    assert sorted(world.told()) == sorted(
        [
            Told("revised", EMPLOYEE, "job-1", late=True),
            Told("revised", EMPLOYER, "job-1", late=True),
        ]
    )


def test_live_news_during_a_job_is_not_taken_for_the_jobs_doing(world: World) -> None:
    world.record(created(1), transferred(20, to=EMPLOYEE))
    world.record(transferred(4, to=EMPLOYEE), job="job-1")
    world.record(paused(30))
    world.record(transferred(5, to=EMPLOYEE), job="job-1")
    world.fill("job-1")
    world.plan()
    assert kinds(world) == [("paused", event_id(30), False)]


def test_a_storage_fact_of_a_job_confirmed_by_live_news_is_compared_without_it(
    world: World,
) -> None:
    world.record(created(1), transferred(20, to=EMPLOYEE))
    world.record(stored_pause(5), job="heal")
    world.record(paused(5))
    world.fill("heal")
    world.plan()
    assert {told.kind for told in world.told()} == {"paused"}
    assert len(world.told()) == 2


def test_a_job_row_that_cannot_be_understood_is_parked_and_does_not_block(world: World) -> None:
    world.record(created(1))
    row = ("job-1", UUID(int=5), 1)  # position 1 is no RangeFilled
    with world.database.begin() as conn:
        conn.execute(insert(job_revision).values(row))
    world.plan()
    assert world.rows(select(job_revision)) == []
    assert [parked.position for parked in world.rows(select(plan_parked))] == [1]


def test_news_that_was_withdrawn_and_is_true_again_leaves_after_all(world: World) -> None:
    world.register(EMAIL)
    world.record(created(10), paused(30))
    world.plan()
    world.record(paused(20))
    world.plan()
    world.record(resumed(25))
    world.plan()
    waiting = (
        select(notice.c.cause_event_id)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(delivery.c.state == "pending")
    )
    assert [row.cause_event_id for row in world.rows(waiting)] == [event_id(30)]


def test_what_an_operator_cancelled_stays_cancelled(world: World) -> None:
    world.register(EMAIL)
    world.record(created(10), paused(30))
    world.plan()
    with world.database.begin() as conn:
        cancel(conn, Filter(channel="email"), now=1)
    world.record(paused(20))
    world.plan()
    world.record(resumed(25))
    world.plan()
    assert ("email", "cancelled", "operator") in world.deliveries()
    assert not any(state == "pending" for _, state, _ in world.deliveries())
