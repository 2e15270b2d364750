"""Step 1b. Who is followed now: one task per source, arranged anew when contracts come or go.

In: the contracts that are wanted, read every few seconds. Out: the sources' tasks (fetch.py).

When something changes, the tasks end, what they handed over is written, the stored sources are brought in
line, and the tasks begin again at their stored cursors: nothing is lost, no other cursor moves. Sources
that have come close to each other are joined then, and every ten minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from ingest.ending import end
from ingest.fetch import Fetcher
from ingest.sources import Source
from ingest.write_queue import WriteQueue

_LOG = structlog.get_logger()
_JOIN_SECONDS: Final = 600.0


class Roster:
    """Keeps the tasks of one leadership.

    `wanted`: the contracts to follow. `arrange`: brings the stored sources in line with them and gives
    them; each call may join some.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        wanted: Callable[[], Awaitable[Mapping[str, int | None]]],
        arrange: Callable[[Mapping[str, int | None]], Awaitable[Sequence[Source]]],
        poll_seconds: float,
    ) -> None:
        self._fetcher = fetcher
        self._wanted = wanted
        self._arrange = arrange
        self._poll_seconds = poll_seconds

    async def run(self, pages: WriteQueue) -> None:
        """Follow everybody, for ever. Raises what ends a source."""
        while True:
            wanted = await self._wanted()
            sources = await self._arrange(wanted)
            _LOG.info("sources_arranged", sources=len(sources), contracts=len(wanted))
            tasks = {
                asyncio.create_task(self._fetcher.follow(source, pages, place / len(sources)))
                for place, source in enumerate(sources)
            }
            changed = asyncio.create_task(self._changed(wanted, len(sources)))
            try:
                await asyncio.wait({*tasks, changed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end([*tasks, changed])
            await pages.drained()

    async def _changed(self, wanted: Mapping[str, int | None], sources: int) -> None:
        """Return when others are wanted, or when it is time to join sources."""
        loop = asyncio.get_running_loop()
        join_at = loop.time() + _JOIN_SECONDS
        while await self._wanted() == wanted:
            if sources > 1 and loop.time() >= join_at:
                return
            await asyncio.sleep(max(1.0, self._poll_seconds))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End them all; raises the first error that one of them had ended with."""
    for error in await end(tasks):
        raise error
