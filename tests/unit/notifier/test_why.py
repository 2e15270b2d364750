"""Why somebody was told, or was not: each way in which the path can end."""

from typing import Any

import pytest
from sqlalchemy import insert, select

from notifier import erasure, parked
from notifier.contact_file import ContactLine
from notifier.notice_story import notices_named
from notifier.schema import contact, notice, plan_parked
from notifier.why import why
from store.engine import Database
from store.schema import evidence_outcome
from tests.fakes import chain
from tests.fakes.planning import World

EMPLOYEE, EMPLOYER, OTHER = chain.EMPLOYEE, chain.EMPLOYER, chain.OTHER
PAUSE = chain.paused(100)


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def understood(world: World, event_id: str, position: int | None, **changes: Any) -> None:
    row = {"event_id": event_id, "n": 1, "outcome": "applied", "reason": None} | changes
    with world.database.begin() as conn:
        conn.execute(insert(evidence_outcome).values(**row, profile="p@1", position=position))


def asked(world: World, account: str = EMPLOYEE, event_id: str = PAUSE.event_id) -> dict[str, Any]:
    with world.database.read() as conn:
        return why(
            conn, world.vault, account_id=account, event_id=event_id, configured=("email", "sms")
        )


def ended(answer: dict[str, Any]) -> tuple[str, str]:
    step = answer["steps"][-1]
    assert step["ended"]
    assert not answer["told"]
    return step["what"], step["found"]


def test_who_was_told_is_shown_each_channel_with_its_reason(world: World) -> None:
    world.register(ContactLine(EMPLOYEE, "ana@example.test", "+15550100001"))
    with world.database.begin() as conn:
        conn.execute(contact.update().where(contact.c.channel == "sms").values(verified_at=None))
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    world.plan()
    answer = asked(world)
    assert answer["told"]
    assert [step["ended"] for step in answer["steps"]] == [False] * 5
    (story,) = answer["notices"]
    assert {each["channel"]: each["explanation"] for each in story["deliveries"]} == {
        "email": "waits to be sent",
        "in_app": "it arrived",
    }
    assert {each["channel"]: each["explanation"] for each in story["unsent"]} == {
        "push": "this deployment does not send on it (settings)",
        "sms": "the person's place is not verified yet",
    }
    stages = {each["stage"]: each["clock"] for each in story["deliveries"][1]["stages"]}
    assert stages["delivered"] == "planner, with the notice"
    assert "ana@example.test" not in str(answer)


def test_an_event_that_never_came_ends_it_there(world: World) -> None:
    assert ended(asked(world))[0] == "seen"


def test_an_event_that_is_not_understood_ends_it_there(world: World) -> None:
    world.record(PAUSE)
    assert "not understood yet" in ended(asked(world))[1]
    understood(world, PAUSE.event_id, None, outcome="quarantined", reason="unknown shape")
    assert ended(asked(world)) == ("seen", "quarantined: unknown shape")


def test_an_event_without_a_place_in_the_log_ends_it_there(world: World) -> None:
    understood(world, PAUSE.event_id, 77)
    assert ended(asked(world))[0] == "recorded"


def test_an_anomaly_tells_nobody(world: World) -> None:
    again = chain.paused(101)
    world.record(PAUSE, again)
    understood(world, again.event_id, 2)
    world.plan()
    assert "anomaly" in ended(asked(world, event_id=again.event_id))[1]


def test_planning_that_is_not_there_yet_ends_it_there(world: World) -> None:
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    assert ended(asked(world)) == ("planned", "planning stands at 0: it is not there yet")
    with world.database.begin() as conn:
        conn.execute(insert(plan_parked).values(position=1, reason="KeyError", parked_at=1))
    assert "KeyError" in ended(asked(world))[1]
    assert "plan-again" in ended(asked(world))[1]


@pytest.mark.parametrize(
    ("ending", "said"), [(parked.OVERTAKEN, "newer news"), (parked.BY_HAND, "by hand")]
)
def test_what_became_of_a_parked_event_is_said(world: World, ending: str, said: str) -> None:
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    row = {"position": 1, "reason": "KeyError", "parked_at": 1, "ending": ending}
    with world.database.begin() as conn:
        conn.execute(insert(plan_parked).values(row))
    assert said in ended(asked(world))[1]


def test_a_parked_event_that_was_planned_again_is_explained_like_any(world: World) -> None:
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    world.plan()
    row = {"position": 1, "reason": "KeyError", "parked_at": 1, "ending": parked.TOLD}
    with world.database.begin() as conn:
        conn.execute(insert(plan_parked).values(row))
    found = asked(world)
    assert found["told"]
    assert "planned again" in str(found)


def test_who_is_no_party_is_told_nothing(world: World) -> None:
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    world.plan()
    assert ended(asked(world, OTHER))[0] == "concerned"


def test_who_asked_to_be_forgotten_is_told_nothing(world: World) -> None:
    world.record(PAUSE)
    understood(world, PAUSE.event_id, 1)
    world.plan()
    with world.database.begin() as conn:
        erasure.erase(conn, world.vault, EMPLOYEE, 5)
    answer = asked(world)
    assert answer["steps"][-1]["found"] == "the person asked to be forgotten: told nothing"


def test_a_contracts_pause_asks_for_a_stream_in_it(world: World) -> None:
    whole = chain.contract_pause(200)
    world.record(chain.created(90))
    world.record(whole)
    understood(world, whole.event_id, 2)
    world.plan()
    answer = asked(world, event_id=whole.event_id)
    assert "party of stream 7 in the contract" in answer["steps"][3]["found"]
    assert "no stream in this contract" in ended(asked(world, OTHER, whole.event_id))[1]


@pytest.mark.parametrize("name", ["", "xyz", "12", "0" * 40, "AB CD"])
def test_what_is_no_reference_finds_nothing(name: str) -> None:
    assert notices_named(name) is None


def test_a_reference_finds_its_notice(world: World) -> None:
    world.record(PAUSE)
    world.plan()
    with world.database.read() as conn:
        for notice_id in conn.scalars(select(notice.c.notice_id)).all():
            for name in (str(notice_id), notice_id.hex[:8].upper(), notice_id.hex[:8]):
                (row,) = conn.execute(notices_named(name)).all()
                assert row.notice_id == notice_id
        assert conn.execute(notices_named("00000000")).all() == []
