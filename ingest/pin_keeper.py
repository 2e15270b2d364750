"""Keeps the hash of a ledger now and then, so that a reset, a fork or a wrong node is known later.

At the start of a leadership and every 720 ledgers (about an hour). Each pin is a little behind the newest
ledger, so that every honest endpoint has it, and all of them have to prove themselves against it.
"""

import asyncio
from collections.abc import Mapping
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
PIN_EVERY_LEDGERS: Final = 720
_LOOK_SECONDS: Final = 2.0
CHAINS_DIFFER: Final = "endpoints_on_two_chains"


class PinKeeper:
    """Pins ledgers while this process leads."""

    def __init__(self, database: Database, pool: EndpointPool, lease: Lease) -> None:
        self._database = database
        self._pool = pool
        self._lease = lease

    async def run(self) -> None:
        """For ever. Raises LeaseLost, WrongNetwork, ForkedChain."""
        pinned = 0
        while True:
            due = self._pool.newest_ledger - LAG_LEDGERS
            if pinned == 0 or due >= pinned + PIN_EVERY_LEDGERS:
                pinned = await self.pin() or pinned
            await asyncio.sleep(_LOOK_SECONDS)

    async def pin(self) -> int | None:
        """The ledger that was pinned; None where that could not be done now."""
        try:
            health = await self._pool.health()
            ledger = max(health.oldest_ledger, health.latest_ledger - LAG_LEDGERS)
            head, source = _agreed(await self._pool.ledger_heads(ledger), ledger)
            await asyncio.to_thread(store_pin, self._database, self._lease, head, source)
        except (errors.Transient, Transient) as trouble:
            _LOG.info("ledger_not_pinned", reason=str(trouble))
            return None
        self._pool.doubt_all()
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
