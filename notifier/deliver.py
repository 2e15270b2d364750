"""11 Deliver one message: claim, write the letter, prepare, mark, send, settle.

In: (delivery id, generation) from the broker, any number of times. Out: a letter handed to a channel at
most once per claim, and its outcome recorded. Next: 11d commits.py, 12 channels/, 13 attempts.py.

What is delivered is not sent again: only a queued delivery of this generation can be claimed, and the
bytes leave only after the hand-off mark is committed. Whatever goes wrong stays with this delivery.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

import structlog

from notifier.attempt_log import DEFECT_CONTAINED, place_of, report
from notifier.attempts import Claim, Mark, Message
from notifier.channels.channel import Admitted, Channel, Letter, Receipt
from notifier.commits import Commits, LetterSource, Taken
from notifier.ending import End
from notifier.group_commit import GroupCommit
from notifier.pacing import Pacing
from notifier.result import PREPARING, SENDING, Result
from notifier.spending import UNCOUNTED, Spending
from notifier.till import Till
from store.clock import now_micros
from store.errors import StoreError, Transient
from store.killpoint import reached

DELIVERY_POSTPONED = "delivery_postponed"

# A result that cannot be written is an accepted letter called unknown: worth some patience.
_SETTLE_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
_SECOND = 1_000_000


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
        self._till = Till(spending)
        self._moves = moves
        self._letters = letters
        self._channels = channels
        self._worker = worker
        self._clock = clock
        self._log = structlog.get_logger(worker=worker)
        self._commits = Commits(
            letters=letters,
            channels=channels,
            pacing=pacing or Pacing(),
            till=self._till,
            bell=moves.bell,
            lease=int(lease_seconds * _SECOND),
            worker=worker,
            clock=clock,
        )

    async def deliver(self, delivery_id: UUID, generation: int) -> None:
        """Attempt the delivery if it is still ours to attempt. Never raises an Exception."""
        try:
            message = Message(delivery_id, generation, uuid4().hex)
            taken: Taken | None = await self._moves.run(self._commits.write, message)
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

    async def _attempt(self, taken: Taken) -> Result | None:
        """Try once; None: the hand-off was refused, nothing left."""
        held, channel = taken.held, taken.channel
        phase, cost = PREPARING, 0
        answer: Receipt | Exception
        try:
            letter, destination = self._letter(taken)
            async with channel.prepare(letter, destination) as handover:
                price = self._till.price(held, letter)
                mark = Mark(held, channel.provider, price)
                if not await self._moves.run(self._commits.write, mark, urgent=True):
                    return None
                phase, cost = SENDING, price
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

    def _letter(self, taken: Taken) -> tuple[Letter, Admitted]:
        if isinstance(taken.draft, Exception):
            raise taken.draft
        return self._letters.write(taken.held, taken.draft), taken.draft.destination

    async def _settle(self, held: Claim, result: Result) -> None:
        end = End(held, result, random.random())
        for pause in _SETTLE_PAUSES_SECONDS:
            try:
                step = await self._moves.run(self._commits.write, end)
                break
            except Transient:
                await asyncio.sleep(pause)
        else:
            step = await self._moves.run(self._commits.write, end)
        reached("after_result")
        report(self._log, held, result, step)
