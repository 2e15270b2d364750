"""What the network is asked on a stranger's word: bounded in number, size and time.

Whoever wants to sign in has not proven anything yet, and the endpoints' quota is the indexer's as well.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp
import msgspec

from wallets.errors import ChainUnreadable

_TIMEOUT_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1_000_000
_MINUTE: Final = 60.0
_LEDGER_HOLDS_SECONDS: Final = 5.0  # until the next one closes
_U32: Final = 2**32
_UNUSABLE: Final = (
    *(aiohttp.ClientError, OSError, msgspec.MsgspecError),
    *(ValueError, TypeError, KeyError, RecursionError),
)


class _TooLong(ValueError):
    """An answer beyond what any endpoint gives to these questions."""


class ChainQuestions:
    """Asks Stellar RPC, one endpoint after the other. Belongs to one event loop.

    `most_a_minute`: questions of one process; beyond it nobody is asked.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        most_a_minute: int,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = tuple(urls)
        self._most = most_a_minute
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._clock = clock
        self._asked: deque[float] = deque()
        self._latest: tuple[float, int] | None = None

    async def latest_ledger(self) -> int:
        """The newest ledger, as it was some seconds ago at most. Raises ChainUnreadable."""
        if self._latest is not None and self._clock() < self._latest[0] + _LEDGER_HOLDS_SECONDS:
            return self._latest[1]
        sequence = (await self.ask("getLatestLedger", {})).get("sequence")
        if not isinstance(sequence, int) or not 0 < sequence < _U32:
            raise ChainUnreadable("the RPC endpoint told no ledger")
        self._latest = (self._clock(), sequence)
        return sequence

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The `result` of the first endpoint that gives one. Raises ChainUnreadable."""
        self._count()
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        failed: list[str] = []
        async with aiohttp.ClientSession(timeout=self._timeout) as session:
            for url in self._urls:
                try:
                    return await _result(session, url, question)
                except _UNUSABLE as error:
                    failed.append(type(error).__name__)
        raise ChainUnreadable(
            f"no RPC endpoint answered {method} ({', '.join(failed) or 'none is named'})"
        )

    def _count(self) -> None:
        now = self._clock()
        while self._asked and self._asked[0] <= now - _MINUTE:
            self._asked.popleft()
        if len(self._asked) >= self._most:
            raise ChainUnreadable("too many contract accounts sign in: try again in a minute")
        self._asked.append(now)


async def _result(
    session: aiohttp.ClientSession, url: str, question: Mapping[str, Any]
) -> dict[str, Any]:
    async with session.post(url, json=question) as answer:
        body = bytearray()
        async for part in answer.content.iter_any():
            body += part
            if len(body) > _MOST_BYTES:
                raise _TooLong
    result = msgspec.json.decode(body)["result"]
    if not isinstance(result, dict):
        raise TypeError("the result is no object")
    return result
