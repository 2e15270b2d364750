"""8d Backlog: planning that is too much for one transaction, worked off in bounded steps.

In: fan-outs and finished jobs that plan.py put down. Out: what 8a and 8c write. Next: 9 relay.py.
Any number of processes may run one: a step locks the rows it takes.
"""

import threading

from notifier import fanout, late_news
from notifier.notices import NoticeWriter
from notifier.running import run_until
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.wake import BACKLOG, OUTBOX


class Backlog:
    """Works fan-outs and job revisions off, oldest first."""

    def __init__(self, database: Database, writer: NoticeWriter, *, poll_seconds: float) -> None:
        self._database = database
        self._writer = writer
        self._poll_seconds = poll_seconds

    def step(self) -> int:
        """Take one step; returns 0 when nothing waits."""
        with self._database.begin() as conn:
            now = now_micros()
            worked = fanout.take_step(conn, self._writer, now) or late_news.take_step(
                conn, self._writer, now
            )
            if worked:
                self._database.bell.ring(conn, OUTBOX)
                reached("in_plan")
        return int(worked)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        run_until(
            stop,
            self.step,
            pause=lambda: self._database.bell.wait(BACKLOG, self._poll_seconds),
            role="backlog",
        )
