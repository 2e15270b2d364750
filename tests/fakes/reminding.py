"""A small world in which pauses last: a clock, a planner, the reminders, and a postman."""

from sqlalchemy import select

from notifier.contact_file import ContactLine
from notifier.preferences import Preferences
from notifier.reminder_times import Times
from notifier.reminders import Reminders
from notifier.restraint import Restraint
from notifier.schema import recipient
from notifier.wishing import set_preferences
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER
from tests.fakes.planning import NETWORK, World
from tests.fakes.postman import COLLECT, SECOND, WINDOW, Clock, Postman

DAY = 86_400
TIMES = Times(after=(DAY, 3 * DAY, 7 * DAY), every=7 * DAY, most=5)
FRESH = {"email": DAY, "sms": 1800, "push": 3600}
PEOPLE = (
    ContactLine(EMPLOYEE, email="ana@example.org"),
    ContactLine(OTHER, email="ben@example.org"),
    ContactLine(EMPLOYER, email="pay@example.org"),
)


class Desk:
    """Pauses last as long as the test lets the clock run."""

    def __init__(
        self, database: Database, times: Times = TIMES, *, together_seconds: float = 0
    ) -> None:
        self.database = database
        self.times = times
        self.clock = Clock(now=(chain.GENESIS + 100) * SECOND)
        restraint = Restraint(
            window_seconds=WINDOW, collect_seconds=COLLECT, reminders_seconds=together_seconds
        )
        self.world = World(database, FRESH, restraint=restraint, times=times, clock=self.clock)
        self.world.register(*PEOPLE)
        self.postman = Postman(self.world, self.clock, reminders_seconds=together_seconds)
        self.reminders = self.process()

    def process(self) -> Reminders:
        """A process that reminds; any number of them may."""
        return Reminders(
            self.database,
            self.world.writer,
            self.times,
            network=NETWORK,
            poll_seconds=1,
            clock=self.clock,
        )

    def tell(self, *facts) -> None:
        self.world.record(*facts)
        self.run()

    def run(self, seconds: float = 0) -> None:
        """Let time pass, and then all roles work until nothing is left to do."""
        self.clock.pass_seconds(seconds)
        self.world.plan()
        while self.reminders.step():
            pass
        self.deliver()
        self.clock.pass_seconds(COLLECT)
        self.deliver()

    def deliver(self) -> None:
        self.postman.sweep()
        self.postman.gather()
        self.postman.send()

    def wish(self, account: str, wish: Preferences) -> None:
        with self.database.begin() as conn:
            set_preferences(conn, self.world.vault, account, wish, language="en", now=self.clock())

    def notices(self, account: str = EMPLOYEE) -> list[str]:
        """Kinds of all that an account was told, in order."""
        return [told.kind for told in self.world.told() if told.account == account]

    def read_by(self, account: str = EMPLOYEE) -> list[list[str]]:
        """The lines of each message that an account got."""
        lookup = self.world.vault.account_lookup(account)
        mine = {
            row.recipient_id
            for row in self.world.rows(select(recipient))
            if row.account_lookup == lookup
        }
        return [
            [line.kind for line in each.lines]
            for each in self.postman.messages
            if each.recipient_id in mine
        ]
