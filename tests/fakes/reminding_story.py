"""A story of pauses that last: recorded, planned, reminded of and sent by steps, and what must hold."""

from collections import Counter

from sqlalchemy import select

from domain import facts
from domain.state import PAUSED
from domain.stream import StreamState
from notifier import reminders
from notifier.reminder_schema import lasting_pause
from notifier.schema import notice
from notifier.still_paused import is_reminder
from store.engine import Database
from store.mapper import decode_state
from store.schema import stream_state
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER, place
from tests.fakes.postman import SECOND
from tests.fakes.reminding import DAY, TIMES, Desk

STREAMS = (1, 2)
EVENTS = ("paused", "resumed", "handed on", "cancelled")
WAITS = (0.1, 0.5, 1, 3, 8)  # days
DEEDS = ("plan", "remind", "remind and die", "another process", "send")


class Died(BaseException):
    """The process is gone in the middle of its transaction."""


class Story:
    """A desk on which a drawn story happens, and what it must never show."""

    def __init__(self, database: Database) -> None:
        self.desk = Desk(database)
        self.ledger = 1
        self.holder = dict.fromkeys(STREAMS, EMPLOYEE)
        self.desk.tell(
            *(chain.created(1, stream, stream_id=stream) for stream in STREAMS),
        )

    def happen(self, what: str, value: float | None) -> None:
        desk = self.desk
        if what == "wait":
            desk.clock.pass_seconds(value * DAY)
        elif what == "plan":
            desk.world.plan()
        elif what == "remind":
            desk.reminders.step()
        elif what == "remind and die":
            self.die()
        elif what == "another process":
            desk.reminders = desk.process()
        elif what == "send":
            self.send()
        else:
            self.record(what, int(value))

    def record(self, what: str, stream: int) -> None:
        self.ledger = max(self.ledger + 1, (self.desk.clock() // SECOND - chain.GENESIS) // 5)
        at = place(self.ledger) | {"stream_id": stream}
        parties = {"employer": EMPLOYER, "employee": self.holder[stream]}
        if what == "handed on":
            was, becomes = self.holder[stream], OTHER
            if was == OTHER:
                becomes = EMPLOYEE
            self.holder[stream] = becomes
            fact = facts.EmployeeTransferred(**at, previous=was, employee=becomes)
        else:
            kinds = {
                "paused": facts.StreamPaused,
                "resumed": facts.StreamResumed,
                "cancelled": facts.StreamCancelled,
            }
            fact = kinds[what](**at, **parties)
        self.desk.world.record(fact)

    def die(self) -> None:
        """At the end of the transaction, before it commits."""

        def dead(_name: str) -> None:
            raise Died

        alive, reminders.reached = reminders.reached, dead
        try:
            self.desk.reminders.step()
        except Died:
            self.desk.reminders = self.desk.process()
        finally:
            reminders.reached = alive

    def send(self) -> None:
        """Nothing leaves of a pause that the log knows to be over."""
        before = len(self.desk.postman.messages)
        self.desk.deliver()
        states = self.states()
        for message in self.desk.postman.messages[before:]:
            for line in message.lines:
                if line.kind == "reminder":
                    assert states[line.stream_id].status == PAUSED

    def states(self) -> dict[int, StreamState]:
        rows = self.desk.world.rows(select(stream_state))
        return {row.stream_id: decode_state(StreamState, row.state) for row in rows}

    def check(self) -> None:
        rows = [row for row in self.desk.world.rows(select(notice)) if is_reminder(row)]
        keys = Counter((row.cause_event_id, row.recipient_id, row.kind) for row in rows)
        assert all(count == 1 for count in keys.values())
        assert {int(row.kind.partition(".")[2]) for row in rows} <= set(range(1, TIMES.most + 1))
        told = Counter(
            (each.delivery_id, line.stream_id)
            for each in self.desk.postman.messages
            for line in each.lines
            if line.kind == "reminder"
        )
        assert all(count == 1 for count in told.values())

    def settle(self) -> None:
        """Once all is planned, a row stands for each pause that lasts, and no other."""
        self.desk.run()
        paused = {
            (number, state.status_cause)
            for number, state in self.states().items()
            if state.status == PAUSED
        }
        rows = self.desk.world.rows(select(lasting_pause))
        assert {(row.stream_id, row.cause) for row in rows} == paused
