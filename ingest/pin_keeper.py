"""Keeps the hash of a ledger now and then, so that a reset, a fork or a wrong node is known later.

At the start of a leadership and every 60 ledgers (about five minutes). Each pin is a little behind the
newest ledger, so that every honest endpoint has it. Before another one is kept, and every minute, all
endpoints have to prove themselves against the newest: one that was switched to another chain meanwhile must
not say what it is measured by, and who told a hash proves itself once more behind it. A proof costs three
requests, of which getLedgers carries one ledger.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from ingest import errors
from ingest.endpoint import LAG_LEDGERS
from ingest.endpoints import EndpointPool
from ingest.ledger_head import LedgerHead
from ingest.pins import store_pin
from store.engine import Database
from store.errors import Transient
from store.lease import Lease

_LOG = structlog.get_logger()
PIN_EVERY_LEDGERS: Final = 60
PROVE_EVERY_SECONDS = 60.0
LOOK_SECONDS = 2.0
CHAINS_DIFFER: Final = "endpoints_on_two_chains"


class PinKeeper:
    """Pins ledgers while this process leads."""

    def __init__(
        self,
        database: Database,
        pool: EndpointPool,
        lease: Lease,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._pool = pool
        self._lease = lease
        self._clock = clock

    async def run(self) -> None:
        """For ever. Raises LeaseLost, WrongNetwork, ForkedChain."""
        pinned, proven_at = 0, self._clock()
        while True:
            due = self._pool.newest_ledger - LAG_LEDGERS
            if pinned == 0 or due >= pinned + PIN_EVERY_LEDGERS:
                pinned = await self.pin() or pinned
                proven_at = self._clock()
            elif self._clock() >= proven_at + PROVE_EVERY_SECONDS:
                await self._pool.prove_again()
                proven_at = self._clock()
            await asyncio.sleep(LOOK_SECONDS)

    async def pin(self) -> int | None:
        """The ledger that was pinned; None where that could not be done now."""
        await self._pool.prove_again()
        try:
            health = await self._pool.health()
            ledger = max(health.oldest_ledger, health.latest_ledger - LAG_LEDGERS)
            told = await self._pool.ledger_heads(ledger)
            await self._pool.prove_again()
            proven = {each.name for each in self._pool.endpoints if each.proven}
            heads = {name: head for name, head in told.items() if name in proven}
            head, source = _agreed(heads, ledger)
            await asyncio.to_thread(store_pin, self._database, self._lease, head, source)
        except (errors.Transient, Transient) as trouble:
            _LOG.info("ledger_not_pinned", reason=str(trouble))
            return None
        self._pool.doubt_all(but=heads)
        return ledger


def _agreed(told: Mapping[str, LedgerHead], ledger: int) -> tuple[LedgerHead, str]:
    """What all of them tell, and who told it. Raises RpcUnavailable, also where two chains are told.

    A pin is what others are judged by: with no pin left to prove themselves by, one of two is a stranger.
    """
    if len({head.hash for head in told.values()}) > 1:
        hashes = {name: head.hash for name, head in told.items()}
        _LOG.error(CHAINS_DIFFER, ledger=ledger, hashes=hashes)
        raise errors.RpcUnavailable("the endpoints tell two chains")
    for name, head in told.items():
        return head, name
    raise errors.RpcUnavailable(f"nobody tells ledger {ledger}")
