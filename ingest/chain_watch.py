"""What answers say of the chain itself, looked at before they are believed: newest ledger and close times.

In: each answer's ledgers and close times. Out: nothing; or the answer is not believed, whoever told it has
to prove its chain (endpoint_proof.py), and is expelled where it cannot.

A node that is switched to another chain of the same height gives itself away by a close time, mostly within
a poll and for nothing; what close times do not show, the pinned ledgers do within a minute (pin_keeper.py).
A node whose newest ledger leaps has to show that ledger: believed blindly, it would have us pass ledgers
that have not closed, or open a gap that is none.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import structlog

from ingest.close_times import CloseTimes, Odd
from ingest.endpoint import LAG_LEDGERS, Endpoint
from ingest.endpoint_book import count, expel, notice
from ingest.endpoint_proof import DOUBT_SECONDS, Proof
from ingest.errors import (
    ForkedChain,
    IngestError,
    RequestRefused,
    RetentionGap,
    RpcUnavailable,
)
from ingest.ledger_head import LedgerHead
from ingest.rpc import Health

_LOG = structlog.get_logger()
_LEAP_LEDGERS: Final = 2 * LAG_LEDGERS
T = TypeVar("T")
Heads = Callable[[int], Awaitable[Mapping[str, LedgerHead]]]


class ChainWatch:
    """Of one pool. `heads`: what each endpoint tells of a ledger, by name."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        proof: Proof,
        heads: Heads,
        clock: Callable[[], float],
    ) -> None:
        self._endpoints = endpoints
        self._proof = proof
        self._heads = heads
        self._clock = clock
        self._times = CloseTimes()
        self._misdating: set[str] = set()  # whose close times say nothing
        self._settling = asyncio.Lock()
        self._settled_at = -math.inf

    async def answered(self, endpoint: Endpoint, question: Awaitable[T]) -> T:
        """The answer to a question; a gap is passed on only if its window may be. Raises as it does."""
        try:
            return await question
        except RetentionGap as gap:
            await self._shows(endpoint, gap.oldest_ledger)
            raise

    async def saw(self, endpoint: Endpoint, oldest: int | None, latest: int) -> None:
        """Which ledgers it has. Raises RpcUnavailable where its newest one leapt, or went far back.

        The answer that shows it may be of another chain already: it is not believed, and the endpoint is
        asked again once it has proven itself. One that nothing spoke against yet has to as soon as it can.
        """
        await self._shows(endpoint, latest)
        if notice(endpoint, oldest, latest):
            raise RpcUnavailable(
                f"{endpoint.name} went back to ledger {latest}, and has to prove its chain", 0
            )
        if endpoint.must_prove:
            await self._proof.afterwards(endpoint)

    async def _shows(self, endpoint: Endpoint, ledger: int) -> None:
        """Have it show a ledger that is far beyond the newest one: after an outage it can."""
        newest = max((e.latest_ledger for e in self._endpoints if e.expelled is None), default=0)
        if newest == 0 or ledger <= newest + _LEAP_LEDGERS:
            return
        try:
            await endpoint.rpc.ledger_head(ledger)
        except RequestRefused as refused:
            _LOG.warning("chain_not_proven", endpoint=endpoint.name, reason=str(refused))
        except IngestError as trouble:
            _LOG.error(
                "endpoint_leapt", endpoint=endpoint.name, from_ledger=newest, to_ledger=ledger
            )
            raise RpcUnavailable(
                f"{endpoint.name} says that it has ledger {ledger}, and does not show it: {trouble}"
            ) from trouble

    async def healthy(self, endpoint: Endpoint, health: Health) -> None:
        """What it says of its health. Raises as `saw` and `hears`."""
        await self.saw(endpoint, health.oldest_ledger, health.latest_ledger)
        if health.latest_ledger_close_time:
            await self.hears(endpoint, {health.latest_ledger: health.latest_ledger_close_time})

    async def hears(self, endpoint: Endpoint, told: Mapping[int, int]) -> None:
        """What an answer says of ledgers' close times. Raises RpcUnavailable where it is not believed."""
        if endpoint.name in self._misdating:
            return
        odd = self._times.odd(told)
        if odd is None:
            self._times.learn(endpoint.name, told)
            return
        async with self._settling:
            if endpoint.expelled is None and self._clock() >= self._settled_at + DOUBT_SECONDS:
                await self._settle(endpoint, told, odd)
                self._settled_at = self._clock()
        at_once = None if endpoint.expelled is None else 0
        raise RpcUnavailable(f"{endpoint.name} is not believed: {odd}", at_once)

    async def _settle(self, endpoint: Endpoint, told: Mapping[int, int], odd: Odd) -> None:
        """Find out who follows another chain: by the pinned ledgers first, then by the ledger itself."""
        _LOG.error("close_times_differ", endpoint=endpoint.name, reason=str(odd))
        for each in self._endpoints:
            await self._proof.once_more(each)
            if each.expelled is not None:
                self._times.forget(teller=each.name)
        still = self._times.odd(told)
        if endpoint.expelled is None and still is not None:
            self._judge(endpoint, still, await self._heads(still.known_ledger))

    def _judge(self, endpoint: Endpoint, odd: Odd, heads: Mapping[str, LedgerHead]) -> None:
        """All follow the pinned ledgers: find out who told an untruth, or left our chain since then."""
        meant = heads.get(endpoint.name)
        said = heads.get(odd.teller) if odd.teller != endpoint.name else None
        if meant is None or (said is not None and said.closed_at != odd.known_closed_at):
            self._times.forget(ledger=odd.known_ledger)  # nobody stands by what was told first
        elif said is not None and said.hash != meant.hash:
            expel(endpoint, ForkedChain(endpoint.name, str(odd)), self._clock())
        elif meant.closed_at == odd.known_closed_at:
            junk = RpcUnavailable(f"it told close times that are not its own: {odd}")
            count(endpoint, junk, self._clock())
        else:
            self._judge_alone(endpoint, odd, meant)

    def _judge_alone(self, endpoint: Endpoint, odd: Odd, meant: LedgerHead) -> None:
        """It does not stand by what it told first: by what it tells now, or by neither."""
        self._times.forget(ledger=odd.known_ledger)
        if odd.ledger != odd.known_ledger:
            return
        if meant.closed_at == odd.closed_at:
            expel(endpoint, ForkedChain(endpoint.name, str(odd)), self._clock())
            return
        self._misdating.add(endpoint.name)
        _LOG.warning("endpoint_misdates", endpoint=endpoint.name, reason=str(odd))
