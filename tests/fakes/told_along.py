"""Ana is told on one channel at a time, push first: a desk for what a digest told along, or did not."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from notifier.attempts import Message, claim
from notifier.contact_file import ContactLine
from notifier.onward import Onward
from notifier.schema import delivery
from notifier.spending import Caps, Spending
from notifier.till import Till
from notifier.ways import Ways
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planning import FOREVER, World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

ANA = ContactLine(EMPLOYEE, email="ana@example.org", push="ntfy:pausewire-ana")
ALL_THREE = ContactLine(EMPLOYEE, email=ANA.email, phone="+15550100001", push=ANA.push)
STREAMS = range(1, 5)
CAPS = Caps(prices={"push": 1, "email": 1}, channels={"push": 1, "email": 1})
STEP_SECONDS = 7_200
WAYS = Ways(one_by_one=True, steps={"email": STEP_SECONDS})


class Desk:
    """Four streams of hers; what happens to them in one window is told together."""

    def __init__(
        self,
        database: Database,
        *,
        line: ContactLine = ANA,
        ways: Ways = WAYS,
        caps: Caps = CAPS,
        fresh: dict[str, int] = FOREVER,  # never changed
    ) -> None:
        self.database = database
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(database, fresh, restraint=RESTRAINT, ways=ways, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.spending = Spending(caps)
        self.onward = Onward(
            database,
            self.world.vault,
            fresh,
            poll_seconds=1,
            window_seconds=WINDOW,
            spending=self.spending,
            clock=self.clock,
        )
        self.world.register(line)
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

    def settle(self) -> None:
        """What came to nothing finds its way, and what is due is sent."""
        self.go()
        self.gather()
        self.postman.send()


def told_together(database: Database, news: Callable[..., Any], **options: Any) -> Desk:
    """The first news was pushed, a digest of the other three waits to be sent."""
    made = Desk(database, **options)
    if news is resumed:
        made.tell(*(paused(2, n, stream_id=n) for n in STREAMS))
        made.gather(WINDOW)
        made.postman.send()
        made.clock.pass_seconds(2 * WINDOW)
        made.postman.messages.clear()
    made.tell(*(news(3, n, stream_id=n) for n in STREAMS))
    made.gather(WINDOW)
    return made
