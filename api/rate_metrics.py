"""How much waits for its turn, and who asked for patience, for whoever watches."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, func, select

from notifier.buckets import RATE, held_now
from notifier.schema import delivery
from notifier.states import PENDING, RETRY_WAIT
from store.clock import now_micros

_KINDS: Final = ("provider", "site")
_WAITING: Final = (
    select(delivery.c.channel, func.count())
    .where(delivery.c.state.in_((PENDING, RETRY_WAIT)), delivery.c.reason == RATE)
    .group_by(delivery.c.channel)
)


def rate_metrics(conn: Connection) -> Iterator[Metric]:
    """No site is named: a mail domain may be one person's own."""
    waiting = GaugeMetricFamily(
        "pausewire_rate_waiting", "Deliveries that wait for their turn.", labels=("channel",)
    )
    for channel, count in conn.execute(_WAITING):
        waiting.add_metric((channel,), count)
    yield waiting
    held = GaugeMetricFamily(
        "pausewire_rate_held", "Providers and sites that asked for patience.", labels=("kind",)
    )
    found = [each.bucket.partition(":")[0] for each in held_now(conn, now_micros())]
    for kind in _KINDS:
        held.add_metric((kind,), found.count(kind))
    yield held
