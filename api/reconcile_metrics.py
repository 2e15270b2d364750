"""How the followed contracts compare with their storage, for whoever watches."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from ingest.reconcile import report
from store.clock import now_micros

_MICROS: Final = 1_000_000


def reconcile_families(conn: Connection) -> Iterator[Metric]:
    """Of the contracts that are followed; the age only once each has been compared."""
    findings = GaugeMetricFamily(
        "pausewire_reconcile_findings",
        "What the last comparisons with the contracts' storage found and nothing healed.",
        labels=("kind",),
    )
    for kind, count in sorted(report.open_findings(conn).items()):
        findings.add_metric((kind,), count)
    yield findings
    finished = report.oldest_finished(conn)
    if finished is not None:
        yield GaugeMetricFamily(
            "pausewire_reconcile_age_seconds",
            "Since the contracts' storage was compared.",
            value=max(0.0, (now_micros() - finished) / _MICROS),
        )
