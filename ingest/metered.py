"""A transport that keeps to its endpoint's budget and measures how fast it answers."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ingest.budget import Budget
from ingest.transport import HttpAnswer, Transport

_NEWEST_WEIGHS: Final = 0.2
# A larger answer is slow for what it holds, not for the endpoint's sake.
_SMALL_BYTES: Final = 64 * 1024


class MeteredTransport:
    """Sends when the budget allows.

    `latency_seconds`: moving average over small answers, without waits; None before the first one.
    `waited_seconds`: for the budget, of all requests.
    """

    def __init__(
        self,
        transport: Transport,
        per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._budget = Budget(per_minute)
        self._clock = clock
        self.latency_seconds: float | None = None
        self.waited_seconds = 0.0
        self.requests = 0

    @property
    def name(self) -> str:
        """Host and port."""
        return self._transport.name

    @property
    def is_spent(self) -> bool:
        """Whether a request would have to wait now."""
        return self._budget.wait_seconds(self._clock()) > 0

    async def post(self, body: bytes) -> HttpAnswer:
        """Send JSON, after a wait where the budget is spent. Raises RpcUnavailable."""
        wait = self._budget.reserve(self._clock())
        if wait > 0:
            self.waited_seconds += wait
            await asyncio.sleep(wait)
        self.requests += 1
        began = self._clock()
        answer = await self._transport.post(body)
        if len(answer.body) < _SMALL_BYTES:
            self._took(self._clock() - began)
        return answer

    def _took(self, seconds: float) -> None:
        known = seconds if self.latency_seconds is None else self.latency_seconds
        self.latency_seconds = known + _NEWEST_WEIGHS * (seconds - known)
