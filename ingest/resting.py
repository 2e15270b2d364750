"""Jobs that wait for better weather: until then others come first, and nothing is written down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.backoff import Backoff
from ingest.errors import Transient
from ingest.jobs import Job

_LONGEST_SECONDS: Final = 60.0


@dataclass
class _Rest:
    backoff: Backoff = field(default_factory=Backoff)
    until: float = 0.0


class Rests:
    """Who rests, by job. A restart forgets it: every job is then tried at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests: dict[str, _Rest] = {}

    def first_due(self, jobs: Sequence[Job]) -> Job | None:
        """The first job that does not rest. What is known of jobs that are not listed is dropped."""
        here = {job.id for job in jobs}
        self._rests = {job: rest for job, rest in self._rests.items() if job in here}
        now = self._clock()
        for job in jobs:
            rest = self._rests.get(job.id)
            if rest is None or rest.until <= now:
                return job
        return None

    def rest(self, job: Job, trouble: Transient | None, *, least: float) -> float:
        """Let a job rest, longer each time it brings nothing; for how many seconds.

        `trouble`: what stood in the way, if anything did; it may say how long to wait.
        """
        rest = self._rests.setdefault(job.id, _Rest())
        asked = None if trouble is None else trouble.retry_after
        wait = min(max(rest.backoff.next(asked), least), _LONGEST_SECONDS)
        rest.until = self._clock() + wait
        return wait

    def went_on(self, job: Job) -> None:
        """The job got a page: bad weather is over."""
        self._rests.pop(job.id, None)
