"""11d The three commits of a delivery, claim, mark and result, each for all that are at it together.

In: messages, letters that are ready, ends of attempts, as many as one transaction holds (group_commit.py).
Out: of each what came of it. What all of them need is one statement (13 attempts.py, letters.py); where one
goes its own way, it goes alone. A fault that is no database's stays with its delivery.

Locks are taken in one order, so that no two workers wait for each other: the day's money where it is paid,
the deliveries by their ids, providers and places, and at the very end what was refused, and the buckets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from notifier import attempts, ending, states
from notifier.attempts import Claim, Mark, Message
from notifier.buckets import BUCKETS_TURN
from notifier.channels.channel import Channel, Letter
from notifier.drafts import Draft, Ready, Withheld
from notifier.ending import End
from notifier.gate import Gate, Postponed
from notifier.pacing import Pacing
from notifier.patience import nothing_left
from notifier.retry import NextStep
from notifier.states import EXPIRED
from notifier.till import Till
from notifier.turns import LANED
from store.gather import at_end
from store.wake import OUTBOX, Bell


class LetterSource(Protocol):
    """Where letters come from (letters.py)."""

    def look_up(self, conn: Connection, claims: Sequence[Claim]) -> Mapping[UUID, Any]:
        """What their letters are made of, by delivery: one reading for all."""
        ...

    def read(
        self, conn: Connection, held: Claim, known: Mapping[UUID, Any]
    ) -> Draft | Ready | Withheld:
        """What one letter is made of, or why it must not leave any more."""
        ...

    def write(self, held: Claim, draft: Draft | Ready) -> Letter:
        """The letter."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery to attempt. `draft`: or the fault that its attempt ends with."""

    held: Claim
    draft: Draft | Ready | Exception
    channel: Channel


class Commits:
    """One process's. `lease`: microseconds."""

    def __init__(  # noqa: PLR0913 # what one process delivers with
        self,
        *,
        letters: LetterSource,
        channels: Mapping[str, Channel],
        pacing: Pacing,
        till: Till,
        bell: Bell,
        lease: int,
        worker: str,
        clock: Callable[[], int],
    ) -> None:
        self._letters = letters
        self._channels = channels
        self._providers = {name: channel.provider for name, channel in channels.items()}
        self._gate = Gate(channels, pacing)
        self._pacing = pacing
        self._till = till
        self._bell = bell
        self._lease = lease
        self._worker = worker
        self._clock = clock

    def write(self, conn: Connection, wanted: Sequence[Message | Mark | End]) -> list[Any]:
        """For a Message a Taken or None, for a Mark a bool, for an End a NextStep or None."""
        if any(isinstance(each, Mark | End) and self._till.opens_for(each) for each in wanted):
            self._till.open(conn)
        ended = [each for each in wanted if isinstance(each, End)]
        moved = {_delivery_of(each) for each in wanted}
        states.lock(conn, moved | {*ending.also_moved(conn, ended)})
        ends = self._settle(conn, ended)
        marks = self._mark(conn, [each for each in wanted if isinstance(each, Mark)])
        takes = self._take(conn, [each for each in wanted if isinstance(each, Message)])
        answers = {End: iter(ends), Mark: iter(marks), Message: iter(takes)}
        return [next(answers[type(each)]) for each in wanted]

    def _take(self, conn: Connection, messages: Sequence[Message]) -> list[Taken | None]:
        """Claim, and read; None: there is nothing to send."""
        now = self._clock()
        claims = attempts.claim(conn, messages, now=now, lease_until=now + self._lease)
        known = self._letters.look_up(conn, [each for each in claims if each is not None])
        drafts = [None if each is None else self._draft(conn, each, known, now) for each in claims]
        return [
            self._sent_on(conn, held, draft, now) if held and draft else None
            for held, draft in zip(claims, drafts, strict=True)
        ]

    def _draft(
        self, conn: Connection, held: Claim, known: Mapping[UUID, Any], now: int
    ) -> Draft | Ready | Exception | None:
        """None: it must not leave any more, or not today."""
        if now >= held.deadline_at:
            self._withdrawn(conn, held, Withheld(EXPIRED, "deadline"), now)
            return None
        try:
            draft = self._letters.read(conn, held, known)
            if isinstance(draft, Withheld):
                self._withdrawn(conn, held, draft, now)
                return None
            if self._till.is_shut(conn, held, now):
                self._untaken(conn, held)
                return None
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 # the guard: it is claimed, and fails as an attempt
            return error
        return draft

    def _withdrawn(self, conn: Connection, held: Claim, why: Withheld, now: int) -> None:
        attempts.withdraw(conn, held, to=why.state, reason=why.reason, now=now)
        self._untaken(conn, held)
        if held.channel in LANED:  # the next one of its lane need not wait for a poll
            self._bell.ring(conn, OUTBOX)

    def _sent_on(
        self, conn: Connection, held: Claim, draft: Draft | Ready | Exception, now: int
    ) -> Taken | None:
        """By the channel that carries it; None: by none now."""
        if isinstance(draft, Exception):
            return Taken(held, draft, self._channels[held.channel])
        try:
            way = self._gate.way(conn, held, draft, now)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 # the guard: as above
            return Taken(held, error, self._channels[held.channel])
        if isinstance(way, Postponed):
            attempts.put_back(conn, held, until=way.until, reason=way.reason, now=now)
            self._untaken(conn, held)
            return None
        return Taken(held, draft, way)

    def _mark(self, conn: Connection, marks: Sequence[Mark]) -> list[bool]:
        """Take the price, and mark; neither without the other."""
        now = self._clock()
        paid = [each for each in marks if self._paid(conn, each, now)]
        marked = attempts.hand_off(
            conn, paid, worker=self._worker, now=now, lease_until=now + self._lease
        )
        for each, is_marked in zip(paid, marked, strict=True):
            if not is_marked:
                self._till.pay_back(conn, each.held, each.cost, now)
                if attempts.put_back(conn, each.held, now=now):
                    self._untaken(conn, each.held)
        handed_off = {each.held.token for each, done in zip(paid, marked, strict=True) if done}
        return [each.held.token in handed_off for each in marks]

    def _paid(self, conn: Connection, mark: Mark, now: int) -> bool:
        paid = self._till.pay(conn, mark.held, mark.cost, now)
        if not paid:
            self._untaken(conn, mark.held)
        return paid

    def _settle(self, conn: Connection, ends: Sequence[End]) -> list[NextStep | None]:
        """Write the results."""
        behind = [self._gate.has_another(each.held.channel, each.result.provider) for each in ends]
        ends = [end._replace(another=each) for end, each in zip(ends, behind, strict=True)]
        # The next one of its lane may leave, and whoever stands behind a provider may have it at once.
        if any(behind) or any(each.held.channel in LANED for each in ends):
            self._bell.ring(conn, OUTBOX)
        found = ending.settle(conn, ends)
        for end, step in zip(ends, found, strict=True):
            if step is not None:
                self._till.settle(conn, end.held, end.result)
                if nothing_left(end.result):
                    self._untaken(conn, end.held)
        return found

    def _untaken(self, conn: Connection, held: Claim) -> None:
        """It did not leave, so it used nothing up."""
        at_end(conn, self._give_back, held, turn=BUCKETS_TURN)

    def _give_back(self, conn: Connection, claims: Sequence[Claim]) -> None:
        self._pacing.give_back(conn, claims, self._providers, self._clock())


def _delivery_of(wanted: Message | Mark | End) -> UUID:
    return wanted.delivery_id if isinstance(wanted, Message) else wanted.held.delivery_id
