"""What waits to be written, in two lanes: sources at the newest ledger, and those that catch up.

The record loop takes from both in turn, so that a source with a thousand pages behind it holds a live page
up by one transaction at most. Within a lane: first come, first served.

Pages that wait share a transaction where they may (slices.py). Nobody waits for company: what is there is
taken, and goes no further than the first thing that may not join, so that the order stays.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ingest.slices import MOST_PAGES, Company, Fetched
from ingest.sources import Position

T = TypeVar("T")


@dataclass(frozen=True)
class Write(Generic[T]):
    """One thing for the recording thread to write, and who may wait for what comes of it.

    `fetched`: the page that `write` records, where it may share a transaction with others.
    """

    write: Callable[[], T]
    done: "asyncio.Future[T]"
    fetched: Fetched | None = None

    @property
    def events(self) -> int:
        """How many events it brings."""
        return 0 if self.fetched is None else len(self.fetched.page.events)


class _Lane:
    """Full with `maxsize` things; with more while they are pages so small that they fit together."""

    def __init__(self, maxsize: int, slice_events: int) -> None:
        self.waiting: deque[Write[Any]] = deque()
        self._maxsize = maxsize
        self._slice_events = slice_events

    def has_room(self) -> bool:
        waiting = self.waiting
        if len(waiting) < self._maxsize:
            return True
        return len(waiting) < MOST_PAGES and sum(e.events for e in waiting) < self._slice_events


class WriteQueue:
    """Bounded: who puts into a full lane waits. `slice_events`: most that one transaction takes."""

    def __init__(self, maxsize: int, slice_events: int = 1) -> None:
        self._live = _Lane(maxsize, slice_events)
        self._behind = _Lane(maxsize, slice_events)
        self._turns = deque([self._live, self._behind])
        self._slice_events = slice_events
        self._changed = asyncio.Condition()
        self._last: dict[str, tuple[bool, asyncio.Future[Position]]] = {}

    async def put_page(self, item: Write[Any], source: str, *, behind: bool) -> None:
        """Put a source's page into a lane; the source stays in its lane until that has its pages."""
        lane, done = self._last.get(source, (behind, item.done))
        behind = behind if done.done() else lane
        self._last[source] = (behind, item.done)
        await self.put(item, behind=behind)

    async def put(self, item: Write[Any], *, behind: bool = True) -> None:
        """Put into a lane; `behind`: more of the same is waiting."""
        lane = self._behind if behind else self._live
        async with self._changed:
            await self._changed.wait_for(lane.has_room)
            lane.waiting.append(item)
            self._changed.notify_all()

    async def drained(self) -> None:
        """Wait until all that was put before is written."""
        for behind in (False, True):
            done = asyncio.get_running_loop().create_future()
            await self.put(Write(_nothing, done), behind=behind)
            await done

    async def get(self) -> list[Write[Any]]:
        """The next one, of the lane whose turn it is, else of the other; and the pages that go with it."""
        async with self._changed:
            await self._changed.wait_for(lambda: any(lane.waiting for lane in self._turns))
            group = [self._take()]
            company = group[0].fetched and Company(group[0].fetched, self._slice_events)
            while company and self._joins(company):
                group.append(self._take())
            self._changed.notify_all()
        return group

    def _take(self) -> Write[Any]:
        self._turns.rotate()
        lane = self._turns[0] if self._turns[0].waiting else self._turns[1]
        return lane.waiting.popleft()

    def _joins(self, company: Company) -> bool:
        """Whether what is next goes into one transaction with what was taken."""
        lane = self._turns[1] if self._turns[1].waiting else self._turns[0]
        item = lane.waiting[0] if lane.waiting else None
        return item is not None and item.fetched is not None and company.takes(item.fetched)


async def hand_over(pages: WriteQueue, write: Callable[[], T]) -> T:
    """Have something written among what is behind, and wait for it."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    await pages.put(Write(write, done))
    return await done


def _nothing() -> Position:
    """Written last: when it is its turn, all before it is written."""
    return Position(source="", cursor="")
