"""A running histogram of how soon people were told, read on from where the last look ended.

As attempts are (attempt_tally.py): a delivery is counted ten seconds after its provider took it, among the
newest ones; what was learned late is left out.
"""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Final

from prometheus_client.metrics_core import HistogramMetricFamily
from sqlalchemy import Connection, bindparam, func, select

from api.attempt_tally import COMMITTED_MICROS, LOOK_BACK_MICROS, MOST_DELIVERIES
from notifier.schema import delivery, notice
from notifier.states import CANARY

DEFAULT_BUCKETS: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
_MICROS: Final = 1_000_000
_newest = (
    select(
        delivery.c.channel,
        delivery.c.notice_id,
        delivery.c.released_at,
        func.coalesce(delivery.c.accepted_at, delivery.c.delivered_at).label("told_at"),
    )
    .where(delivery.c.planned_at > bindparam("planned_after"), delivery.c.endpoint != CANARY)
    .order_by(delivery.c.planned_at.desc())
    .limit(MOST_DELIVERIES)
    .subquery()
)
# What was held on purpose counts from when it was let go.
_since = func.coalesce(_newest.c.released_at, notice.c.closed_at * _MICROS)
_TOLD: Final = (
    select(_newest.c.channel, (_newest.c.told_at - _since).label("micros"))
    .join_from(_newest, notice, notice.c.notice_id == _newest.c.notice_id)
    .where(
        _newest.c.told_at > bindparam("after"),
        _newest.c.told_at <= bindparam("up_to"),
        notice.c.late.is_(False),
    )
)


class ToldTally:
    """Counts per process; safe to be advanced from several threads. `promised`: a bucket ends there."""

    def __init__(self, promised: float) -> None:
        self._lock = threading.Lock()
        self._counted_to: int | None = None
        self._ends = sorted({*DEFAULT_BUCKETS, promised})
        self._buckets: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._sums: Counter[str] = Counter()

    def advance(self, conn: Connection, now: int) -> None:
        """Count what was told since the last look. `now`: microseconds."""
        with self._lock:
            up_to = now - COMMITTED_MICROS
            after = up_to if self._counted_to is None else self._counted_to
            window = {"after": after, "up_to": up_to, "planned_after": now - LOOK_BACK_MICROS}
            for channel, micros in conn.execute(_TOLD, window):
                self._buckets[channel][bisect_left(self._ends, micros / _MICROS)] += 1
                self._sums[channel] += micros
            self._counted_to = max(after, up_to)

    def family(self) -> HistogramMetricFamily:
        """As Prometheus has it."""
        family = HistogramMetricFamily(
            "pausewire_told_seconds",
            "Seconds from ledger close until the provider took a delivery, or the app showed it.",
            labels=("channel",),
        )
        with self._lock:
            for channel, counted in sorted(self._buckets.items()):
                buckets, total = [], 0
                for place, end in enumerate([*map("{:g}".format, self._ends), "+Inf"]):
                    total += counted[place]
                    buckets.append((end, float(total)))
                family.add_metric((channel,), buckets, self._sums[channel] / _MICROS)
        return family
