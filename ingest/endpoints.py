"""Several RPC endpoints behind one face: the best one is asked first, the others when it fails.

Best is: rested, within its budget, not behind, and fast; the one that answered last among its like, so
that work does not wander. One that fails rests, is asked last meanwhile, and after some failures its
breaker opens (endpoint.py). One that follows another chain is expelled and asked again now and then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import structlog

from ingest.aside import ask_aside
from ingest.cross_check import CrossCheck, Question
from ingest.decode import Page
from ingest.endpoint import GAP, Endpoint, in_order
from ingest.endpoint_book import count, expel, notice
from ingest.endpoint_verdict import verdict
from ingest.errors import (
    ForkedChain,
    IngestError,
    RequestRefused,
    RetentionGap,
    RpcUnavailable,
    Transient,
    WrongNetwork,
)
from ingest.ledger_head import LedgerHead
from ingest.pins import Identity, PassphraseOnly
from ingest.rpc import EventSource, Health, LedgerEntries, Network

_LOG = structlog.get_logger()
LOOK_SECONDS: Final = 15.0
DOUBT_SECONDS: Final = 5.0  # between two looks at one that is neither proven nor refuted

T = TypeVar("T")


class EndpointPool:
    """An EventSource over several. One call asks each endpoint at most once."""

    name = "all endpoints"

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        identity: Identity | None = None,
        cross_check: CrossCheck | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not endpoints:
            raise ValueError("a pool needs at least one RPC endpoint: set network.rpc_urls")
        self.endpoints = tuple(endpoints)
        self._identity = identity
        self._cross_check = cross_check
        self._clock = clock
        self._last_good = self.endpoints[0]

    @property
    def newest_ledger(self) -> int:
        """The newest ledger that any endpoint in use has shown."""
        shown = [each.latest_ledger for each in self.endpoints if each.expelled is None]
        return max(shown, default=0)

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """See EventSource. A gap is believed only when no other endpoint may have the ledgers."""
        question = Question(contracts, cursor, start_ledger, limit)
        endpoint, page = await self._ask(question.put_to)
        self._saw(endpoint, page.oldest_ledger, page.latest_ledger)
        if endpoint.lags_behind(self.newest_ledger):
            endpoint.rest(self._clock())
        check = self._cross_check
        if check is None or not check.is_due():
            return page
        others = [each for each in self.endpoints if each is not endpoint]
        return await check.checked(page, question, partial(self._ask_another, others))

    async def _ask_another(
        self, others: Sequence[Endpoint], question: Callable[[EventSource], Awaitable[Page]]
    ) -> Page:
        endpoint, page = await self._ask(question, others)
        self._saw(endpoint, page.oldest_ledger, page.latest_ledger)
        return page

    async def health(self) -> Health:
        """See EventSource: of the first endpoint that answers."""
        endpoint, health = await self._ask(lambda rpc: rpc.health())
        self._saw(endpoint, health.oldest_ledger, health.latest_ledger)
        return health

    async def network(self) -> Network:
        """See EventSource: of the first endpoint that answers."""
        return (await self._ask(lambda rpc: rpc.network()))[1]

    async def ledger_entries(self, keys: Sequence[bytes]) -> LedgerEntries:
        """See EventSource: of the first endpoint that answers."""
        endpoint, found = await self._ask(lambda rpc: rpc.ledger_entries(keys))
        self._saw(endpoint, None, found.latest_ledger)
        return found

    async def admit(self, endpoint: Endpoint, latest: int) -> None:
        """Whether it is believed what an endpoint told past this pool; its newest ledger is given.

        Raises RpcUnavailable, WrongNetwork, ForkedChain.
        """
        self._saw(endpoint, None, latest)
        await self._prove(endpoint)

    async def ledger_head(self, sequence: int) -> LedgerHead:
        """See EventSource: of the first endpoint that answers."""
        return (await self._ask(lambda rpc: rpc.ledger_head(sequence)))[1]

    async def ledger_heads(self, sequence: int) -> dict[str, LedgerHead]:
        """What each endpoint tells of a ledger that has it and answers now, by its name."""
        told: dict[str, LedgerHead] = {}
        for endpoint in in_order(
            self.endpoints, self._last_good, self._clock(), self.newest_ledger
        ):
            with suppress(IngestError):
                told[endpoint.name] = await self._put(
                    endpoint, lambda rpc: rpc.ledger_head(sequence)
                )
        return told

    async def transaction(self, tx_hash: str, *, ledger: int, network: str) -> bytes:
        """See EventSource: of the first endpoint that has it and tells it truly."""
        return await ask_aside(
            in_order(self.endpoints, self._last_good, self._clock(), self.newest_ledger),
            lambda rpc: rpc.transaction(tx_hash, ledger=ledger, network=network),
        )

    async def check_network(self, passphrase: str) -> None:
        """Have all that answer now prove their chain; the others before their next use.

        Raises WrongNetwork, ForkedChain where nobody is left.
        """
        if self._identity is None:
            self._identity = PassphraseOnly(passphrase)
        self.doubt_all()
        believed = False
        for endpoint in self.endpoints:
            endpoint.rest_until = 0.0
            with suppress(Transient, RequestRefused, WrongNetwork, ForkedChain):
                await self._prove(endpoint)
                believed = True
        if not believed:
            await self._ask(lambda rpc: rpc.check_network(passphrase))

    def doubt_all(self) -> None:
        """Have every endpoint prove its chain before its next use."""
        for endpoint in self.endpoints:
            endpoint.doubt()

    async def watch(self) -> None:
        """For ever: see how those fare that nobody has asked for a while."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS / 3)

    async def look(self) -> None:
        """Ask each endpoint for its health that was not asked anything lately."""
        for endpoint in self.endpoints:
            now = self._clock()
            if now - endpoint.asked_at < LOOK_SECONDS or not endpoint.may_be_asked(now):
                continue
            with suppress(IngestError):
                _, health = await self._ask(lambda rpc: rpc.health(), [endpoint])
                self._saw(endpoint, health.oldest_ledger, health.latest_ledger)

    async def _ask(
        self,
        question: Callable[[EventSource], Awaitable[T]],
        among: Iterable[Endpoint] | None = None,
    ) -> tuple[Endpoint, T]:
        """Ask one endpoint after the other until one answers."""
        failed: list[tuple[Endpoint, IngestError]] = []
        everybody = list(self.endpoints if among is None else among)
        for endpoint in in_order(everybody, self._last_good, self._clock(), self.newest_ledger):
            try:
                answer = await self._put(endpoint, question)
            except (Transient, RetentionGap, RequestRefused, WrongNetwork, ForkedChain) as trouble:
                failed.append((endpoint, trouble))
            else:
                if among is None:
                    self._last_good = endpoint
                return endpoint, answer
        raise verdict(everybody, failed, self._clock())

    async def _put(self, endpoint: Endpoint, question: Callable[[EventSource], Awaitable[T]]) -> T:
        """Ask one, and remember how it went. Raises what it raises."""
        endpoint.probing = endpoint.state != "closed"
        try:
            await self._prove(endpoint)
            answer = await question(endpoint.rpc)
            endpoint.answered()
        except RetentionGap as gap:
            endpoint.answered(GAP)
            notice(endpoint, gap.oldest_ledger, max(gap.oldest_ledger, endpoint.latest_ledger))
            raise
        except (WrongNetwork, ForkedChain) as wrong:
            expel(endpoint, wrong, self._clock())
            raise
        except (Transient, RequestRefused) as trouble:
            count(endpoint, trouble, self._clock())
            raise
        else:
            return answer
        finally:
            endpoint.probing = False
            endpoint.asked_at = self._clock()

    async def _prove(self, endpoint: Endpoint) -> None:
        async with endpoint.proving:
            now = self._clock()
            if self._identity is None or endpoint.proven or now < endpoint.doubted_again_at:
                return
            try:
                endpoint.proven = await self._identity.check(endpoint.rpc)
            except (WrongNetwork, ForkedChain) as wrong:
                expel(endpoint, wrong, self._clock())
                raise
            endpoint.doubted_again_at = now + DOUBT_SECONDS
            if endpoint.expelled is not None:
                endpoint.failures = 0
                _LOG.info("endpoint_readmitted", endpoint=endpoint.name)
            endpoint.expelled = None

    def _saw(self, endpoint: Endpoint, oldest: int | None, latest: int) -> None:
        """Which ledgers it has. Raises RpcUnavailable where they went far back.

        The answer that shows it may be of another chain already: it is not believed, and the endpoint is
        asked again once it has proven itself.
        """
        if notice(endpoint, oldest, latest):
            raise RpcUnavailable(
                f"{endpoint.name} went back to ledger {latest}, and has to prove its chain", 0
            )
