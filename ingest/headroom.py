"""Retention: how long until the ledger that a cursor needs next leaves the RPC's window.

In: each live page that was recorded. Out: one row of `retention` per live source, and a warning well
before the ledger leaves. Next: the API's metrics; gaps.py records what did leave.

Stored is the moment, not the distance, so that it comes nearer while nobody fetches. It takes the node to
drop a ledger for each one that closes: exact once its window is full, too early (never too late) before.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from sqlalchemy import BigInteger, Column, Connection, Select, Table, func, select

from ingest.cursors import needed_ledger
from ingest.decode import Page
from ingest.jobs import JOB_PREFIX
from ingest.record import Recorded
from store.bulk import upsert_many
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient
from store.schema import ingest_source, key_text, metadata

_LOG = structlog.get_logger()
_MICROS: Final = 1_000_000
_SECONDS_PER_LEDGER: Final = 5.0  # the public network's, where a node has one ledger only
_STORE_EVERY_MICROS: Final = 10 * _MICROS
_LOOK_EVERY_SECONDS: Final = 60.0

# Ledgers as the last stored page had them. `leaves_at`: when `needed_ledger` leaves the window.
retention = Table(
    "retention",
    metadata,
    Column("source", key_text(), primary_key=True),
    Column("oldest_ledger", BigInteger, nullable=False),
    Column("latest_ledger", BigInteger, nullable=False),
    Column("needed_ledger", BigInteger, nullable=False),
    Column("leaves_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
_COLUMNS: Final = tuple(column.name for column in retention.columns)


def headroom_seconds(conn: Connection, now: int) -> float | None:
    """Until the first followed cursor falls out, 0 when it may have; None before the first page.

    `now`: microseconds.
    """
    leaves_at = conn.scalar(_of_followed(func.min(retention.c.leaves_at)))
    return None if leaves_at is None else max(0.0, (leaves_at - now) / _MICROS)


def leaves_at(page: Page) -> int:
    """When the next ledger behind a page leaves the node's window, microseconds."""
    ledgers = page.latest_ledger - page.oldest_ledger
    seconds = page.latest_closed_at - page.oldest_closed_at
    pace = seconds / ledgers if ledgers > 0 and seconds > 0 else _SECONDS_PER_LEDGER
    left = needed_ledger(page.cursor) - page.oldest_ledger
    return page.seen_at + int(left * pace * _MICROS)


class RetentionGuard:
    """Keeps the rows, and warns while there is time."""

    def __init__(
        self,
        database: Database,
        *,
        warning_seconds: float,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._warning_seconds = warning_seconds
        self._clock = clock
        self._stored_at: dict[str, int] = {}

    def saw(self, page: Page, recorded: Recorded) -> None:
        """Take a recorded page in; a source's row is written every ten seconds at most.

        Jobs do not count: one that comes too late says so itself. A row that cannot be written now is
        written with a later page: the page itself is recorded already.
        """
        source = recorded.position.source
        now = self._clock()
        stored_at = self._stored_at.get(source)
        if source.startswith(JOB_PREFIX):
            return
        if stored_at is not None and now < stored_at + _STORE_EVERY_MICROS:
            return
        needed = needed_ledger(page.cursor)
        row = (
            source,
            page.oldest_ledger,
            page.latest_ledger,
            needed,
            leaves_at(page),
            page.seen_at,
        )
        try:
            with self._database.begin(durable=False) as conn:
                upsert_many(conn, retention, ("source",), _COLUMNS, [row])
        except Transient as trouble:
            _LOG.info("headroom_not_stored", source=source, reason=type(trouble).__name__)
            return
        self._stored_at[source] = now

    def run(self, stop: threading.Event) -> None:
        """Look every minute until told to stop."""
        while not stop.wait(_LOOK_EVERY_SECONDS):
            try:
                self.warn()
            except Transient as trouble:
                _LOG.info("headroom_not_read", reason=type(trouble).__name__)

    def warn(self) -> None:
        """Say which sources may lose ledgers soon.

        One that was at the newest ledger just now is well, however short the node's window is.
        """
        now = self._clock()
        with self._database.read() as conn:
            rows = conn.execute(_of_followed(*retention.columns)).all()
        for row in rows:
            seconds = (row.leaves_at - now) / _MICROS
            caught_up = row.needed_ledger > row.latest_ledger
            seen_lately = now - row.seen_at < 2 * _LOOK_EVERY_SECONDS * _MICROS
            if seconds < self._warning_seconds and not (caught_up and seen_lately):
                _LOG.warning(
                    "retention_running_out",
                    source=row.source,
                    needed_ledger=row.needed_ledger,
                    oldest_ledger=row.oldest_ledger,
                    headroom_seconds=round(max(0.0, seconds)),
                )


def _of_followed(*columns: Any) -> Select[Any]:
    """Of sources that have contracts still; rows of former ones stay and mean nothing."""
    return select(*columns).where(retention.c.source.in_(select(ingest_source.c.source)))
