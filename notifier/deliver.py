"""11 Deliver one message: claim, write the letter, prepare, mark, send, settle.

In: (delivery id, generation) from the broker, any number of times. Out: a letter handed to a channel at
most once per claim, and its outcome recorded. Next: 12 channels/, 13 attempts.py.

What is delivered is not sent again: only a queued delivery of this generation can be claimed, and the
bytes leave only after the hand-off mark is committed. Whatever goes wrong stays with this delivery.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from notifier import attempts
from notifier.attempt_log import DEFECT_CONTAINED, place_of, report
from notifier.attempts import Claim
from notifier.channels.channel import Channel, Letter, Receipt
from notifier.gate import Gate, Postponed
from notifier.group_commit import GroupCommit
from notifier.letters import Draft, Ready, Withheld
from notifier.pacing import Pacing
from notifier.patience import nothing_left
from notifier.result import PREPARING, SENDING, Result
from notifier.retry import NextStep
from notifier.spending import UNCOUNTED, Spending
from notifier.states import EXPIRED
from notifier.till import Till
from notifier.turns import LANED
from store.clock import now_micros
from store.errors import StoreError, Transient
from store.killpoint import reached
from store.wake import OUTBOX

DELIVERY_POSTPONED = "delivery_postponed"

# A result that cannot be written is an accepted letter called unknown: worth some patience.
_SETTLE_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
_SECOND = 1_000_000


class LetterSource(Protocol):
    """Where letters come from (letters.py)."""

    def read(self, conn: Connection, held: Claim) -> Draft | Ready | Withheld:
        """What the letter is made of, or why it must not leave any more."""
        ...

    def write(self, held: Claim, draft: Draft | Ready) -> Letter:
        """The letter."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    held: Claim
    draft: Draft | Ready | Exception
    channel: Channel


class Deliverer:
    """Works on messages, as many at once as the worker has threads, on one event loop."""

    def __init__(  # noqa: PLR0913 # what one process delivers with
        self,
        *,
        moves: GroupCommit,
        letters: LetterSource,
        channels: Mapping[str, Channel],
        lease_seconds: float,
        worker: str,
        pacing: Pacing | None = None,
        spending: Spending = UNCOUNTED,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._pacing = pacing or Pacing()
        self._till = Till(spending)
        self._providers = {name: channel.provider for name, channel in channels.items()}
        self._moves = moves
        self._letters = letters
        self._channels = channels
        self._gate = Gate(channels, self._pacing)
        self._lease = int(lease_seconds * _SECOND)
        self._worker = worker
        self._clock = clock
        self._log = structlog.get_logger(worker=worker)

    async def deliver(self, delivery_id: UUID, generation: int) -> None:
        """Attempt the delivery if it is still ours to attempt. Never raises an Exception."""
        try:
            taken = await self._moves.run(partial(self._take, delivery_id, generation, uuid4().hex))
            if taken is None:
                return
            reached("after_claim")
            result = await self._attempt(taken)
            if result is not None:
                await self._settle(taken.held, result)
        except StoreError as error:
            # The row keeps its state; the sweeper finds it when its lease is over.
            self._log.warning(
                DELIVERY_POSTPONED, delivery_id=str(delivery_id), reason=type(error).__name__
            )
        except Exception as error:  # noqa: BLE001 # the outer guard: as above, until the deadline
            self._log.error(DEFECT_CONTAINED, delivery_id=str(delivery_id), **place_of(error))

    async def close(self) -> None:
        """Close channels and the writing thread; on the loop that delivered."""
        for channel in self._channels.values():
            await channel.close()
        await self._moves.close()

    def _take(
        self, delivery_id: UUID, generation: int, token: str, conn: Connection
    ) -> _Taken | None:
        """Claim and read in one transaction; None: there is nothing to send."""
        now = self._clock()
        held = attempts.claim(
            conn, delivery_id, generation, token=token, now=now, lease_until=now + self._lease
        )
        if held is None:
            return None
        if now >= held.deadline_at:
            attempts.withdraw(conn, held, to=EXPIRED, reason="deadline", now=now)
            self._untaken(conn, held, now)
            return None
        try:
            draft = self._letters.read(conn, held)
            if isinstance(draft, Withheld) or self._till.is_shut(conn, held, now):
                if isinstance(draft, Withheld):
                    attempts.withdraw(conn, held, to=draft.state, reason=draft.reason, now=now)
                self._untaken(conn, held, now)
                return None
            way = self._gate.way(conn, held, draft, now)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 # the guard: it is claimed, and fails as an attempt
            return _Taken(held, error, self._channels[held.channel])
        if isinstance(way, Postponed):
            attempts.put_back(conn, held, until=way.until, reason=way.reason, now=now)
            self._untaken(conn, held, now)
            return None
        return _Taken(held, draft, way)

    def _untaken(self, conn: Connection, held: Claim, now: int) -> None:
        """It did not leave, so it used nothing up."""
        self._pacing.give_back(conn, [held], self._providers, now)

    async def _attempt(self, taken: _Taken) -> Result | None:
        """Try once; None: the hand-off was refused, nothing left."""
        held, channel = taken.held, taken.channel
        phase, cost = PREPARING, 0
        answer: Receipt | Exception
        try:
            letter, destination = self._letter(taken)
            async with channel.prepare(letter, destination) as handover:
                cost = self._till.price(held, letter)
                if not await self._moves.run(partial(self._mark, held, channel.provider, cost)):
                    return None
                phase = SENDING
                reached("after_handoff")
                answer = await handover.send()
                reached("after_send")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 # the guard: a fault stays with its delivery
            answer = error
        return Result(
            phase=phase,
            provider=channel.provider,
            worker=self._worker,
            ended_at=self._clock(),
            answer=answer,
            cost=cost,
        )

    def _letter(self, taken: _Taken) -> tuple[Letter, str]:
        if isinstance(taken.draft, Exception):
            raise taken.draft
        return self._letters.write(taken.held, taken.draft), taken.draft.destination

    def _mark(self, held: Claim, provider: str, cost: int, conn: Connection) -> bool:
        """Take the price, and mark; neither without the other."""
        now = self._clock()
        if not self._till.pay(conn, held, cost, now):
            self._untaken(conn, held, now)
            return False
        marked = attempts.hand_off(
            conn,
            held,
            provider=provider,
            worker=self._worker,
            now=now,
            lease_until=now + self._lease,
            cost=cost,
        )
        if not marked:
            self._till.pay_back(conn, held, cost, now)
            if attempts.put_back(conn, held, now=now):
                self._untaken(conn, held, now)
        return marked

    async def _settle(self, held: Claim, result: Result) -> None:
        settle = partial(self._write_result, held, result, random.random())
        for pause in _SETTLE_PAUSES_SECONDS:
            try:
                step = await self._moves.run(settle)
                break
            except Transient:
                await asyncio.sleep(pause)
        else:
            step = await self._moves.run(settle)
        reached("after_result")
        report(self._log, held, result, step)

    def _write_result(
        self, held: Claim, result: Result, chance: float, conn: Connection
    ) -> NextStep | None:
        if held.channel in LANED:
            self._moves.bell.ring(conn, OUTBOX)  # the next one of its lane may leave
        another = self._gate.has_another(held.channel, result.provider)
        step = attempts.settle(conn, held, result, chance=chance, another=another)
        if another:
            self._moves.bell.ring(conn, OUTBOX)  # whoever stands behind it may have it at once
        if step is not None:
            self._till.settle(conn, held, result)
        if step is not None and nothing_left(result):
            self._untaken(conn, held, result.ended_at)
        return step
