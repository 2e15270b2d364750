"""Step 1. Follow the chain: fetch pages from the saved cursor, back off in bad weather, never skip.

In: the sources and their positions in the database.
Out: pages, in order, handed to record.py.
Next: ingest/rpc.py fetches, ingest/decode.py reads, ingest/record.py writes.

One process leads (lease); the others stand by. The leader fetches all sources concurrently, one page
ahead of what is being recorded; one loop records. The next position is always the cursor that the RPC
returned with a page, never anything derived from `latestLedger`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog

from ingest import errors
from ingest.actors.seek import ActorSeeker
from ingest.backoff import Backoff
from ingest.ending import end
from ingest.fetch import Asking, Fetcher
from ingest.follow_options import FollowOptions
from ingest.job_runner import JobRunner
from ingest.ladder import PageSource, Past
from ingest.pace import Pace
from ingest.patience import wait_out
from ingest.record_loop import RecordLoop
from ingest.roster import Roster
from ingest.rpc import EventSource
from ingest.sight import Sight
from ingest.sources import Source, arrange
from ingest.write_queue import WriteQueue
from ingest.writers import Writers
from store.clock import now_micros
from store.engine import Database
from store.errors import FenceLost, LeaseLost, Transient
from store.lease import Lease

_LOG = structlog.get_logger()
_PAGES_AHEAD = 2


class LiveFollow:
    """The index role: stand by, lead, fetch, record."""

    def __init__(  # noqa: PLR0913 # all that a leader does is handed to it
        self,
        database: Database,
        *,
        rpc: EventSource,
        writers: Writers,
        lease: Lease,
        options: FollowOptions,
        history: PageSource | None = None,
        whole_ledgers: PageSource | None = None,
        actors: ActorSeeker,
        beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        """`history`: where jobs read past ledgers, default `rpc`; `whole_ledgers`: what confirms them.

        `beside`: runs while this one leads.
        """
        self._past = Past(history or rpc, whole_ledgers or history or rpc)
        self._database = database
        self._actors = actors
        self._rpc = rpc
        self._writers = writers
        self._lease = lease
        self._options = options
        self._beside = beside

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until stopped; returns with the lease released. Raises IngestError Permanent."""
        with ThreadPoolExecutor(1, thread_name_prefix="record") as recording:
            while not stop.is_set():
                if await asyncio.to_thread(self._acquire) is None:
                    await _pause(stop, self._options.lease_seconds / 3)
                    continue
                _LOG.info("leadership_taken", epoch=self._lease.epoch)
                try:
                    await self._lead(stop, recording)
                except (LeaseLost, FenceLost, errors.CursorMoved) as lost:
                    _LOG.warning("leadership_lost", reason=str(lost))
                except errors.SightLost as blind:
                    _LOG.warning("leadership_yielded", reason=str(blind))
                    await asyncio.to_thread(self._release)
                    await _pause(stop, self._options.lease_seconds)
        await asyncio.to_thread(self._release)

    def _acquire(self) -> int | None:
        try:
            return self._lease.acquire()
        except Transient as trouble:
            _LOG.warning("lease_unreachable", reason=str(trouble))
            return None

    def _release(self) -> None:
        try:
            self._lease.release()
        except Transient as trouble:  # it runs out by itself
            _LOG.warning("lease_unreachable", reason=str(trouble))

    async def _lead(self, stop: asyncio.Event, recording: ThreadPoolExecutor) -> None:
        """Fetch and record until stopped or until somebody else leads."""
        work = [
            asyncio.create_task(each) for each in self._work(await self._oldest(stop), recording)
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end([*work, stopping])
            await asyncio.get_running_loop().run_in_executor(recording, _nothing)
            self._writers.recorder.forget()
        for task in done:
            task.result()

    def _work(self, oldest: int, recording: ThreadPoolExecutor) -> list[Coroutine[Any, Any, None]]:
        """Everything that a leader does at once, for ever."""
        options = self._options
        recorder = self._writers.recorder
        pages = WriteQueue(_PAGES_AHEAD, recorder.slice_events)
        loop = RecordLoop(recorder, self._lease, recording, self._actors.wake)
        sight = Sight(options.yield_seconds)
        pace = Pace(poll_seconds=options.poll_seconds, requests=options.requests)
        fetcher = Fetcher(
            self._database,
            rpc=self._rpc,
            writers=self._writers,
            lease=self._lease,
            asking=Asking(pace=pace, sight=sight, page_limit=options.page_limit),
        )
        jobs = JobRunner(
            self._database,
            past=self._past,
            writers=self._writers,
            lease=self._lease,
            pace=pace,
            page_limit=options.page_limit,
        )
        roster = Roster(
            fetcher,
            wanted=self._wanted,
            arrange=partial(self._arrange, oldest),
            poll_seconds=options.poll_seconds,
        )
        return [
            loop.run(pages),
            self._keep_lease(),
            jobs.run(pages),
            jobs.heal(pages),
            self._actors.run(pages),
            *(companion() for companion in self._beside),
            roster.run(pages),
            sight.watch(),
        ]

    async def _oldest(self, stop: asyncio.Event) -> int:
        """Check the network; the oldest ledger that is safe to ask for."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                await self._rpc.check_network(self._options.passphrase)
                health = await self._rpc.health()
            except errors.Transient as trouble:
                await wait_out(trouble, backoff)
            else:
                # A trim between this answer and the first page must not look like a gap.
                oldest = health.oldest_ledger + self._options.margin_ledgers
                return min(oldest, health.latest_ledger)
        return 0

    async def _wanted(self) -> Mapping[str, int | None]:
        """The contracts to follow now: those of the settings, and those added since."""
        backoff = Backoff()
        while True:
            try:
                return await asyncio.to_thread(self._read_wanted)
            except Transient as trouble:
                await wait_out(trouble, backoff)

    def _read_wanted(self) -> Mapping[str, int | None]:
        with self._database.read() as conn:
            return {**self._options.added(conn), **self._options.start_ledgers}

    async def _arrange(self, oldest_ledger: int, wanted: Mapping[str, int | None]) -> list[Source]:
        backoff = Backoff()
        while True:
            try:
                return await asyncio.to_thread(self._store_sources, oldest_ledger, wanted)
            except Transient as trouble:
                await wait_out(trouble, backoff)

    def _store_sources(self, oldest_ledger: int, wanted: Mapping[str, int | None]) -> list[Source]:
        """Bring the stored sources in line. A start that is not given is the oldest safe one."""
        starts: dict[str, int] = {}
        for contract_id, start in wanted.items():
            if start is None:
                _LOG.info("start_ledger_defaulted", contract_id=contract_id, ledger=oldest_ledger)
            starts[contract_id] = oldest_ledger if start is None else start
        with self._database.begin() as conn:
            self._lease.renew(conn)
            return arrange(conn, starts, now_micros())

    async def _keep_lease(self) -> None:
        """Renew every third of the lease's time; T1 renews it too."""
        backoff = Backoff()
        while True:
            await asyncio.sleep(self._options.lease_seconds / 3)
            try:
                await asyncio.to_thread(self._renew)
                backoff.reset()
            except Transient as trouble:
                await wait_out(trouble, backoff)

    def _renew(self) -> None:
        with self._database.begin(durable=False) as conn:
            self._lease.renew(conn)


def _nothing() -> None:
    """Run on the recording thread: when it has run, nothing is being recorded any more."""


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but wake when stopped."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
