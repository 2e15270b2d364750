"""Figures of what telling people costs today, and of what is held since the day's money is spent."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from notifier.spending import standing
from store.clock import now_micros


def spending_families(conn: Connection) -> Iterator[Metric]:
    """Spent by channel, held, and refused."""
    found = standing(conn, now_micros())
    spent = GaugeMetricFamily(
        "pausewire_spent_today_micros",
        "What today's messages cost, in millionths of the currency.",
        labels=("channel",),
    )
    for channel, micros in found.spent.items():
        if channel:
            spent.add_metric((channel,), micros)
    yield spent
    yield GaugeMetricFamily(
        "pausewire_cost_held", "Deliveries held since the day's money is spent.", value=found.held
    )
    yield GaugeMetricFamily(
        "pausewire_cost_refused_today",
        "How often today there was no money left for a message.",
        value=found.refused,
    )
