"""What was earned until a pause, in the words people get, where it becomes known in time."""

import pytest
from sqlalchemy import select, update

from notifier import inbox
from notifier.contact_file import ContactLine
from notifier.content import Money, decode_content
from notifier.inbox import inbox_page
from notifier.money_news import Counted, MoneyTeller
from notifier.recipients import recipient_of
from notifier.rendering import Renderer
from notifier.schema import delivery, notice
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planning import World

PAUSE = paused(3)
EARNED = Money("USDC", 7, earned=12_345_678_901, withdrawn=2_345_678_901)


class Source:
    """Has one pause to tell of, once planning has come to its position."""

    def __init__(self, money: Money | None, position: int = 2) -> None:
        self.money = money
        self.position = position
        self.told: list[str] = []

    def untold(self, _, planned_to):
        if planned_to < self.position or self.told:
            return []
        return [Counted(PAUSE.event_id, self.money)]

    def handed_over(self, _, causes):
        self.told += causes


@pytest.fixture
def world(sqlite_database: Database) -> World:
    world = World(sqlite_database)
    world.register(ContactLine(EMPLOYEE, "ana@example.org"))
    world.record(created(1), PAUSE)
    return world


def step(world: World, source: Source) -> int:
    return MoneyTeller(world.database, source, poll_seconds=1).step()


def in_inbox(world: World) -> str:
    (me,) = world.rows(recipient_of(world.vault, EMPLOYEE))
    rows = world.rows(inbox_page(str(me.recipient_id), limit=5))
    (row,) = [row for row in rows if row.kind == "paused"]
    return inbox.item(row, Renderer()).text


def in_letters(world: World) -> list[Money | None]:
    rows = world.rows(select(notice).where(notice.c.kind == "paused"))
    return [decode_content(row.content).money for row in rows if b"employee" in row.content]


def test_a_letter_that_waits_and_the_inbox_say_what_was_earned(world):
    world.plan()
    source = Source(EARNED)
    assert step(world, source) == 1
    assert in_letters(world) == [EARNED]
    text = in_inbox(world)
    assert "you had earned 1,234.56\N{NO-BREAK SPACE}USDC until then" in text
    assert "1,000.00\N{NO-BREAK SPACE}USDC is left for you to withdraw" in text
    assert source.told == [PAUSE.event_id]
    assert step(world, source) == 0


@pytest.mark.parametrize("state", ["claimed", "handed_off", "accepted", "unknown", "retry_wait"])
def test_a_letter_that_has_begun_to_leave_keeps_its_words_and_the_inbox_says_it(world, state):
    world.plan()
    with world.database.begin() as conn:
        conn.execute(update(delivery).where(delivery.c.channel == "email").values(state=state))
    assert step(world, Source(EARNED)) == 1
    assert in_letters(world) == [None]
    assert "USDC" in in_inbox(world)


def test_before_it_is_planned_nothing_is_taken(world):
    source = Source(EARNED)
    assert step(world, source) == 0
    assert source.told == []
    world.plan()
    assert step(world, source) == 1


def test_what_nobody_can_know_is_handed_over_and_said_nowhere(world):
    world.plan()
    source = Source(None)
    assert step(world, source) == 1
    assert source.told == [PAUSE.event_id]
    assert "USDC" not in in_inbox(world)


def test_only_the_notice_of_the_pause_says_it(world):
    world.record(resumed(4))
    world.plan()
    step(world, Source(EARNED))
    rows = world.rows(select(notice).where(notice.c.money.is_not(None)))
    assert {row.kind for row in rows} == {"paused"}
    assert len(rows) == 2  # the employee's and the employer's
