"""Who paused, in the words people get: in the inbox always, in letters that have not begun to leave."""

import pytest
from sqlalchemy import select, update

from domain.actors import named
from notifier import inbox
from notifier.contact_file import ContactLine
from notifier.content import decode_content
from notifier.inbox import inbox_page
from notifier.recipients import recipient_of
from notifier.rendering import Renderer
from notifier.schema import delivery, notice
from store.engine import Database
from tests.fakes.chain import (
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    created,
    paused,
    resumed,
    transferred,
)
from tests.fakes.planning import World

PAUSE = paused(3)


def by(*actors: str, cause=PAUSE, authorities=()):
    return named(cause, actors, "pause_stream", authorities)


@pytest.fixture
def world(sqlite_database: Database) -> World:
    world = World(sqlite_database)
    world.register(ContactLine(EMPLOYEE, "ana@example.org"))
    world.record(created(1))
    return world


def plan(world: World, *facts: object) -> None:
    world.record(*facts)
    world.plan()


def in_inbox(world: World) -> str:
    """What the employee reads of the latest notice."""
    (me,) = world.rows(recipient_of(world.vault, EMPLOYEE))
    row = world.rows(inbox_page(str(me.recipient_id), limit=1))[0]
    return inbox.item(row, Renderer()).text


def in_letters(world: World) -> set[str | None]:
    """Whom the letters about the pause name."""
    rows = world.rows(select(notice).where(notice.c.kind == "paused"))
    return {decode_content(row.content).paused_by for row in rows}


def test_known_with_the_pause_it_is_in_every_message(world: World) -> None:
    plan(world, PAUSE, by(EMPLOYER))
    assert f"Your employer ({EMPLOYER[:4]}…{EMPLOYER[-4:]}) paused it." in in_inbox(world)
    assert in_letters(world) == {f"{EMPLOYER[:4]}…{EMPLOYER[-4:]}"}


def test_the_alert_does_not_wait_and_the_inbox_has_it_later(world: World) -> None:
    plan(world, PAUSE)
    assert " by " not in in_inbox(world)
    with world.database.begin() as conn:
        conn.execute(update(delivery).where(delivery.c.channel == "email").values(attempts=1))
    before = world.told()
    plan(world, by(OTHER))
    assert "who is neither your employer nor their delegate" in in_inbox(world)
    assert world.told() == before
    employer, employee = sorted(
        (row.content for row in world.rows(select(notice))), key=lambda raw: b"employee" in raw
    )
    assert decode_content(employer).paused_by is not None  # no letter: nothing to repeat
    assert decode_content(employee).paused_by is None


@pytest.mark.parametrize("state", ["claimed", "handed_off", "accepted", "unknown", "retry_wait"])
def test_a_letter_that_has_begun_to_leave_keeps_its_words(world: World, state: str) -> None:
    plan(world, PAUSE)
    with world.database.begin() as conn:
        conn.execute(update(delivery).where(delivery.c.channel == "email").values(state=state))
    plan(world, by(EMPLOYER))
    (row,) = [row for row in world.rows(select(notice)) if b"employee" in row.content]
    assert decode_content(row.content).paused_by is None


def test_a_letter_that_waits_names_who_paused(world: World) -> None:
    plan(world, PAUSE)
    plan(world, by(EMPLOYER))
    assert in_letters(world) == {f"{EMPLOYER[:4]}…{EMPLOYER[-4:]}"}


def test_learned_late_the_inbox_has_it_and_nobody_is_told_anew(world: World) -> None:
    plan(world, PAUSE)
    plan(world, transferred(4, to=OTHER))
    told = world.told()
    plan(world, by(EMPLOYER))
    assert world.told() == told
    rows = world.rows(select(notice).where(notice.c.actor.is_not(None)))
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("fact", "role"),
    [
        (by(EMPLOYER), "employer"),
        (by(OTHER), "stranger"),
        (by(OTHER, authorities=(OTHER,)), "authority"),
        (by(), None),
    ],
)
def test_of_a_late_one_the_role_is_told_where_the_event_shows_it(
    world: World, fact, role: str | None
) -> None:
    plan(world, PAUSE)
    plan(world, resumed(4))
    told = world.told()
    plan(world, fact)
    assert world.told() == told
    rows = world.rows(select(notice).where(notice.c.kind == "paused"))
    assert {decode_content(row.content).paused_by_role for row in rows} == {role}


def test_other_notices_of_the_stream_say_nothing_of_it(world: World) -> None:
    plan(world, PAUSE)
    plan(world, by(EMPLOYER))
    plan(world, cancelled(5))
    rows = world.rows(select(notice).where(notice.c.kind != "paused"))
    assert rows
    assert {row.actor for row in rows} == {None}
