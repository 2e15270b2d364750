"""Sends by hand, at a time of the test's own: relay, claim, letter, mark and result, as a process does it.

What leaves is kept as its reader has it: the time, the place, and what each line says of which stream.
"""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from notifier import attempts, ending, states
from notifier.attempts import Claim, Mark
from notifier.beliefs import TELLS
from notifier.channels.channel import Letter, Receipt
from notifier.content import Content
from notifier.drafts import Draft, Withheld
from notifier.ending import End
from notifier.errors import ChannelUnavailable, DestinationRejected
from notifier.gather import Gatherer
from notifier.letters import Letters
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.restraint import Restraint
from notifier.result import PREPARING, SENDING, Result
from notifier.schema import delivery, notice
from notifier.states import CLAIMED, QUEUED
from notifier.sweep import Sweeper
from tests.fakes.guests import EVERYBODY
from tests.fakes.planning import World

SECOND = 1_000_000
WINDOW, COLLECT = 60, 3
RESTRAINT = Restraint(window_seconds=WINDOW, collect_seconds=COLLECT)
CHANNELS = ("email", "sms", "push")


class Told(NamedTuple):
    """One line of a message: its kind, and the stream that it is about."""

    kind: str
    stream_id: int | None

    @property
    def status(self) -> str:
        return TELLS[self.kind]


class Message(NamedTuple):
    """What one reader read at one place."""

    at: int
    recipient_id: str
    place: tuple[str, str]
    delivery_id: UUID
    lines: tuple[Told, ...]


@dataclass
class Clock:
    """A time that only the test moves. Microseconds."""

    now: int = 1_790_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@dataclass
class Postman:
    """Delivers what is due, by steps."""

    world: World
    clock: Clock
    reminders_seconds: float = 0
    messages: list[Message] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = RelayOptions(
            name="postman",
            providers=dict.fromkeys(CHANNELS, "test"),
            queue_limit=10_000,
            poll_seconds=1,
        )
        self._queued: list[tuple[str, UUID, int]] = []
        database = self.world.database
        self._relay = Relay(
            database, lambda *message: self._queued.append(message), options, clock=self.clock
        )
        self._gatherer = Gatherer(
            database,
            window_seconds=WINDOW,
            reminders_seconds=self.reminders_seconds,
            poll_seconds=1,
            clock=self.clock,
        )
        self._sweeper = Sweeper(database, sweep_seconds=1, clock=self.clock)
        self._letters = Letters(self.world.vault, Renderer(), guests=EVERYBODY)

    def gather(self) -> int:
        """Gather all that is due."""
        gathered = 0
        while step := self._gatherer.step():
            gathered += step
        return gathered

    def sweep(self) -> None:
        self._sweeper.step()

    def send(
        self,
        *,
        fails: frozenset[str] = frozenset(),
        dies: str | None = None,
        refuses: frozenset[str] = frozenset(),
        arrives: bool = False,
    ) -> None:
        """Deliver what is due. `fails`: channels that take nothing; `dies`: where each one is left alone.

        `refuses`: channels that say that the place is wrong; `arrives`: each is known to have arrived.

        `queued`, `claimed`: nothing has left; `sent`: it has, and no result was written.
        """
        self._queued.clear()
        self._relay.step()
        for channel, delivery_id, generation in list(self._queued):
            if dies != QUEUED:
                answer: Receipt | Exception = Receipt(
                    provider_message_id=str(delivery_id), has_arrived=arrives
                )
                if channel in fails:
                    answer = ChannelUnavailable("away")
                if channel in refuses:
                    answer = DestinationRejected("no such place")
                self._deliver(delivery_id, generation, answer, dies=dies)

    def bounce(self, *channels: str) -> None:
        """What the providers of these channels had taken does not arrive: nobody has read it."""
        with self.world.database.begin() as conn:
            back = states.move_all(
                conn,
                delivery.c.channel.in_(channels),
                origin=frozenset({states.ACCEPTED}),
                to=states.BOUNCED,
                now=self.clock(),
                changes={"reason": "bounced"},
            )
        lost = {row.delivery_id for row in back}
        self.messages = [each for each in self.messages if each.delivery_id not in lost]

    def _deliver(
        self, delivery_id: UUID, generation: int, answer: Receipt | Exception, *, dies: str | None
    ) -> None:
        now = self.clock()
        with self.world.database.begin() as conn:
            message = attempts.Message(delivery_id, generation, "t")
            (held,) = attempts.claim(conn, [message], now=now, lease_until=now + 30 * SECOND)
            if held is None:
                return
            draft = self._letters.read(conn, held, self._letters.look_up(conn, [held]))
            if isinstance(draft, Withheld):
                attempts.withdraw(conn, held, to=draft.state, reason=draft.reason, now=now)
                return
        if dies == CLAIMED:
            return
        self.letters.append(self._letters.write(held, draft))
        if isinstance(answer, Exception):
            self._settle(held, answer, PREPARING)
            return
        with self.world.database.begin() as conn:
            (marked,) = attempts.hand_off(
                conn, [Mark(held, "test")], worker="w", now=now, lease_until=now + 30 * SECOND
            )
        assert marked
        assert isinstance(draft, Draft)
        self._read(held, draft)
        if dies is None:
            self._settle(held, answer, SENDING)

    def _settle(self, held: Claim, answer: Receipt | Exception, phase: str) -> None:
        result = Result(
            phase=phase, provider="test", worker="w", ended_at=self.clock(), answer=answer
        )
        with self.world.database.begin() as conn:
            assert all(ending.settle(conn, [End(held, result, 0.5)]))

    def _read(self, held: Claim, draft: Draft) -> None:
        with self.world.database.read() as conn:
            row = conn.execute(
                select(delivery.c.channel, delivery.c.endpoint, notice.c.recipient_id)
                .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
                .where(delivery.c.delivery_id == held.delivery_id)
            ).one()
        lines = tuple(map(_told, draft.told or (draft.content,)))
        place = (row.channel, row.endpoint)
        self.messages.append(
            Message(self.clock(), row.recipient_id, place, held.delivery_id, lines)
        )


def _told(content: Content) -> Told:
    return Told(content.kind, content.stream_id)
