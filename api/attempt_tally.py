"""A running count of how attempts ended, read on from where the last look ended.

An attempt is counted ten seconds after its end: by then its transaction is committed, so none is
passed over. What ended before the first look is: a process that starts anew would seem to see it grow.
Attempts have no index by time; deliveries have, so a look goes through the newest of
these (100,000 take 0.13 s on SQLite), which leaves out only late retries of a very busy deployment.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from notifier.schema import attempt, delivery
from notifier.states import CANARY

COMMITTED_MICROS: Final = 10 * 1_000_000
MOST_DELIVERIES: Final = 100_000
LOOK_BACK_MICROS: Final = 48 * 3600 * 1_000_000  # twice the longest time that an alert stays fresh

_newest = (
    select(delivery.c.delivery_id, delivery.c.channel)
    .where(delivery.c.planned_at > bindparam("planned_after"), delivery.c.endpoint != CANARY)
    .order_by(delivery.c.planned_at.desc())
    .limit(MOST_DELIVERIES)
    .subquery()
)
_ENDED: Final = (
    select(_newest.c.channel, attempt.c.provider, attempt.c.result, func.count())
    .join_from(_newest, attempt, attempt.c.delivery_id == _newest.c.delivery_id)
    .where(attempt.c.ended_at > bindparam("after"), attempt.c.ended_at <= bindparam("up_to"))
    .group_by(_newest.c.channel, attempt.c.provider, attempt.c.result)
)


class AttemptTally:
    """Counts per process; safe to be advanced from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted_to: int | None = None
        self._results: Counter[tuple[str, str, str]] = Counter()

    @property
    def results(self) -> Mapping[tuple[str, str, str], int]:
        """Attempts by (channel, provider, result)."""
        return self._results

    def advance(self, conn: Connection, now: int) -> None:
        """Count what ended since the last look. `now`: microseconds."""
        with self._lock:
            up_to = now - COMMITTED_MICROS
            after = up_to if self._counted_to is None else self._counted_to
            window = {"after": after, "up_to": up_to, "planned_after": now - LOOK_BACK_MICROS}
            for channel, provider, result, count in conn.execute(_ENDED, window):
                self._results[channel, provider, result] += count
            self._counted_to = max(after, up_to)
