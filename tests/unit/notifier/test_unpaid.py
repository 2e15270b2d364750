"""A digest that there is no money for: what it tells of is told on the next channel, together again."""

from typing import Any

import pytest
from sqlalchemy import select, update

from notifier import inbox
from notifier.attempts import Message, claim
from notifier.contact_file import ContactLine
from notifier.onward import Onward
from notifier.schema import delivery, notice
from notifier.spending import COST_CAP, Caps, Spending
from notifier.till import Till
from notifier.ways import Ways
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planning import FOREVER, World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

ANA = ContactLine(EMPLOYEE, email="ana@example.org", push="ntfy:pausewire-ana")
STREAMS = range(1, 5)
CAPS = Caps(prices={"push": 1, "email": 1}, channels={"push": 1, "email": 1})
STEP_SECONDS = 7_200


class Desk:
    """Ana is told on one channel at a time, push first; four streams of hers are paused in one window."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        ways = Ways(one_by_one=True, steps={"email": STEP_SECONDS})
        self.world = World(database, restraint=RESTRAINT, ways=ways, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.spending = Spending(CAPS)
        self.onward = Onward(
            database,
            self.world.vault,
            FOREVER,
            poll_seconds=1,
            spending=self.spending,
            clock=self.clock,
        )
        self.world.register(ANA)
        self.tell(*(created(1, n, stream_id=n) for n in STREAMS))

    def tell(self, *facts: Any) -> None:
        self.world.record(*facts)
        self.world.plan()
        self.postman.send()

    def gather(self, seconds: float = 0) -> None:
        self.clock.pass_seconds(seconds)
        self.postman.sweep()
        self.postman.gather()

    def spend(self, channel: str) -> None:
        with self.database.begin() as conn:
            self.spending.take(conn, channel, 1, self.clock())

    def claimed(self) -> None:
        """Whoever claims what is due finds the money spent."""
        with self.database.begin() as conn:
            due = conn.scalars(
                select(delivery.c.delivery_id).where(delivery.c.state == "pending")
            ).all()
            mine = delivery.c.delivery_id.in_(due)
            conn.execute(update(delivery).where(mine).values(state="queued", generation=9))
            now = self.clock()
            messages = [Message(each, 9, "t") for each in due]
            for held in claim(conn, messages, now=now, lease_until=now + 30 * SECOND):
                assert held is not None
                assert Till(self.spending).is_shut(conn, held, now)

    def go(self) -> None:
        while self.onward.step():
            pass

    def stand(self, channel: str) -> list[tuple[str, str | None]]:
        rows = self.world.rows(select(delivery).where(delivery.c.channel == channel))
        return sorted(((row.state, row.reason) for row in rows), key=str)

    def read_on(self, channel: str) -> list[set[int | None]]:
        """The streams that each message on a channel told of."""
        told = [each for each in self.postman.messages if each.place[0] == channel]
        return [{line.stream_id for line in each.lines} for each in told]


@pytest.fixture(params=[paused, resumed], ids=["with steps", "without"])
def desk(request: pytest.FixtureRequest, sqlite_database: Database) -> Desk:
    """The first news was pushed; a digest of the other three is held: a push has no money any more."""
    made = Desk(sqlite_database)
    if request.param is resumed:
        made.tell(*(paused(2, n, stream_id=n) for n in STREAMS))
        made.gather(WINDOW)
        made.postman.send()
        made.clock.pass_seconds(2 * WINDOW)
        made.postman.messages.clear()
    made.tell(*(request.param(3, n, stream_id=n) for n in STREAMS))
    made.gather(WINDOW)
    made.spend("push")
    made.claimed()
    return made


def test_it_goes_to_the_next_channel_as_one_message(desk: Desk) -> None:
    assert ("held", COST_CAP) in desk.stand("push")
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == [{2, 3, 4}]
    assert desk.read_on("push") == [{1}]
    assert desk.stand("push").count(("cancelled", COST_CAP)) == 3
    desk.gather(24 * 3600)
    desk.postman.send()
    assert desk.read_on("push") == [{1}]


def test_where_no_channel_has_money_it_is_told_the_next_day_as_one_message(desk: Desk) -> None:
    desk.spend("email")
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == []
    assert desk.stand("push").count(("held", COST_CAP)) == 3
    with desk.database.begin() as conn:
        conn.execute(update(delivery).values(deadline_at=delivery.c.deadline_at + 10**12))
    desk.gather(24 * 3600)
    desk.postman.send()
    assert {2, 3, 4} in desk.read_on("push")


def test_what_was_read_of_it_goes_nowhere(desk: Desk) -> None:
    with desk.database.begin() as conn:
        of_two = select(notice).join_from(
            notice, delivery, delivery.c.notice_id == notice.c.notice_id
        )
        pushed = of_two.where(notice.c.stream_id == 2, delivery.c.channel == "push")
        row = conn.execute(pushed.order_by(notice.c.position.desc()).limit(1)).one()
        inbox.mark_read(conn, row.recipient_id, [row.notice_id], desk.clock())
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == [{3, 4}]
