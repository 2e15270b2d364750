"""Fan-out: a contract-wide pause reaches everybody in the contract, once."""

import threading

import pytest
from sqlalchemy import insert, select, update
from stellar_sdk import StrKey

from domain import facts
from notifier import fanout as steps
from notifier.contact_file import ContactLine
from notifier.schema import delivery, plan_parked, recipient
from notifier.ways import OVER, Ways
from store.engine import Database
from store.schema import fanout
from tests.fakes.chain import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    event_id,
    place,
)
from tests.fakes.planning import Told, World
from tests.fakes.statements import statements


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def test_everybody_in_the_contract_is_told_once_however_many_streams(world: World) -> None:
    world.record(created(1), created(1, 1, stream_id=8, employee=OTHER), created(1, 2, stream_id=9))
    world.record(contract_pause(2))
    world.plan()
    assert sorted(world.told()) == sorted(
        Told("contract_paused", account, event_id(2), late=False)
        for account in (EMPLOYEE, EMPLOYER, OTHER)
    )


def test_a_repeated_pause_is_told_once(world: World) -> None:
    world.record(created(1), contract_pause(2), contract_pause(3))
    world.plan()
    assert {told.cause for told in world.told()} == {event_id(2)}


def test_a_resume_says_how_long_the_contract_stood_still(world: World) -> None:
    world.record(created(1), contract_pause(2))
    world.record(contract_pause(2 + 720, value=False))
    world.plan()
    assert "It had been paused for 1 hour" in world.words()[-1]


def test_cancelled_streams_are_left_out(world: World) -> None:
    world.record(created(1), cancelled(2), created(1, 1, stream_id=8, employee=OTHER))
    world.record(contract_pause(3))
    world.plan()
    told = {each.account for each in world.told() if each.kind == "contract_paused"}
    assert told == {OTHER, EMPLOYER}


def test_many_streams_are_served_in_bounded_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STREAMS_PER_STEP", 2)
    world.record(*(created(1, n, stream_id=2**63 + n, employee=OTHER) for n in range(4)))
    world.record(created(1, 5, stream_id=3), contract_pause(2))
    while world.follower.step():
        pass
    assert [world.backlog.step() for _ in range(4)] == [1, 1, 1, 0]
    assert {told.account for told in world.told()} == {EMPLOYEE, OTHER, EMPLOYER}
    (row,) = world.rows(select(fanout))
    assert row.state == "done"


def test_a_contract_without_streams_is_done_at_once(world: World) -> None:
    world.record(contract_pause(2))
    world.plan()
    assert world.told() == []
    assert [row.state for row in world.rows(select(fanout))] == ["done"]


def test_a_late_pause_that_stands_is_told_late(world: World) -> None:
    upgraded = facts.ContractUpgraded(**place(9), previous_wasm=None, wasm="00")
    world.record(created(1), upgraded)
    world.plan()
    world.record(contract_pause(5))
    world.plan()
    causes = {(told.kind, told.cause, told.late) for told in world.told()}
    assert causes == {("contract_paused", event_id(5), True)}


def test_a_late_change_that_makes_the_present_status_takes_back_what_waits(world: World) -> None:
    world.register(ContactLine(EMPLOYEE, email="ana@example.org"))
    world.record(created(1), contract_pause(2), contract_pause(9))
    world.plan()
    world.record(contract_pause(5, value=False))
    world.plan()
    mine = [(told.kind, told.cause, told.late) for told in world.told() if told[1] == EMPLOYEE]
    assert mine == [
        ("contract_paused", event_id(2), False),
        ("contract_paused", event_id(9), True),
    ]
    states = sorted(row.state for row in world.rows(select(delivery)) if row.channel == "email")
    assert states == ["cancelled", "pending"]


