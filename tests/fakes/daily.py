"""Ana wants some channels once a day, at eleven in the evening: her desk, its clock and its postman."""

from typing import Any

import msgspec
from sqlalchemy import select

from notifier.contact_file import ContactLine
from notifier.onward import Onward
from notifier.preferences import CHOSEN_KINDS, DEFAULTS, Preferences, next_digest
from notifier.restraint import Restraint
from notifier.schema import delivery
from notifier.ways import Ways
from notifier.wishing import set_preferences
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created
from tests.fakes.planning import FOREVER, World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

ANA = ContactLine(
    EMPLOYEE, email="ana@example.org", phone="+15550100001", push="ntfy:pausewire-ana"
)
STREAMS = range(1, 6)
# The chain of these tests begins at 17:30 UTC: five hours and a half before.
LATE = 23 * 60
HOUR = 3_600
MUTE = tuple((kind, channel) for kind in CHOSEN_KINDS for channel in ("push", "sms"))


def gathered(*channels: str, **wishes: Any) -> Preferences:
    """Whoever wants these channels once a day."""
    pairs = tuple((kind, channel) for kind in CHOSEN_KINDS for channel in channels)
    return msgspec.structs.replace(DEFAULTS, digest=pairs, digest_at=LATE, **wishes)


class Desk:
    """A world with its clock and its postman; Ana has wishes."""

    def __init__(
        self,
        database: Database,
        wish: Preferences,
        *,
        restraint: Restraint = RESTRAINT,
        ways: Ways | None = None,
        freshness: dict[str, int] | None = None,
    ) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(
            database, freshness or FOREVER, restraint=restraint, ways=ways, clock=self.clock
        )
        self.postman = Postman(self.world, self.clock)
        self.onward = Onward(
            database,
            self.world.vault,
            FOREVER,
            poll_seconds=1,
            window_seconds=WINDOW,
            clock=self.clock,
        )
        self.world.register(ANA)
        self.wish = wish
        with database.begin() as conn:
            set_preferences(conn, self.world.vault, EMPLOYEE, wish, language="en", now=1)
        self.tell(*(created(1, number, stream_id=number) for number in STREAMS))

    def tell(self, *facts: Any, refuses: frozenset[str] = frozenset()) -> None:
        self.world.record(*facts)
        self.world.plan()
        self.postman.send(refuses=refuses)

    def wait(self, seconds: float, *, refuses: frozenset[str] = frozenset()) -> None:
        self.clock.pass_seconds(seconds)
        while self.onward.step():
            pass
        self.postman.sweep()
        self.postman.gather()
        self.postman.send(refuses=refuses)

    def until_the_hour(self, *, beside: float = 0, **options: Any) -> None:
        """To the daily digest, or some seconds beside it."""
        at = next_digest(self.wish, self.clock())
        self.wait((at - self.clock()) / SECOND + beside, **options)

    def read(self, channel: str) -> list[list[tuple[str, int | None]]]:
        told = [each for each in self.postman.messages if each.place[0] == channel]
        return [[(line.kind, line.stream_id) for line in each.lines] for each in told]

    def rows(self, channel: str) -> list[Any]:
        query = select(delivery).where(delivery.c.channel == channel)
        return self.world.rows(query.order_by(delivery.c.available_at, delivery.c.delivery_id))
