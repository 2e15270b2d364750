"""Outgoing webhooks by how they fare, for whoever watches."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from notifier.webhooks import health, subscriptions

STATES = ("active", "failing", "disabled")
REASONS = (health.FAILING, health.GONE, subscriptions.OPERATOR)


def webhook_families(conn: Connection) -> Iterator[Metric]:
    """`disabled` wants a person, unless that was a person: it failed for days, or said that it is gone."""
    family = GaugeMetricFamily(
        "pausewire_webhooks", "Outgoing webhooks by how their receivers fare.", labels=("state",)
    )
    for state, count in (dict.fromkeys(STATES, 0) | health.counts(conn)).items():
        family.add_metric((state,), count)
    yield family
    disabled = GaugeMetricFamily(
        "pausewire_webhooks_disabled",
        "Outgoing webhooks that are switched off.",
        labels=("reason",),
    )
    for reason, count in (dict.fromkeys(REASONS, 0) | health.disabled(conn)).items():
        disabled.add_metric((reason,), count)
    yield disabled
