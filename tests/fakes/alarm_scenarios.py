"""What makes each alarm go off, and what comes near and does not, as series of metrics.

Figures from the database are told by several processes alike: here by `a` and `b`, of which `b` is the one
that has seen what happened.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.fakes.prometheus import Fired, Look, Scenario, gauge

QUIET: Fired = {}
_BEFORE = 20
UP = {f'pausewire_database_up{{instance="{instance}"}}': gauge((1800, 1)) for instance in "ab"}


class Limit(NamedTuple):
    """An alarm of a gauge: goes off when it is `bad`, not while it is `good`, for `lasting` minutes."""

    alert: str
    metric: str
    good: float
    bad: float
    lasting: int
    labels: dict[str, str] = {}  # noqa: RUF012 # of the series
    kept: tuple[str, ...] = ()  # which of these the alert has


LIMITS = (
    Limit("PausewireNotFollowing", "pausewire_ledger_lag_ledgers", 24, 25, 5),
    Limit("PausewireRetentionNear", "pausewire_retention_headroom_seconds", 43200, 43199, 10),
    Limit("PausewireDatabaseDown", "pausewire_database_up", 1, 0, 2),
    Limit("PausewireGapOpen", "pausewire_gaps_open", 0, 1, 10),
    Limit("PausewireQuarantine", "pausewire_quarantined_events", 0, 1, 15),
    Limit("PausewireProfileConflict", "pausewire_profile_conflicts", 0, 1, 15),
    Limit("PausewireOutboxStuck", "pausewire_outbox_oldest_seconds", 120, 121, 2),
    Limit("PausewireStormBrake", "pausewire_storm_held", 0, 1, 0),
    Limit("PausewireCostCap", "pausewire_cost_refused_today", 0, 1, 0),
    *(
        Limit(
            "PausewireCaptureMissed",
            "pausewire_reconcile_findings",
            0,
            1,
            10,
            {"kind": kind},
            ("kind",),
        )
        for kind in (
            *("pause_missed", "pause_not_stored", "contract_pause_differs", "stream_not_met"),
            *("status_differs", "parties_unknown", "parties_differ"),
        )
    ),
    Limit(
        "PausewireEndpointExpelled",
        "pausewire_rpc_circuit",
        *(0, 1, 1),
        {"endpoint": "rpc.example", "state": "expelled"},
        ("endpoint",),
    ),
    Limit(
        "PausewireEndpointsDisagree",
        "pausewire_rpc_disputes",
        *(0, 1, 5),
        {"endpoint": "rpc.example"},
        ("endpoint",),
    ),
    Limit(
        "PausewirePlanningBehind",
        "pausewire_follower_lag_seconds",
        *(30, 31, 1),
        {"follower": "plan"},
    ),
    *(
        Limit(
            "PausewireFollowerBehind",
            "pausewire_follower_lag_seconds",
            *(30, 31, 5),
            {"follower": follower},
            ("follower",),
        )
        for follower in ("projections", "actors")
    ),
    Limit(
        "PausewireProviderRefuses",
        "pausewire_provider_circuit",
        *(0, 1, 5),
        {"provider": "smtp", "state": "open"},
        ("provider",),
    ),
    Limit(
        "PausewireCallbacksDead",
        "pausewire_callbacks_unfinished",
        *(0, 1, 5),
        {"state": "dead"},
    ),
)

# Of these metrics an alarm asks for some labels only.
NO_CONCERN = {
    "pausewire_reconcile_findings": {"kind": "time_to_live_near"},
    "pausewire_rpc_circuit": {"endpoint": "rpc.example", "state": "open"},
    "pausewire_provider_circuit": {"provider": "smtp", "state": "half_open"},
    "pausewire_callbacks_unfinished": {"state": "waiting"},
    "pausewire_webhooks_disabled": {"reason": "operator"},
}

# Alarms that a gauge has grown: the metric, hours that this is told for, labels of the series.
GROWTH = (
    ("PausewirePausedByStranger", "pausewire_pauses_by_strangers", 1, {}),
    ("PausewirePlanParked", "pausewire_plan_parked", 24, {}),
    ("PausewireWebhookDisabled", "pausewire_webhooks_disabled", 24, {"reason": "gone"}),
    ("PausewireWebhookDisabled", "pausewire_webhooks_disabled", 24, {"reason": "failing"}),
)


def series(metric: str, **labels: str) -> str:
    """A series' name."""
    return metric + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def limits() -> Iterator[Scenario]:
    """Each limit: near it nothing happens, nor beyond it for less than its time."""
    for limit in LIMITS:
        first = _BEFORE + limit.lasting
        fired = {limit.alert: [{name: limit.labels[name] for name in limit.kept}]}
        told = {
            series(limit.metric, instance="a", **limit.labels): gauge((200, limit.good)),
            series(limit.metric, instance="b", **limit.labels): gauge(
                (_BEFORE, limit.good), (limit.lasting + 10, limit.bad), (100, limit.good)
            ),
        }
        looks = [Look(_BEFORE - 1, QUIET), Look(first, fired), Look(first + 10, QUIET)]
        if limit.lasting:
            looks.insert(1, Look(first - 1, QUIET))
        yield Scenario(f"{limit.alert} {' '.join(limit.labels.values())}", UP | told, looks)


def growth() -> Iterator[Scenario]:
    """It grows, stands, falls, and grows from there; a process that comes later has seen nothing grow."""
    for alert, metric, hours, labels in GROWTH:
        later = 20 + hours * 60
        fired = {alert: [labels]}
        told = {
            series(metric, instance="a", **labels): gauge(
                (20, 4), (later - 10, 5), (20, 3), (20, 4)
            ),
            series(metric, instance="b", **labels): gauge(
                (40, None), (later - 30, 5), (20, 3), (20, 4)
            ),
        }
        looks = [
            *(Look(10, QUIET), Look(20, fired), Look(later - 10, fired), Look(later, QUIET)),
            *(Look(later + 20, QUIET), Look(later + 30, fired)),
        ]
        name = f"{alert} {' '.join(labels.values())} grows"
        yield Scenario(name, UP | told, looks, every=10)


def others() -> Iterator[Scenario]:
    """What is of no concern, and a database of which nobody tells anything."""
    for metric, labels in NO_CONCERN.items():
        told = {series(metric, instance="b", **labels): gauge((20, 0), (100, 9))}
        yield Scenario(f"{metric} {labels}", UP | told, [Look(20, QUIET), Look(60, QUIET)])
    gone = {name: values[:20] for name, values in UP.items()}
    fired = {"PausewireDatabaseDown": [{}]}
    yield Scenario("nobody tells", gone, [Look(19, QUIET), Look(28, fired)])


SCENARIOS = (*limits(), *growth(), *others())
