"""Figures of pauses that last, and of whether people are reminded of them in time."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from notifier.reminder_schema import standing
from store.clock import now_micros

_MICROS = 1_000_000


def reminder_families(conn: Connection) -> Iterator[Metric]:
    """How many pauses last, and for how long a reminder has been due."""
    now = now_micros()
    found = standing(conn, now)
    yield GaugeMetricFamily(
        "pausewire_lasting_pauses", "Streams and contracts that are paused.", value=found.pauses
    )
    overdue = 0.0 if found.due_since is None else (now - found.due_since) / _MICROS
    yield GaugeMetricFamily(
        "pausewire_reminders_overdue_seconds",
        "Since the oldest reminder became due.",
        value=overdue,
    )
