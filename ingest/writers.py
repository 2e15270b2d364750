"""Who writes what was fetched, for one leadership: all on the recording thread, all under its fence."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ingest.gaps import GapRecorder
from ingest.healing import Healer
from ingest.job_closer import JobCloser
from ingest.jobs import Job
from ingest.record import Recorder
from ingest.reprocess import Reprocessor
from store.lease import Lease


class JobWorker(Protocol):
    """Works off jobs that are no scans of ledgers."""

    async def work(
        self, job: Job, lease: Lease, write: Callable[[Callable[[], object]], Awaitable[None]]
    ) -> None:
        """Until the job is closed. `write`: has something done on the recording thread, and waits."""
        ...


@dataclass(frozen=True, kw_only=True)
class Writers:
    """Who writes what was fetched.

    `workers`: by the kinds of jobs that are no scans. `before_jobs`: asks for jobs that are due.
    `healer`: None where gaps wait for a person.
    """

    recorder: Recorder
    gaps: GapRecorder
    jobs: JobCloser
    reprocessor: Reprocessor
    workers: Mapping[str, JobWorker] = field(default_factory=dict)
    before_jobs: Callable[[Lease], None] = lambda _: None
    healer: Healer | None = None
