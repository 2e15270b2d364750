"""Stories of several people and employers: events, time, gathering, sending and failures, by steps."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from domain import facts
from domain.facts import Fact
from domain.state import ACTIVE, CANCELLED, PAUSED
from notifier.contact_file import ContactLine
from notifier.onward import Onward
from notifier.schema import contact, delivery, notice
from notifier.states import WITHDRAWABLE
from notifier.ways import Ways
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER, place
from tests.fakes.planning import FOREVER, World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

OTHER_EMPLOYER = "GDTD46FUSRHKTP2LMKQWULFFCLWVMLKQDLGQCUBRFDB3XQQHSTQWE4FM"
# Stream by stream: who pays whom.
STREAMS = {
    1: (EMPLOYER, EMPLOYEE),
    2: (EMPLOYER, EMPLOYEE),
    3: (EMPLOYER, OTHER),
    4: (OTHER_EMPLOYER, EMPLOYEE),
    5: (OTHER_EMPLOYER, OTHER),
}
CONTACTS = (
    ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100001", push="ntfy:pausewire-ana"),
    ContactLine(OTHER, email="ben@example.org"),
    ContactLine(EMPLOYER, email="pay@example.org", phone="+15550100002"),
    ContactLine(OTHER_EMPLOYER, email="other@example.org"),
)
NEXT = {
    ACTIVE: {"pause": facts.StreamPaused, "cancel": facts.StreamCancelled},
    PAUSED: {"resume": facts.StreamResumed, "cancel": facts.StreamCancelled},
}
UNFINISHED = WITHDRAWABLE | {"handed_off"}
AFTER = {"pause": PAUSED, "resume": ACTIVE, "cancel": CANCELLED}


class Story:
    """Plays steps on a world of its own."""

    def __init__(self, database: Database, ways: Ways | None = None) -> None:
        self.clock = Clock()
        self.world = World(database, restraint=RESTRAINT, ways=ways, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.onward = Onward(
            database,
            self.world.vault,
            FOREVER,
            poll_seconds=1,
            window_seconds=WINDOW,
            clock=self.clock,
        )
        self.status = dict.fromkeys(STREAMS, ACTIVE)
        self.ledger = 10
        self.world.register(*CONTACTS)
        self.world.record(*(self._fact(facts.StreamCreated, each) for each in STREAMS))
        self.world.plan()

    def play(self, step: tuple) -> None:
        name, *given = step
        getattr(self, f"_{name}")(*given)

    def finish(self) -> None:
        """Let everything run on until it is at rest."""
        self.world.plan()
        for _ in range(40):
            self._onward()
            self.postman.sweep()
            self.postman.gather()
            self.postman.send()
            if not self._states() & UNFINISHED:
                return
            self.clock.pass_seconds(31)
        raise AssertionError(f"still under way: {self._states()}")

    def places(self) -> dict[str, set[str]]:
        """The channels of each recipient."""
        found: dict[str, set[str]] = {}
        for row in self.world.rows(select(contact.c.recipient_id, contact.c.channel)):
            found.setdefault(row.recipient_id, set()).add(row.channel)
        return found

    def positions(self) -> dict[UUID, int]:
        """Of what each notice tells."""
        rows = self.world.rows(select(notice.c.notice_id, notice.c.position))
        return {row.notice_id: row.position for row in rows}

    def _states(self) -> set[str]:
        return {row.state for row in self.world.rows(select(delivery.c.state))}

    def _event(self, stream_id: int, wanted: str) -> None:
        before = self.status[stream_id]
        if before == CANCELLED:
            return
        name = wanted if wanted == "cancel" else "pause" if before == ACTIVE else "resume"
        self.status[stream_id] = AFTER[name]
        self.world.record(self._fact(NEXT[before][name], stream_id))

    def _fact(self, kind: type, stream_id: int) -> Fact:
        self.ledger += 1
        employer, employee = STREAMS[stream_id]
        at = place(self.ledger) | {"closed_at": self.clock() // SECOND}
        return kind(**at, stream_id=stream_id, employer=employer, employee=employee)

    def _pass(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)

    def _plan(self) -> None:
        self.world.plan()

    def _gather(self) -> None:
        self.postman.gather()

    def _send(self, fails: set[str], dies: str | None, refuses: str | None = None) -> None:
        refusing = frozenset() if refuses is None else frozenset({refuses})
        self.postman.send(fails=frozenset(fails), dies=dies, refuses=refusing)

    def _bounce(self, channel: str) -> None:
        self.postman.bounce(channel)

    def _onward(self) -> None:
        while self.onward.step():
            pass

    def _sweep(self) -> None:
        self.postman.sweep()


@contextmanager
def told_story(template: Path, ways: Ways | None = None) -> Iterator[Story]:
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copyfile(template, Path(folder) / "world.db")
        database = Database.open(f"sqlite:///{path}")
        yield Story(database, ways)
        database.close()
