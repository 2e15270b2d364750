"""Outgoing webhooks by how they fare, for whoever watches."""

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from notifier.webhooks import health

STATES = ("active", "failing", "disabled")


def webhook_metric(conn: Connection) -> Metric:
    """`disabled` wants a person: it failed for days, said that it is gone, or was switched off."""
    family = GaugeMetricFamily(
        "pausewire_webhooks", "Outgoing webhooks by how their receivers fare.", labels=("state",)
    )
    found = dict.fromkeys(STATES, 0) | health.counts(conn)
    for state, count in found.items():
        family.add_metric((state,), count)
    return family
