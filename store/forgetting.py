"""Rows that tell of people go when their time is over: a little at a time, again and again.

In: what is kept for how long, and how some of what is older is forgotten. Out: fewer rows. Twice, or by
several processes at once: what is gone is gone. What must stay is each rule's own matter.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import ColumnElement, Table, delete, select

from store.clock import now_micros
from store.engine import Database

FORGOTTEN: Final = "forgotten"
MOST_ROWS: Final = 1_000
EVERY_SECONDS: Final = 3_600.0
_DAY_MICROS: Final = 86_400_000_000

# Forgets some of what is from before a time (microseconds), in a transaction of its own. Returns how many
# rows it went through; 0: none is left.
Forget = Callable[[Database, int], int]


class Kept(NamedTuple):
    """What is kept, for how many days (0: for ever), and how it is forgotten."""

    what: str
    days: float
    forget: Forget


class Forgetter:
    """Forgets what is over its time, rule by rule, in short transactions. `clock`: microseconds."""

    def __init__(
        self, database: Database, kept: Sequence[Kept], *, clock: Callable[[], int] = now_micros
    ) -> None:
        self._database = database
        self._kept = [each for each in kept if each.days > 0]
        self._clock = clock
        self._log = structlog.get_logger()
        self._left: list[Kept] = []
        self._counts: dict[str, int] = {}
        self._next_at = 0.0

    def step(self) -> int:
        """Forget some; returns how many rows it went through, 0: nothing is over its time for now."""
        if not self._left:
            if time.monotonic() < self._next_at:
                return 0
            self._left, self._counts = list(self._kept), {}
            self._next_at = time.monotonic() + EVERY_SECONDS
        while self._left:
            rule = self._left[0]
            before = self._clock() - int(rule.days * _DAY_MICROS)
            forgotten = rule.forget(self._database, before)
            if forgotten:
                self._counts[rule.what] = self._counts.get(rule.what, 0) + forgotten
                return forgotten
            self._left.pop(0)
        if self._counts:
            self._log.info(FORGOTTEN, **self._counts)
        return 0


def forget_rows(table: Table, at: str, *only: ColumnElement[bool]) -> Forget:
    """Deletes rows of a table with one key, by their time in column `at`; `only`: which may go."""
    (key,) = table.primary_key.columns

    def forget(database: Database, before: int) -> int:
        old = (
            select(key)
            .where(table.c[at] < before, *only)
            .limit(MOST_ROWS)
            .with_for_update(skip_locked=True)
        )
        with database.begin() as conn:
            return conn.execute(delete(table).where(key.in_(old))).rowcount

    return forget
