"""What planning put aside is told once its fault is mended, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from domain.actors import named
from notifier import fanout, parked, plan
from notifier.contact_file import ContactLine
from notifier.plan import Planner
from notifier.reminder_schema import lasting_pause
from notifier.schema import notice, plan_parked
from store.clock import now_micros
from store.engine import Database
from tests.fakes.chain import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    contract_pause,
    created,
    event_id,
    paused,
    resumed,
    transferred,
)
from tests.fakes.planning import Told, World


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.register(ContactLine(EMPLOYEE, email="ana@example.org"))
    made.record(created(1))
    made.plan()
    return made


@contextmanager
def at_fault(name: str) -> Iterator[None]:
    """While a part of planning is broken."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, name, broken)
        yield


def again(world: World, position: int) -> str | None:
    with world.database.begin() as conn:
        planner = Planner(world.writer, world.database.bell)
        return parked.plan_again(conn, planner, position, now_micros())


def waiting(world: World) -> list[parked.Parked]:
    with world.database.read() as conn:
        return parked.parked(conn)


def test_what_is_still_the_news_is_told_once(world):
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
    (one,) = waiting(world)
    assert (one.event_id, one.contract_id, one.stream_id) == (event_id(2), CONTRACT, 7)
    assert "KeyError in test_parked.py" in one.reason
    assert world.told() == []
    assert again(world, one.position) == parked.TOLD
    assert again(world, one.position) is None
    assert waiting(world) == []
    assert sorted(world.told()) == sorted(
        [
            Told("paused", EMPLOYEE, event_id(2), late=False),
            Told("paused", EMPLOYER, event_id(2), late=False),
        ]
    )
    assert ("email", "pending", None) in world.deliveries()


def test_what_newer_news_has_overtaken_is_not_told_behind_it(world):
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
    world.record(resumed(3))
    world.plan()
    told = world.told()
    assert {each.kind for each in told} == {"resumed"}
    assert again(world, waiting(world)[0].position) == parked.OVERTAKEN
    assert world.told() == told
    assert waiting(world) == []


def test_what_planning_has_not_come_to_does_not_overtake(world):
    """It will be told behind it."""
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
    world.record(resumed(3))
    assert again(world, waiting(world)[0].position) == parked.TOLD
    world.plan()
    assert [each.kind for each in world.told() if each.account == EMPLOYEE] == ["paused", "resumed"]


def test_what_fails_again_stays_and_says_where(world):
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
        position = waiting(world)[0].position
    with at_fault("status_news"):
        assert again(world, position) == parked.STILL
    assert waiting(world)[0].position == position
    assert world.told() == []
    assert again(world, position) == parked.TOLD


def test_who_paused_is_named_after_all_also_when_the_pause_is_over(world):
    world.record(paused(2))
    world.plan()
    with at_fault("actor_told"):
        world.record(named(paused(2), (EMPLOYER,), "pause_stream", ()))
        world.plan()
    world.record(resumed(3))
    world.plan()
    assert again(world, waiting(world)[0].position) == parked.TOLD
    told = world.rows(select(notice.c.actor).where(notice.c.kind == "paused"))
    assert [row.actor is not None for row in told] == [True, True]


def test_a_contracts_pause_reaches_everybody(world):
    with at_fault("note_contract"):
        world.record(contract_pause(2))
        world.plan()
    (one,) = waiting(world)
    assert (one.contract_id, one.stream_id) == (CONTRACT, None)
    assert again(world, one.position) == parked.TOLD
    world.plan()
    assert {(each.kind, each.account) for each in world.told()} == {
        ("contract_paused", EMPLOYEE),
        ("contract_paused", EMPLOYER),
    }


def test_a_fan_out_that_failed_is_taken_up_again_also_after_it_was_begun_again(world):
    position = 0
    for times in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fanout, "contract_news", lambda *_: 1 / 0)
            if times == 1:
                world.record(contract_pause(2))
            world.plan()
        (one,) = waiting(world)
        position = one.position
        assert "ZeroDivisionError" in one.reason
        assert world.told() == []
        assert again(world, position) == parked.TOLD
        assert waiting(world) == []
    world.plan()
    told = [("contract_paused", EMPLOYEE), ("contract_paused", EMPLOYER)]
    assert sorted((each.kind, each.account) for each in world.told()) == sorted(told)
    assert again(world, position) is None


def test_what_late_facts_mean_is_left_to_the_operator(world):
    world.record(paused(9))
    world.plan()
    with at_fault("late_news"):
        world.record(paused(5))
        world.plan()
    told = world.told()
    assert [again(world, each.position) for each in waiting(world)] == [parked.STILL]
    assert world.told() == told


def test_what_is_no_news_ends_so(world):
    with at_fault("stream_kind"):
        world.record(transferred(2, to=EMPLOYEE))
        world.plan()
    assert [again(world, each.position) for each in waiting(world)] == [parked.NO_NEWS]
    assert world.told() == []


def test_a_pause_that_is_told_after_all_says_who_paused(world):
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
    world.record(named(paused(2), (EMPLOYER,), "pause_stream", ()))
    world.plan()
    assert again(world, waiting(world)[0].position) == parked.TOLD
    told = world.rows(select(notice.c.actor))
    assert [row.actor is not None for row in told] == [True, True]


def test_an_operator_ends_one_by_hand(world):
    with at_fault("stream_kind"):
        world.record(paused(2))
        world.plan()
    position = waiting(world)[0].position
    with world.database.begin() as conn:
        assert parked.told_by_hand(conn, position)
        assert not parked.told_by_hand(conn, position)
    assert waiting(world) == []
    assert again(world, position) is None
    assert world.told() == []
    assert [row.ending for row in world.rows(select(plan_parked))] == [parked.BY_HAND]
    assert world.rows(select(lasting_pause)) == []
