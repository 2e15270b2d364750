"""Requests and our own errors, a row per minute: what `slo report` knows of the API's past.

Each process adds what it answered to the minute's row, so that any number of them make one history. At
most the last minute of a process that dies is missing. Questions whose answer may well be 503
(readiness) are not counted.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from sqlalchemy import BigInteger, Column, Connection, Table, delete, func, select, update

from api.regularly import regularly
from notifier.objectives import Tally
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError
from store.schema import metadata

log = structlog.get_logger()

TALLY_NOT_WRITTEN: Final = "request_tally_not_written"
UNCOUNTED: Final = frozenset({"/livez", "/readyz", "/health", "/metrics"})
KEEP_DAYS: Final = 92
_MINUTE: Final = 60_000_000
_FIRST_ERROR: Final = 500
_FIRST_REFUSAL: Final = 400
HISTORIES: Final = frozenset(
    f"/v1/streams/{{contract_id}}/{{stream_id}}/{what}" for what in ("pauses", "timeline")
)
_WRITE_SECONDS: Final = 15.0

# `minute`: unix time in minutes. `errors`: of the requests, those that ended with 5xx. `history_views`:
# those that were answered with a stream's pauses or timeline.
request_minute = Table(
    "request_minute",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("history_views", BigInteger, nullable=False, server_default="0"),
)


class RequestTally:
    """What this process has answered and not yet written; on the loop that serves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[int, list[int]] = {}

    def note(self, route: str, status: int) -> None:
        """Count one answer."""
        if route in UNCOUNTED:
            return
        counts = self._open.setdefault(now_micros() // _MINUTE, [0, 0, 0])
        counts[0] += 1
        counts[1] += status >= _FIRST_ERROR
        counts[2] += route in HISTORIES and status < _FIRST_REFUSAL

    async def write(self) -> None:
        """Add what is counted to the database; what cannot be written is kept for the next time."""
        taken, self._open = self._open, {}
        if not taken:
            return
        try:
            await asyncio.to_thread(self._add, taken)
        except StoreError as error:
            log.warning(TALLY_NOT_WRITTEN, reason=type(error).__name__)
            for minute, kept in taken.items():
                again = self._open.get(minute, [0, 0, 0])
                self._open[minute] = [a + b for a, b in zip(again, kept, strict=True)]

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Write now and then while the application serves, and once more at its end."""
        return regularly(self.write, _WRITE_SECONDS)

    def _add(self, taken: dict[int, list[int]]) -> None:
        rows = [(minute, 0, 0) for minute in sorted(taken)]
        oldest = now_micros() // _MINUTE - KEEP_DAYS * 24 * 60
        table = request_minute
        with self._database.begin() as conn:
            insert_many(conn, table, ("minute", "requests", "errors"), rows, on_conflict="nothing")
            for minute, (requests, errors, views) in sorted(taken.items()):
                conn.execute(
                    update(table)
                    .where(table.c.minute == minute)
                    .values(
                        requests=table.c.requests + requests,
                        errors=table.c.errors + errors,
                        history_views=table.c.history_views + views,
                    )
                )
            conn.execute(delete(table).where(table.c.minute < oldest))


def answered(conn: Connection, since: int) -> Tally:
    """Requests since then, by every process. `since`: microseconds."""
    row = conn.execute(
        select(
            func.coalesce(func.sum(request_minute.c.requests), 0),
            func.coalesce(func.sum(request_minute.c.errors), 0),
        ).where(request_minute.c.minute >= since // _MINUTE)
    ).one()
    requests, errors = int(row[0]), int(row[1])
    return Tally(requests - errors, {"5xx": errors})


def history_views(conn: Connection, since: int) -> int:
    """How often a history was looked at since then, by every process. `since`: microseconds."""
    views = func.coalesce(func.sum(request_minute.c.history_views), 0)
    return int(conn.scalar(select(views).where(request_minute.c.minute >= since // _MINUTE)) or 0)
