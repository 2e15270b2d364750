"""What an endpoint must prove before it is believed, and again and again while it is asked.

The pool has it proven before its first use, after trouble, and after each page that is no news; the keeper
of pins (pin_keeper.py) has all of them prove themselves once more every minute, beside what they are asked.
"""

import itertools
from collections.abc import Callable
from typing import Final

import structlog

from ingest.endpoint import Endpoint
from ingest.endpoint_book import expel
from ingest.errors import ForkedChain, RequestRefused, RpcUnavailable, Transient, WrongNetwork
from ingest.pins import Identity

_LOG = structlog.get_logger()
FRESH_SECONDS = 5.0  # so long a proof holds for pages of past ledgers
DOUBT_SECONDS: Final = 5.0  # between two looks at one that is neither proven nor refuted


class Proof:
    """Of one pool. `identity`: what is to be proven; None: whoever answers is believed."""

    def __init__(self, identity: Identity | None, clock: Callable[[], float]) -> None:
        self.identity = identity
        self._clock = clock
        self._numbers = itertools.count(1)

    async def before_use(self, endpoint: Endpoint) -> None:
        """Where it is not proven yet. Raises WrongNetwork, ForkedChain, and as EventSource."""
        if self.identity is None or endpoint.proven:
            return
        async with endpoint.proving:
            due = self._clock() >= endpoint.doubted_again_at or endpoint.must_prove
            if due and not self._has_proven(endpoint):
                await self._check(endpoint, self.identity)

    @staticmethod
    def _has_proven(endpoint: Endpoint) -> bool:
        """Asked again behind the lock: somebody else may have had it proven meanwhile."""
        return endpoint.proven

    async def afterwards(self, endpoint: Endpoint) -> None:
        """By a check that begins now, or began some seconds ago; whoever waits for one shares it.

        One check for each of many pages would make catching up three times as slow. Raises RpcUnavailable.
        """
        fresh = self._clock() < endpoint.proven_at + FRESH_SECONDS
        if self.identity is None or (fresh and not endpoint.must_prove):
            return
        now = next(self._numbers)
        try:
            async with endpoint.proving:
                if endpoint.proof < now:
                    await self._check(endpoint, self.identity)
        except (WrongNetwork, ForkedChain) as wrong:
            raise RpcUnavailable(str(wrong), 0) from wrong
        except (Transient, RequestRefused) as trouble:
            endpoint.doubt()
            raise RpcUnavailable(
                f"{endpoint.name} could not prove its chain: {trouble}"
            ) from trouble

    async def once_more(self, endpoint: Endpoint) -> None:
        """Whether it still follows our chain: expelled if not. Who cannot say must before its next use."""
        if self.identity is None or not endpoint.proven:
            return
        try:
            async with endpoint.proving:
                await self._check(endpoint, self.identity)
        except (WrongNetwork, ForkedChain):  # it is expelled, and has been told of
            return
        except (Transient, RequestRefused) as trouble:
            _LOG.info("chain_not_proven_now", endpoint=endpoint.name, reason=str(trouble))
            endpoint.doubt()

    async def _check(self, endpoint: Endpoint, identity: Identity) -> None:
        number, began = next(self._numbers), self._clock()
        try:
            strictly = isinstance(endpoint.expelled, ForkedChain)
            provable_from = await identity.check(endpoint.rpc, strictly=strictly)
        except (WrongNetwork, ForkedChain) as wrong:
            expel(endpoint, wrong, self._clock())
            raise
        endpoint.proven, endpoint.provable_from = provable_from is None, provable_from or 0
        endpoint.proof, endpoint.proven_at = number, began
        endpoint.doubted_again_at = self._clock() + DOUBT_SECONDS
        if endpoint.expelled is not None:
            endpoint.failures = 0
            _LOG.info("endpoint_readmitted", endpoint=endpoint.name)
        endpoint.expelled = None
