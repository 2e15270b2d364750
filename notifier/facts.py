"""13 Notice facts: what happened to notices, gathered beside the rows and appended to the log in batches.

In: facts written to the outbox by whoever moved a row (T3, T4). Out: recorded events (T5).
Twice: a batch is appended and taken off the outbox in one transaction, so nothing is appended twice.

Appending each result by itself would queue every worker on the log's head row: 460 results a second
beside a busy ingest, against 3,100 in batches.
"""

import threading
from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from sqlalchemy import Connection, delete, func, select, update

from domain.chain_order import DomainEvent
from notifier.running import run_until
from store import log
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.mapper import encode
from store.schema import log_head, notice_fact_outbox, notice_facts, recorded_event

BATCH = 1000
# Versions are given when the fact is appended, under the head's lock.
NOT_YET = 0
_ROW = 1  # id of the one row whose lock makes its holder the one who appends
_COLUMNS = ("notice_id", "topic", "fact", "created_at")

FACTS_APPENDED = "notice_facts_appended"


def remember(conn: Connection, events: Sequence[DomainEvent], now: int) -> None:
    """Put facts on the outbox, in the transaction of the change they tell of."""
    if events:
        rows = [(event.originator_id, *encode(event), now) for event in events]
        insert_many(conn, notice_fact_outbox, _COLUMNS, rows, on_conflict="error")


class FactsAppender:
    """Appends what waits on the outbox; any number of processes may run one, one at a time appends."""

    def __init__(self, database: Database, *, poll_seconds: float) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._log = structlog.get_logger()

    def step(self) -> int:
        """Append one batch; returns its size, 0 when nothing waits or another process is at it."""
        with self._database.begin() as conn:
            if not self._lock(conn):
                return 0
            waiting = conn.execute(
                select(notice_fact_outbox).order_by(notice_fact_outbox.c.id).limit(BATCH)
            ).all()
            if not waiting:
                return 0
            # Versions are read under the head's lock, or a rival append could take the same ones.
            conn.execute(select(log_head.c.position).with_for_update())
            last = _last_versions(conn, {row.notice_id for row in waiting})
            rows = []
            for row in waiting:
                version = last[row.notice_id] = last.get(row.notice_id, 0) + 1
                rows.append((row.notice_id, version, row.topic, row.fact))
            now = now_micros()
            log.append_rows(conn, rows, recorded_at=now)
            reached("in_facts")
            conn.execute(
                delete(notice_fact_outbox).where(
                    notice_fact_outbox.c.id.in_([row.id for row in waiting])
                )
            )
            conn.execute(update(notice_facts).values(appended_at=now))
        self._log.debug(FACTS_APPENDED, facts=len(rows))
        return len(rows)

    def run(self, stop: threading.Event) -> None:
        """Append until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="notice facts")

    def _lock(self, conn: Connection) -> bool:
        held = select(notice_facts.c.id).with_for_update(skip_locked=True)
        if conn.execute(held).first() is not None:
            return True
        # No row: the very first batch, or another process holds it. In both cases this one waits.
        insert_many(conn, notice_facts, ("id", "appended_at"), [(_ROW, 0)], on_conflict="nothing")
        return False


def _last_versions(conn: Connection, notice_ids: Iterable[UUID]) -> dict[UUID, int]:
    version = recorded_event.c.originator_version
    found = conn.execute(
        select(recorded_event.c.originator_id, func.max(version))
        .where(recorded_event.c.originator_id.in_(notice_ids))
        .group_by(recorded_event.c.originator_id)
    )
    return {row[0]: row[1] for row in found}
