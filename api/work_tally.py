"""A running count of our own work, done or ended by a defect, read on from where the last look ended.

As attempts are (attempt_tally.py): what ended ten seconds ago or earlier, among the newest of two days.
`pausewire slo report` counts the same from the stored rows (notifier/outcomes.py).
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily
from sqlalchemy import Connection, bindparam, distinct, func, select

from api.attempt_tally import COMMITTED_MICROS, LOOK_BACK_MICROS, MOST_DELIVERIES
from notifier.callbacks.arrivals import DEAD, DONE
from notifier.retry import Outcome
from notifier.schema import callback, delivery, plan_parked
from notifier.states import CANARY

ATTEMPT, CALLBACK, NOTICE = "attempt", "callback", "notice"
WELL, FAILED = "done", "failed"

_newest = (
    select(callback.c.state, callback.c.processed_at)
    .where(callback.c.received_at > bindparam("since"))
    .order_by(callback.c.received_at.desc())
    .limit(MOST_DELIVERIES)
    .subquery()
)
_CALLBACKS: Final = (
    select(_newest.c.state, func.count())
    .where(
        _newest.c.processed_at > bindparam("after"),
        _newest.c.processed_at <= bindparam("up_to"),
        _newest.c.state.in_((DONE, DEAD)),
    )
    .group_by(_newest.c.state)
)
_planned = (
    select(delivery.c.notice_id)
    .where(
        delivery.c.planned_at > bindparam("since"),
        delivery.c.planned_at > bindparam("after"),
        delivery.c.planned_at <= bindparam("up_to"),
        delivery.c.endpoint != CANARY,
    )
    .order_by(delivery.c.planned_at.desc())
    .limit(MOST_DELIVERIES)
    .subquery()
)
_NOTICES: Final = select(func.count(distinct(_planned.c.notice_id)))
_PARKED: Final = (
    select(func.count())
    .select_from(plan_parked)
    .where(
        plan_parked.c.parked_at > bindparam("since"),
        plan_parked.c.parked_at > bindparam("after"),
        plan_parked.c.parked_at <= bindparam("up_to"),
    )
)


class WorkTally:
    """Counts per process; safe to be advanced from several threads.

    All series are there from the first look, at 0: the growth of a series that begins at 3 is lost, and one
    that began with the past of two days would seem to grow by all of it when a process starts anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted_to: int | None = None
        self._ended: Counter[tuple[str, str]] = Counter()
        self._attempts_before: Counter[tuple[str, str]] | None = None

    def advance(self, conn: Connection, now: int) -> None:
        """Count what ended since the last look. `now`: microseconds."""
        with self._lock:
            up_to = now - COMMITTED_MICROS
            if self._counted_to is None:
                self._counted_to = up_to
            window = {"since": now - LOOK_BACK_MICROS, "after": self._counted_to, "up_to": up_to}
            for state, count in conn.execute(_CALLBACKS, window):
                self._ended[CALLBACK, FAILED if state == DEAD else WELL] += count
            self._ended[NOTICE, WELL] += conn.scalar(_NOTICES, window) or 0
            self._ended[NOTICE, FAILED] += conn.scalar(_PARKED, window) or 0
            self._counted_to = max(self._counted_to, up_to)

    def family(self, attempts: Mapping[tuple[str, str, str], int]) -> CounterMetricFamily:
        """As Prometheus has it. `attempts`: by channel, provider and result."""
        family = CounterMetricFamily(
            "pausewire_work",
            "Attempts, callbacks and notices to be planned: done, or ended by a defect of ours.",
            labels=("kind", "result"),
        )
        with self._lock:
            tried = _tried(attempts)
            if self._attempts_before is None:
                self._attempts_before = tried
            ended = self._ended + tried - self._attempts_before
        for kind in (ATTEMPT, CALLBACK, NOTICE):
            for result in (WELL, FAILED):
                family.add_metric((kind, result), ended[kind, result])
        return family


def _tried(attempts: Mapping[tuple[str, str, str], int]) -> Counter[tuple[str, str]]:
    ended: Counter[tuple[str, str]] = Counter()
    for (_, _, result), count in attempts.items():
        ended[ATTEMPT, FAILED if result == Outcome.DEFECT.value else WELL] += count
    return ended
