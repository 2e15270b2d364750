"""Step 1b. Jobs: ranges to be scanned or read again, worked off by the leader between live pages.

In: rows of `ingest_job`. Out: the same pages as live following, written in the same way.
Next: record.py writes pages, job_closer.py what a job has filled; healing.py asks for more.

A scan's page comes from whichever source has it (ladder.py). While none has, the job rests, and the others
do not wait for it.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from ingest import errors
from ingest.confirming import compared
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger
from ingest.decode import Page
from ingest.jobs import (
    CONFIRM,
    HEAL,
    READ_AGAIN,
    Job,
    clip,
    is_through,
    note_wait,
    request,
    unfinished,
)
from ingest.ladder import Past
from ingest.pace import Pace
from ingest.patience import patiently, read_patiently
from ingest.resting import Rests
from ingest.sources import Position, position
from ingest.write_queue import WriteQueue, hand_over
from ingest.writers import JobWorker, Writers
from store.engine import Database
from store.lease import Lease

_LOG = structlog.get_logger()
_POLLS_PER_LOOK: Final = 5  # for gaps


class JobRunner:
    """Works jobs off for one leadership; every write carries its lease's fence."""

    def __init__(  # whom to ask, how, and who writes
        self,
        database: Database,
        *,
        past: Past,
        writers: Writers,
        lease: Lease,
        pace: Pace,
        page_limit: int,
    ) -> None:
        self._database = database
        self._past = past
        self._writers = writers
        self._lease = lease
        self._pace = pace
        self._page_limit = page_limit
        self._rests = Rests()

    async def run(self, pages: WriteQueue) -> None:
        """Work jobs off between live pages, the oldest that does not rest first, a page at a time."""
        while True:
            await patiently(partial(self._writers.before_jobs, self._lease))
            job = self._rests.first_due(await read_patiently(self._database, unfinished))
            if job is None:
                await asyncio.sleep(self._pace.poll_seconds)
            elif job.kind in READ_AGAIN:
                await self._read_again(job, pages)
            elif job.kind in self._writers.workers:
                await self._work_otherwise(self._writers.workers[job.kind], job, pages)
            else:
                await self._work(job, pages)

    async def _read_again(self, job: Job, pages: WriteQueue) -> None:
        """Have stored evidence read again, a slice at a time, so that live pages come between."""
        here = await self._position(job)
        reason = self._writers.reprocessor.refusal(job)
        while reason is None and not is_through(job, here):
            step = partial(self._writers.reprocessor.step, job, here, self._lease)
            here = await hand_over(pages, step)
        await self._close(job, here, reason, pages)

    async def _work_otherwise(self, worker: JobWorker, job: Job, pages: WriteQueue) -> None:
        """Have a job worked off that scans no ledgers: its position stays."""

        async def write(act: Callable[[], object]) -> None:
            await hand_over(pages, act)

        await worker.work(job, self._lease, write)
        _LOG.info("job_ended", job=job.id, kind=job.kind)

    async def _work(self, job: Job, pages: WriteQueue) -> None:
        """Take a scan one page on. Whatever is in its way, other jobs do not wait for it."""
        here = await self._position(job)
        if is_through(job, here):
            await self._close(job, here, None, pages)
            return
        try:
            page = clip(await self._page(job, here), job.ledgers.to_ledger)
        except errors.Transient as trouble:
            await self._let_rest(job, trouble, pages)
        except errors.RangeUnavailable as gone:
            await self._give_up(job, here, gone, gone.begins_at, pages)
        except errors.RetentionGap as gone:
            await self._give_up(job, here, gone, gone.oldest_ledger, pages)
        else:
            if job.kind == CONFIRM:
                compare = partial(compared, job=job, here=here, page=page)
                page = await read_patiently(self._database, compare)
            if page.cursor == here.cursor:
                self._rests.rest(job, None, least=self._pace.poll_seconds)
                return
            await hand_over(pages, partial(self._record, job, here, page))
            self._rests.went_on(job)

    async def _give_up(
        self,
        job: Job,
        here: Position,
        gone: errors.Permanent,
        begins_at: int | None,
        pages: WriteQueue,
    ) -> None:
        """No source has the next ledger. What a source still has of a gap is filled before it goes, too."""
        await self._close(job, here, str(gone), pages)
        if job.kind != HEAL or begins_at is None:
            return
        if not needed_ledger(here.cursor) < begins_at <= job.ledgers.to_ledger:
            return

        def ask_for_the_rest() -> None:
            rest = LedgerRange(begins_at, job.ledgers.to_ledger)
            with self._database.begin() as conn:
                self._lease.renew(conn)
                request(conn, kind=HEAL, contract_id=job.contract_id, ledgers=rest)

        await hand_over(pages, ask_for_the_rest)

    async def _page(self, job: Job, here: Position) -> Page:
        """The page behind a position. Raises Transient, RangeUnavailable, RetentionGap."""
        async with self._pace.turn(behind=True):
            source = self._past.whole if job.kind == CONFIRM else self._past.told
            return await source.fetch_page(
                contracts=job.source.contract_ids,
                cursor=here.cursor,
                start_ledger=None,
                limit=self._page_limit,
            )

    async def _let_rest(self, job: Job, trouble: errors.Transient, pages: WriteQueue) -> None:
        """Let it wait for better weather, and say so where people look."""
        wait = self._rests.rest(job, trouble, least=self._pace.poll_seconds)

        def note() -> None:
            with self._database.begin(durable=False) as conn:
                note_wait(conn, job.id, str(trouble))

        await hand_over(pages, note)
        _LOG.warning("job_delayed", job=job.id, reason=str(trouble), wait_seconds=round(wait, 2))

    async def heal(self, pages: WriteQueue) -> None:
        """Have open gaps filled, for ever."""
        healer = self._writers.healer
        while healer is not None:
            await hand_over(pages, partial(healer.request_due, self._lease))
            await asyncio.sleep(self._pace.poll_seconds * _POLLS_PER_LOOK)
        await asyncio.Event().wait()

    async def _position(self, job: Job) -> Position:
        return await read_patiently(self._database, partial(position, source=job.source.name))

    def _record(self, job: Job, here: Position, page: Page) -> Position:
        return self._writers.recorder.record(
            page, source=job.source, position=here, lease=self._lease, job=job.id
        ).position

    async def _close(self, job: Job, here: Position, reason: str | None, pages: WriteQueue) -> None:
        await hand_over(pages, partial(self._writers.jobs.close, job, here, self._lease, reason))
        _LOG.info("job_ended", job=job.id, kind=job.kind, reason=reason)
