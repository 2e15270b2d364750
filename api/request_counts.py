"""How much each caller asked lately, counted together by all API processes.

Each process counts by itself and tells the others once a second through one table, so that a request
never waits for the database. The limit is exact for one process, and exceeded by at most a second's
requests per further process. Where the database is away each process goes on by itself.

The window slides: of the minute before, the share that still lies within the last sixty seconds counts.
"""

import asyncio
import time
from collections import Counter as Counts
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import structlog
from sqlalchemy import BigInteger, Column, Integer, Table, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from store.engine import SQLITE, Database
from store.errors import StoreError
from store.schema import key_text, metadata

log = structlog.get_logger()

COUNTS_NOT_SHARED: Final = "request_counts_not_shared"
WINDOW_SECONDS: Final = 60
_SHARE_SECONDS: Final = 1.0
_AT_ONCE: Final = 200

# `subject`: a key's or session's id, or a keyed hash of an address. `minute`: unix seconds / 60.
request_count = Table(
    "request_count",
    metadata,
    Column("subject", key_text(), primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("requests", Integer, nullable=False),
)

Cell = tuple[str, int]


class Taken(NamedTuple):
    """Whether a request may pass, and what is left. `reset_seconds`: until more is."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class RequestCounts:
    """The counts of one process; used on its event loop only."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[Cell, int] = {}
        self._own: Counts[Cell] = Counts()
        self._sharing: asyncio.Task[None] | None = None

    def take(self, subject: str, limit: int) -> Taken:
        """Count a request of a subject, unless it has had its share."""
        now = self._clock()
        minute, into = divmod(now, WINDOW_SECONDS)
        before = self._count((subject, int(minute) - 1)) * (1 - into / WINDOW_SECONDS)
        had = self._count((subject, int(minute))) + before
        reset = max(1, int(WINDOW_SECONDS - into))
        if had + 1 > limit:
            return Taken(allowed=False, limit=limit, remaining=0, reset_seconds=reset)
        self._own[subject, int(minute)] += 1
        if self._sharing is None or self._sharing.done():
            self._sharing = asyncio.get_running_loop().create_task(self._share_while_asked())
        return Taken(True, limit, max(0, int(limit - had - 1)), reset)

    async def close(self) -> None:
        """Tell no more."""
        if self._sharing is not None:
            self._sharing.cancel()
            await asyncio.gather(self._sharing, return_exceptions=True)

    async def share(self) -> None:
        """Tell what was counted, and learn what others counted of the same subjects."""
        minute = int(self._clock() // WINDOW_SECONDS)
        told, self._own = self._own, Counts()
        if not told:
            return
        for cell, count in told.items():  # counted here until the others' are known too
            self._known[cell] = self._known.get(cell, 0) + count
        try:
            totals = await asyncio.to_thread(_exchange, self._database, told, minute)
        except StoreError as error:
            self._own.update(told)
            for cell, count in told.items():
                self._known[cell] -= count
            log.warning(COUNTS_NOT_SHARED, reason=type(error).__name__)
            return
        self._known.update(totals)
        self._known = {cell: n for cell, n in self._known.items() if cell[1] >= minute - 1}

    async def _share_while_asked(self) -> None:
        while self._own:
            await asyncio.sleep(_SHARE_SECONDS)
            await self.share()

    def _count(self, cell: Cell) -> int:
        return self._known.get(cell, 0) + self._own[cell]


def _exchange(database: Database, told: Mapping[Cell, int], minute: int) -> dict[Cell, int]:
    """Add to the table what was counted; returns the table's totals, also of the minute before."""
    dialect = sqlite if database.dialect == SQLITE else postgresql
    subjects = {subject for subject, _ in told}
    cells = [(subject, each) for subject in sorted(subjects) for each in (minute - 1, minute)]
    totals: dict[Cell, int] = {}
    with database.begin() as conn:
        rows = [
            {"subject": subject, "minute": each, "requests": count}
            for (subject, each), count in sorted(told.items())  # one order: no deadlock
        ]
        add = dialect.insert(request_count)
        added = request_count.c.requests + add.excluded.requests
        conn.execute(
            add.on_conflict_do_update(
                index_elements=["subject", "minute"], set_={"requests": added}
            ),
            rows,
        )
        conn.execute(delete(request_count).where(request_count.c.minute < minute - 1))
        for start in range(0, len(cells), _AT_ONCE):
            place = tuple_(request_count.c.subject, request_count.c.minute)
            some = select(request_count).where(place.in_(cells[start : start + _AT_ONCE]))
            totals |= {(row.subject, row.minute): row.requests for row in conn.execute(some)}
    return totals