def test_a_past_pause_of_the_contract_is_a_note_to_everybody(world: World) -> None:
    world.record(created(1), contract_pause(9))
    world.plan()
    world.record(contract_pause(2), contract_pause(5, value=False))
    world.plan()
    mine = [(told.kind, told.cause, told.late) for told in world.told() if told[1] == EMPLOYEE]
    assert mine == [("contract_paused", event_id(9), False), ("revised", event_id(2), True)]
    assert "contract CDLZ…CYSC was paused, not how it stands today" in world.words()[-1]


def test_a_late_repetition_is_told_to_nobody(world: World) -> None:
    world.record(created(1), contract_pause(2), contract_pause(9))
    world.plan()
    world.record(contract_pause(5))
    world.plan()
    assert {told.cause for told in world.told()} == {event_id(2)}


def test_a_fan_out_under_way_ends_when_its_news_is_outdated(world: World) -> None:
    world.record(created(1), contract_pause(2), contract_pause(9))
    world.follower.step()
    world.record(contract_pause(5, value=False))
    world.plan()
    assert {(told.cause, told.late) for told in world.told()} == {(event_id(9), True)}


def test_a_jobs_change_of_the_contract_is_told_once_the_job_is_through(world: World) -> None:
    world.record(created(1), contract_pause(9, value=False))
    world.plan()
    before = world.told()
    world.record(contract_pause(2), job="job-1")
    world.plan()
    assert world.told() == before
    world.fill("job-1")
    world.plan()
    assert {told.kind for told in world.told()} == {"contract_resumed", "revised"}


def test_a_fan_out_that_cannot_be_told_is_parked_and_does_not_block(world: World) -> None:
    world.record(created(1))
    row = {"event_id": "x", "position": 1, "contract_id": CONTRACT, "created_at": 1}
    with world.database.begin() as conn:
        conn.execute(insert(fanout).values(row | {"state": "running"}))
    world.plan()
    assert [parked.position for parked in world.rows(select(plan_parked))] == [1]
    assert [row.state for row in world.rows(select(fanout))] == ["done"]


def test_a_step_that_cannot_be_told_costs_the_others_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STREAMS_PER_STEP", 1)
    world.record(created(1), created(1, 1, stream_id=8, employee=OTHER))
    world.record(contract_pause(2))
    world.register(ContactLine(EMPLOYEE))
    with world.database.begin() as conn:
        conn.execute(update(recipient).values(wrapped_key=b"damaged"))
    world.plan()
    assert {told.account for told in world.told()} == {EMPLOYER, OTHER}


def test_the_backlog_runs_until_it_is_stopped(world: World) -> None:
    world.record(created(1), contract_pause(2))
    world.follower.step()
    stop = threading.Event()
    worker = threading.Thread(target=world.backlog.run, args=(stop,))
    worker.start()
    for _ in range(500):
        if world.told():
            break
        stop.wait(0.01)
    stop.set()
    worker.join(5)
    assert not worker.is_alive()
    assert len(world.told()) == 2


def test_the_end_of_a_pause_asks_for_its_steps_once_however_many_people_it_is_told_to(
    sqlite_database: Database,
) -> None:
    world = World(sqlite_database, ways=Ways(one_by_one=True, steps={"email": 900}))
    people = [StrKey.encode_ed25519_public_key(bytes([n]) * 32) for n in range(1, 21)]
    world.register(
        *(
            ContactLine(each, email=f"{each[-6:]}@example.org", push=f"ntfy:pausewire-{each[-6:]}")
            for each in people
        )
    )
    world.record(
        *(created(1, n, stream_id=n, employee=account) for n, account in enumerate(people))
    )
    world.record(contract_pause(2))
    world.plan()
    world.record(contract_pause(3, value=False))
    with statements() as asked:
        world.plan()
    steps_asked_for = [each for each in asked if "FROM notice" in each and "purpose" in each]
    assert len(steps_asked_for) == 1
    email = [row for row in world.rows(select(delivery)) if row.channel == "email"]
    ended = [row for row in email if row.reason == OVER]
    assert len(ended) == len(people)
