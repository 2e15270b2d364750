"""Metrics of the RPC endpoints, as the active indexer last reported them."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection, func, select

from ingest.disputes import rpc_dispute
from ingest.endpoint import OUTCOMES
from ingest.endpoint_report import reported

_MICROS: Final = 1_000_000
_ENDPOINT: Final = ("endpoint",)


def rpc_metrics(conn: Connection) -> Iterator[Metric]:
    """One family each; empty before an indexer has asked anybody."""
    circuit = GaugeMetricFamily(
        "pausewire_rpc_circuit",
        "1 for the state an endpoint's breaker is in.",
        labels=("endpoint", "state"),
    )
    latency = GaugeMetricFamily(
        "pausewire_rpc_latency_seconds", "Moving average of small answers.", labels=_ENDPOINT
    )
    lag = GaugeMetricFamily(
        "pausewire_rpc_lag_ledgers",
        "Behind the newest ledger that any has shown.",
        labels=_ENDPOINT,
    )
    requests = CounterMetricFamily(
        "pausewire_rpc_requests", "Questions by how they ended.", labels=("endpoint", "outcome")
    )
    waited = CounterMetricFamily(
        "pausewire_rpc_budget_wait_seconds", "Waited for the budget.", labels=_ENDPOINT
    )
    for row in conn.execute(reported()):
        circuit.add_metric((row.name, row.state), 1)
        lag.add_metric((row.name,), row.lag_ledgers)
        waited.add_metric((row.name,), row.waited_micros / _MICROS)
        if row.latency_micros is not None:
            latency.add_metric((row.name,), row.latency_micros / _MICROS)
        for outcome in OUTCOMES:
            requests.add_metric((row.name, outcome), getattr(row, outcome))
    disputes = GaugeMetricFamily(
        "pausewire_rpc_disputes", "Events that two endpoints do not agree on.", labels=_ENDPOINT
    )
    for endpoint, count in conn.execute(
        select(rpc_dispute.c.endpoint, func.count()).group_by(rpc_dispute.c.endpoint)
    ):
        disputes.add_metric((endpoint,), count)
    yield from (circuit, latency, lag, requests, waited, disputes)
