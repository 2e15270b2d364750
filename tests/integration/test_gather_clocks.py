"""Gathering and planning work on one bundle in turns, though each has read the clock before its turn."""

import pytest
from sqlalchemy import select

from notifier.contact_file import ContactLine
from notifier.gather import Gatherer
from notifier.schema import delivery
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planning import World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

MOMENT = 0.01


class Desk:
    """A world with restraint whose clock the test moves."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(database, restraint=RESTRAINT, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.world.register(ContactLine(EMPLOYEE, email="ana@example.org"))
        self.tell(*(created(1, number, stream_id=number) for number in range(1, 6)))

    def tell(self, *facts, after: float = 0) -> None:
        self.clock.pass_seconds(after)
        self.world.record(*facts)
        self.world.plan()

    def send(self) -> list[list[tuple[str, int | None]]]:
        """The messages so far, line by line."""
        self.postman.gather()
        self.postman.send()
        return [[tuple(line) for line in each.lines] for each in self.postman.messages]


@pytest.fixture
def desk(database: Database) -> Desk:
    desk = Desk(database)
    desk.tell(paused(2, 1, stream_id=1))
    desk.send()
    desk.tell(paused(3, 2, stream_id=2), after=5)
    return desk


def test_what_is_planned_while_a_gathering_begins_is_let_go_after_it_was_planned(
    desk: Desk, database: Database
) -> None:
    """It is told along: gathering had read the clock, and had not locked the bundle yet."""
    news = [resumed(4, 1, stream_id=1)]

    def clock() -> int:
        began = desk.clock()
        while news:
            desk.tell(news.pop(), after=MOMENT)
        return began

    desk.clock.pass_seconds(WINDOW)
    assert Gatherer(database, window_seconds=WINDOW, poll_seconds=1, clock=clock).step() == 1
    assert desk.send()[1:] == [[("paused", 2), ("resumed", 1)]]
    let_go = select(delivery).where(delivery.c.released_at.is_not(None))
    (row,) = desk.world.rows(let_go)
    assert row.released_at >= row.planned_at
    assert row.available_at >= row.planned_at


def test_what_is_planned_beside_a_gathering_waits_for_the_window_that_it_began(desk: Desk) -> None:
    """Planning had read the clock when gathering, which had the bundle first, told of its kind."""
    desk.clock.pass_seconds(WINDOW)
    assert desk.send()[1:] == [[("paused", 2)]]
    desk.tell(paused(4, 3, stream_id=3), after=-MOMENT)
    desk.clock.pass_seconds(WINDOW - 1)
    assert len(desk.send()) == 2
    desk.clock.pass_seconds(1 + MOMENT)
    assert desk.send()[2:] == [[("paused", 3)]]
