"""Several RPC endpoints behind one face: the best one is asked first, the others when it fails.

Best is: rested, within its budget, not behind, and fast; the one that answered last among its like, so
that work does not wander. One that fails rests, is asked last meanwhile, and after some failures its
breaker opens (endpoint.py). One that follows another chain is expelled and asked again now and then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import structlog

from ingest.aside import ask_aside
from ingest.chain_watch import ChainWatch
from ingest.close_times import told_by
from ingest.cross_check import CrossCheck, Question
from ingest.decode import Page
from ingest.endpoint import GAP, Endpoint, in_order
from ingest.endpoint_book import count, expel, notice
from ingest.endpoint_proof import Proof
from ingest.endpoint_verdict import verdict
from ingest.errors import (
    ForkedChain,
    IngestError,
    RequestRefused,
    RetentionGap,
    Transient,
    WrongNetwork,
)
from ingest.ledger_head import LedgerHead
from ingest.pins import Identity, PassphraseOnly
from ingest.rpc import EventSource, Health, LedgerEntries, Network

_LOG = structlog.get_logger()
LOOK_SECONDS: Final = 15.0
NEWS_LEDGERS = 12  # a page that begins further below the newest ledger is not urgent

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
        self.proof = Proof(identity, clock)
        self._cross_check = cross_check
        self._clock = clock
        self._watch = ChainWatch(
            self.endpoints, proof=self.proof, heads=self.ledger_heads, clock=clock
        )
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
        await self._heard(endpoint, page, question.needed)
        if endpoint.lags_behind(self.newest_ledger):
            endpoint.rest(self._clock())
        check = self._cross_check
        if check is None or not check.is_due():
            return page
        others = [each for each in self.endpoints if each is not endpoint]
        return await check.checked(
            page, question, partial(self._ask_another, others, question.needed)
        )

    async def _ask_another(
        self,
        others: Sequence[Endpoint],
        needed: int,
        question: Callable[[EventSource], Awaitable[Page]],
    ) -> Page:
        endpoint, page = await self._ask(question, others)
        await self._heard(endpoint, page, needed)
        return page

    async def _heard(self, endpoint: Endpoint, page: Page, needed: int) -> None:
        """Whether a page from a ledger on may be believed; past ledgers can wait for a proof behind it.

        Raises RpcUnavailable.
        """
        await self._watch.saw(endpoint, page.oldest_ledger, page.latest_ledger)
        await self._watch.hears(endpoint, told_by(page))
        if needed <= page.latest_ledger - NEWS_LEDGERS:
            await self.proof.afterwards(endpoint)

    async def health(self) -> Health:
        """See EventSource: of the first endpoint that answers."""
        endpoint, health = await self._ask(lambda rpc: rpc.health())
        await self._watch.healthy(endpoint, health)
        return health

    async def network(self) -> Network:
        """See EventSource: of the first endpoint that answers."""
        return (await self._ask(lambda rpc: rpc.network()))[1]

    async def ledger_entries(self, keys: Sequence[bytes]) -> LedgerEntries:
        """See EventSource: of the first endpoint that answers."""
        endpoint, found = await self._ask(lambda rpc: rpc.ledger_entries(keys))
        await self._watch.saw(endpoint, None, found.latest_ledger)
        return found

    async def admit(self, endpoint: Endpoint, latest: int) -> None:
        """Whether it is believed what an endpoint told past this pool; its newest ledger is given.

        Raises RpcUnavailable, WrongNetwork, ForkedChain.
        """
        await self._watch.saw(endpoint, None, latest)
        await self.proof.afterwards(endpoint)

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
        if self.proof.identity is None:
            self.proof.identity = PassphraseOnly(passphrase)
        self.doubt_all()
        believed = False
        for endpoint in self.endpoints:
            endpoint.rest_until = 0.0
            with suppress(Transient, RequestRefused, WrongNetwork, ForkedChain):
                await self.proof.before_use(endpoint)
                believed = True
        if not believed:
            await self._ask(lambda rpc: rpc.check_network(passphrase))

    def doubt_all(self, *, but: Container[str] = ()) -> None:
        """Have every endpoint prove its chain before its next use; `but`: not those of these names."""
        for endpoint in self.endpoints:
            if endpoint.name not in but:
                endpoint.doubt()

    async def prove_again(self) -> None:
        """Have all prove their chain once more. Raises WrongNetwork, ForkedChain where nobody is left."""
        for endpoint in self.endpoints:
            await self.proof.once_more(endpoint)
        expelled = [each.expelled for each in self.endpoints if each.expelled is not None]
        if len(expelled) == len(self.endpoints):
            raise expelled[0]

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
                await self._watch.healthy(endpoint, health)

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
            await self.proof.before_use(endpoint)
            answer = await self._watch.answered(endpoint, question(endpoint.rpc))
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
