"""When each source may ask: few requests at once, nobody starves, and no bursts.

A source at the newest ledger has nothing to ask until another ledger has closed. One of those who wait, in
turn, is sent to look at every poll; when its answer, or any other, shows a newer ledger, all are sent,
spread over a poll's time. A source alone is sent at every poll. Sources that catch up have half of the
places, so that those at the newest ledger always find one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple


class _Waiting(NamedTuple):
    """`sent`: True when its ledger is there, False when it is to look whether it is."""

    needed_ledger: int
    sent: "asyncio.Future[bool]"


class Pace:
    """Shared by all sources of one leadership. `requests`: most at once."""

    def __init__(self, *, poll_seconds: float, requests: int) -> None:
        self.poll_seconds = poll_seconds
        self._places = asyncio.Semaphore(requests)
        self._places_behind = asyncio.Semaphore(max(1, requests // 2))
        self._newest = 0
        self._waiting: dict[str, _Waiting] = {}  # who has waited longest stands first
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, *, behind: bool) -> AsyncIterator[None]:
        """A place to ask and to hand over; first come, first served."""
        async with AsyncExitStack() as places:
            if behind:
                await places.enter_async_context(self._places_behind)
            await places.enter_async_context(self._places)
            yield

    def saw(self, latest_ledger: int) -> None:
        """An answer showed this newest ledger."""
        self._newest = max(self._newest, latest_ledger)
        for waiting in self._waiting.values():
            if waiting.needed_ledger <= self._newest and not waiting.sent.done():
                waiting.sent.set_result(True)

    async def until_due(self, source: str, needed_ledger: int, place: float) -> None:
        """Wait until a source that has all it was told of should ask again.

        `place`: from 0 to 1, the source's own moment within a poll's time.
        """
        if self._newest >= needed_ledger:  # another node has shown more than the one that answered
            await asyncio.sleep(self.poll_seconds)
            return
        sent = asyncio.get_running_loop().create_future()
        self._waiting[source] = _Waiting(needed_ledger, sent)
        self._set_timer()
        try:
            is_there = await sent
        finally:
            del self._waiting[source]
            if not self._waiting and self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if is_there:
            await asyncio.sleep(place * self.poll_seconds)

    def _set_timer(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.poll_seconds, self._send_one)

    def _send_one(self) -> None:
        """Send the one who has waited longest to look."""
        self._timer = None
        for waiting in self._waiting.values():
            if not waiting.sent.done():
                waiting.sent.set_result(False)
                break
        if len(self._waiting) > 1:
            self._set_timer()
