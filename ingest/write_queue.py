"""What waits to be written, in two lanes: sources at the newest ledger, and those that catch up.

The record loop takes from both in turn, so that a source with a thousand pages behind it holds a live page
up by one page at most. Within a lane: first come, first served.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ingest.sources import Position

T = TypeVar("T")


@dataclass(frozen=True)
class Write(Generic[T]):
    """One thing for the recording thread to write, and who may wait for what comes of it."""

    write: Callable[[], T]
    done: "asyncio.Future[T]"


class WriteQueue:
    """Bounded: who puts into a full lane waits."""

    def __init__(self, maxsize: int) -> None:
        self._live: asyncio.Queue[Write[Any]] = asyncio.Queue(maxsize)
        self._behind: asyncio.Queue[Write[Any]] = asyncio.Queue(maxsize)
        self._turns = deque([self._live, self._behind])
        self._filled = asyncio.Semaphore(0)
        self._last: dict[str, tuple[bool, asyncio.Future[Position]]] = {}

    async def put_page(self, item: Write[Any], source: str, *, behind: bool) -> None:
        """Put a source's page into a lane; the source stays in its lane until that has its pages."""
        lane, done = self._last.get(source, (behind, item.done))
        behind = behind if done.done() else lane
        self._last[source] = (behind, item.done)
        await self.put(item, behind=behind)

    async def put(self, item: Write[Any], *, behind: bool = True) -> None:
        """Put into a lane; `behind`: more of the same is waiting."""
        await (self._behind if behind else self._live).put(item)
        self._filled.release()

    async def drained(self) -> None:
        """Wait until all that was put before is written."""
        for behind in (False, True):
            done = asyncio.get_running_loop().create_future()
            await self.put(Write(_nothing, done), behind=behind)
            await done

    async def get(self) -> Write[Any]:
        """The next one, of the lane whose turn it is, else of the other."""
        await self._filled.acquire()
        self._turns.rotate()
        lane = self._turns[0] if not self._turns[0].empty() else self._turns[1]
        return lane.get_nowait()


async def hand_over(pages: WriteQueue, write: Callable[[], T]) -> T:
    """Have something written among what is behind, and wait for it."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    await pages.put(Write(write, done))
    return await done


def _nothing() -> Position:
    """Written last: when it is its turn, all before it is written."""
    return Position(source="", cursor="")
