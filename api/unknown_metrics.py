"""Messages of which nobody knows what became of them, and what was done about it, for whoever watches."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, func, select

from notifier.schema import delivery
from notifier.states import UNKNOWN

_UNKNOWN: Final = (
    select(func.coalesce(delivery.c.reason, ""), func.count())
    .where(delivery.c.state == UNKNOWN)
    .group_by(delivery.c.reason)
)


def unknown_metrics(conn: Connection) -> Iterator[Metric]:
    """As they are now: a delivery is counted until somebody settles it."""
    found = GaugeMetricFamily(
        "pausewire_unknown_deliveries",
        "Deliveries whose outcome nobody knows, by what was done about it.",
        labels=("reason",),
    )
    for reason, count in conn.execute(_UNKNOWN):
        found.add_metric((reason,), count)
    yield found
