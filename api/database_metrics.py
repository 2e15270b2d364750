"""Prometheus metrics read from the database when they are asked for.

Every query is bounded: it reads an index of what is unfinished or was not understood, a window, or the
log's newest part, never a table's whole length.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import structlog
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Select, func, select

from api.attempt_tally import AttemptTally
from api.followers import behind, follower_families
from api.health import observe
from api.log_tally import LogTally
from api.rate_metrics import rate_metrics
from api.reconcile_metrics import reconcile_families
from api.reminder_metrics import reminder_families
from api.rpc_metrics import rpc_metrics
from api.spending_metrics import spending_families
from api.storage_size import storage_bytes
from api.told_tally import ToldTally
from api.unknown_metrics import unknown_metrics
from api.webhook_metrics import webhook_families
from api.work_tally import WorkTally
from ingest.actors.search import search_states
from ingest.headroom import headroom_seconds
from ingest.profile_conflicts import profile_conflict
from ingest.stored import still_quarantined
from notifier import storm
from notifier.callbacks import steering
from notifier.latency import stage_times, summarise
from notifier.schema import delivery, plan_parked, provider_health
from notifier.uptime import canary_latency
from projections.pauses import by_strangers
from projections.sets import active_set
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError
from store.schema import UNREAD, evidence_outcome

log = structlog.get_logger()

METRICS_INCOMPLETE: Final = "metrics_incomplete"
_MICROS: Final = 1_000_000
_WINDOW_MICROS: Final = 15 * 60 * _MICROS
_MOST_DELIVERIES: Final = 2_000
_WAITING: Final = ("pending", "retry_wait")
_UNFINISHED: Final = ("held", "pending", "retry_wait", "queued", "claimed", "handed_off")
_NO_FACT: Final = "none"  # the label `kind` of contract events that no profile made a fact of


class DatabaseMetrics(Collector):
    """One look at the database per scrape."""

    def __init__(
        self,
        database: Database,
        contracts: Sequence[str],
        latency_seconds: float,
        *,
        canary: bool = True,
    ) -> None:
        self._database = database
        self._canary = canary
        self._contracts = contracts
        self._tally = LogTally()
        self._attempts = AttemptTally()
        self._told = ToldTally(latency_seconds)
        self._work = WorkTally()

    def describe(self) -> list[Metric]:
        """Nothing: the registry must not read the database when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family; where the database cannot be read, only that it cannot."""
        try:
            with self._database.read() as conn:
                found = [
                    *self._following(conn),
                    *rpc_metrics(conn),
                    *self._telling(conn),
                    _storage(conn),
                ]
        except StoreError as error:
            log.warning(METRICS_INCOMPLETE, reason=type(error).__name__)
            found = []
        yield _gauge("database_up", "Whether the database could be read.", int(bool(found)))
        yield from found

    def _following(self, conn: Connection) -> Iterator[Metric]:
        health = observe(conn, self._contracts)
        if health.lag_ledgers is not None:
            yield _gauge("ledger_lag_ledgers", "Ledgers behind the network.", health.lag_ledgers)
        headroom = headroom_seconds(conn, now_micros())
        if headroom is not None:
            meaning = "Until a ledger that is still needed leaves the RPC's window."
            yield _gauge("retention_headroom_seconds", meaning, headroom)
        yield _gauge("gaps_open", "Ranges never scanned and not healed.", len(health.open_gaps))
        yield from reconcile_families(conn)
        strangers = conn.scalar(by_strangers(active_set(conn))) or 0
        yield _gauge("pauses_by_strangers", "Pauses by somebody without a role.", strangers)
        yield _actor_lookups(conn)
        yield from follower_families(behind(conn, now_micros()))
        self._tally.advance(conn)
        events = CounterMetricFamily(
            "pausewire_events",
            "Contract events by what became of them.",
            labels=("kind", "outcome"),
        )
        for labels, count in sorted(self._tally.facts.items()):
            events.add_metric(labels, count)
        for outcome, count in conn.execute(WITHOUT_FACT):
            events.add_metric((_NO_FACT, outcome), count)
        yield events
        quarantined = conn.scalar(still_quarantined()) or 0
        yield _gauge("quarantined_events", "Events that no profile understands.", quarantined)
        conflicts = conn.scalar(select(func.count()).select_from(profile_conflict)) or 0
        meaning = "Applied events that today's profile would read otherwise."
        yield _gauge("profile_conflicts", meaning, conflicts)

    def _telling(self, conn: Connection) -> Iterator[Metric]:
        deliveries = CounterMetricFamily(
            "pausewire_deliveries",
            "Deliveries that entered a state.",
            labels=("channel", "state", "reason"),
        )
        for labels, count in sorted(self._tally.deliveries.items()):
            deliveries.add_metric(labels, count)
        yield deliveries
        self._attempts.advance(conn, now_micros())
        attempts = CounterMetricFamily(
            "pausewire_attempts",
            "Attempts that ended, ten seconds ago or earlier.",
            labels=("channel", "provider", "result"),
        )
        for labels, count in sorted(self._attempts.results.items()):
            attempts.add_metric(labels, count)
        yield attempts
        self._work.advance(conn, now_micros())
        yield self._work.family(self._attempts.results)
        parked = conn.scalar(select(func.count()).select_from(plan_parked)) or 0
        yield _gauge("plan_parked", "Recorded events that planning could not read.", parked)
        self._told.advance(conn, now_micros())
        yield self._told.family()
        latency = canary_latency(conn, now_micros()) if self._canary else None
        if latency is not None:
            yield _gauge("canary_latency_seconds", "From ledger close to a canary told.", latency)
        meaning = "Deliveries that the storm brake holds."
        yield _gauge("storm_held", meaning, storm.standing(conn).held)
        yield from reminder_families(conn)
        yield from spending_families(conn)
        yield from _waiting(conn)
        yield from _stage_latency(conn)


def _actor_lookups(conn: Connection) -> Metric:
    family = GaugeMetricFamily(
        "pausewire_actor_lookups", "Pauses whose actor is not found out.", labels=("state",)
    )
    for state, count in search_states(conn).items():
        family.add_metric((state,), count)
    return family


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pausewire_{name}", meaning, value=value)


def _waiting(conn: Connection) -> Iterator[Metric]:
    oldest = conn.scalar(_oldest_waiting(now_micros()))
    waited = 0.0 if oldest is None else max(0.0, (now_micros() - oldest) / _MICROS)
    yield _gauge("outbox_oldest_seconds", "How long the oldest due delivery waits.", waited)
    depth = GaugeMetricFamily(
        "pausewire_queue_depth", "Unfinished deliveries by state.", labels=("queue",)
    )
    for state, count in conn.execute(_UNFINISHED_BY_STATE):
        depth.add_metric((state,), count)
    yield depth
    callbacks = GaugeMetricFamily(
        "pausewire_callbacks_unfinished",
        "Callbacks of providers that wait, or were given up.",
        labels=("state",),
    )
    for state, count in steering.unfinished(conn).items():
        callbacks.add_metric((state,), count)
    yield callbacks
    circuit = GaugeMetricFamily(
        "pausewire_provider_circuit",
        "1 for the state a breaker is in.",
        labels=("provider", "state"),
    )
    for row in conn.execute(select(provider_health.c.provider, provider_health.c.state)):
        circuit.add_metric((row.provider, row.state), 1)
    yield circuit
    yield from webhook_families(conn)
    yield from rate_metrics(conn)
    yield from unknown_metrics(conn)


def _storage(conn: Connection) -> Metric:
    family = GaugeMetricFamily(
        "pausewire_storage_bytes", "Disk that the database takes.", labels=("table",)
    )
    for table, size in storage_bytes(conn).items():
        family.add_metric((table,), size)
    return family


def _stage_latency(conn: Connection) -> Iterator[Metric]:
    """Of the newest deliveries within the window; the stored times, not samples."""
    family = GaugeMetricFamily(
        "pausewire_stage_latency_seconds",
        "Seconds from ledger close to a stage, of deliveries planned in the last 15 minutes.",
        labels=("stage", "channel", "quantile"),
    )
    rows = conn.execute(stage_times(since=now_micros() - _WINDOW_MICROS, most=_MOST_DELIVERIES))
    for channel, stages in summarise(rows).items():
        for stage, figures in stages.items():
            for percentile, seconds in figures.items():
                quantile = f"{int(percentile.removeprefix('p')) / 100:g}"
                family.add_metric((stage, channel, quantile), seconds)
    yield family


def _oldest_waiting(now: int) -> Select[Any]:
    return select(func.min(delivery.c.available_at)).where(
        delivery.c.state.in_(_WAITING),
        delivery.c.available_at <= now,
        delivery.c.lane.is_(None),  # a webhook may wait for the one before it, not for us
    )


WITHOUT_FACT: Final = (
    select(evidence_outcome.c.outcome, func.count())
    .where(UNREAD)
    .group_by(evidence_outcome.c.outcome)
)
_UNFINISHED_BY_STATE: Final = (
    select(delivery.c.state, func.count())
    .where(delivery.c.state.in_(_UNFINISHED))
    .group_by(delivery.c.state)
)
