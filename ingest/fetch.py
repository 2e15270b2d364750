"""Step 1a. Fetch: pages of live sources, handed over to be written in the order they came.

In: positions in the database. Out: things to write, on the queue of the record loop.
Next: record.py and gaps.py write them on the recording thread (follow.py).

The next position is always the cursor that the RPC returned with a page, never anything derived from
`latestLedger`; in bad weather it stays where it is.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from ingest import errors
from ingest.backoff import Backoff
from ingest.cursors import needed_ledger
from ingest.decode import Page
from ingest.pace import Pace
from ingest.patience import read_patiently, wait_out
from ingest.rpc import EventSource, caught_up
from ingest.sight import Sight
from ingest.slices import Fetched
from ingest.sources import Position, Source, position
from ingest.write_queue import Write, WriteQueue, hand_over
from ingest.writers import Writers
from store.engine import Database
from store.killpoint import reached
from store.lease import Lease


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How pages are asked for: when, whether anybody answers, and how many events at most."""

    pace: Pace
    sight: Sight
    page_limit: int


class Fetcher:
    """Fetches for one leadership; every write carries its lease's fence."""

    def __init__(
        self,
        database: Database,
        *,
        rpc: EventSource,
        writers: Writers,
        lease: Lease,
        asking: Asking,
    ) -> None:
        self._database = database
        self._rpc = rpc
        self._writers = writers
        self._lease = lease
        self._pace = asking.pace
        self._sight = asking.sight
        self._page_limit = asking.page_limit

    async def follow(self, source: Source, pages: WriteQueue, place: float = 0.0) -> None:
        """Fetch the pages of one source for ever, one ahead of the recording.

        `place`: from 0 to 1, where in a poll's time it asks, so that many sources do not ask at once.
        """
        here = await read_patiently(self._database, partial(position, source=source.name))
        behind = True
        while True:
            try:
                page = await self._next(source, here, pages, behind=behind)
            except errors.RetentionGap as gap:
                here = await hand_over(
                    pages,
                    partial(self._writers.gaps.open_gap, source, here, gap, self._lease),
                )
                continue
            went_on = page.cursor != here.cursor
            here = Position(source=source.name, cursor=page.cursor)
            behind = went_on and not caught_up(page, self._page_limit)
            self._pace.saw(page.latest_ledger)
            if not behind:
                await self._pace.until_due(source.name, needed_ledger(page.cursor), place)

    async def _next(
        self, source: Source, here: Position, pages: WriteQueue, *, behind: bool
    ) -> Page:
        """The page behind a position, handed over if it goes on. Raises RetentionGap.

        Whoever met trouble asks among those that are behind: it may take long again.
        """
        backoff = Backoff()
        while True:
            try:
                async with self._pace.turn(behind=behind):
                    page = await self._fetch(source, here)
                    if page.cursor != here.cursor:
                        done = asyncio.get_running_loop().create_future()
                        fetched = Fetched(page=page, source=source, position=here)
                        item = Write(partial(self._record, fetched), done, fetched)
                        await pages.put_page(item, source.name, behind=behind)
                    return page
            except errors.Transient as trouble:
                behind = True
                await wait_out(trouble, backoff)

    async def _fetch(self, source: Source, here: Position) -> Page:
        self._sight.asks()
        try:
            page = await self._rpc.fetch_page(
                contracts=source.contract_ids,
                cursor=here.cursor,
                start_ledger=None,
                limit=self._page_limit,
            )
        except errors.RetentionGap:
            self._sight.sees()
            raise
        self._sight.sees()
        reached("after_fetch")
        return page

    def _record(self, fetched: Fetched) -> Position:
        return self._writers.recorder.record(
            fetched.page, source=fetched.source, position=fetched.position, lease=self._lease
        ).position
