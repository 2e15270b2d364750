"""Alarms beside the objectives: a state that a person must act on, and the runbook that says how."""

from typing import NamedTuple

from config.objective_settings import ObjectiveSettings
from config.settings import IngestSettings, Settings

PAGE, TICKET = "page", "ticket"


class Alarm(NamedTuple):
    """One alert: goes off when `condition` (PromQL) held for `lasting`."""

    name: str
    condition: str
    lasting: str
    severity: str
    runbook: str
    summary: str


def alarms(settings: Settings) -> tuple[Alarm, ...]:
    """Every alarm; limits are those of the settings."""
    return (
        *_following(settings.ingest),
        *_RECORDED,
        *_ENDPOINTS,
        *_planning(settings.objectives),
        *_TELLING,
    )


def _grew(gauge: str, hours: int, by: str = "") -> str:
    """PromQL: a gauge that every process tells alike has grown. It may also fall, so it is no counter."""
    among = f" by ({by})" if by else ""
    return f"max{among} ({gauge}) > min{among} (min_over_time({gauge}[{hours}h]))"


def _following(ingest: IngestSettings) -> tuple[Alarm, ...]:
    return (
        Alarm(
            "PausewireNotFollowing",
            f"max(pausewire_ledger_lag_ledgers) > {ingest.lag_limit_ledgers}",
            "5m",
            PAGE,
            "not-following",
            "the indexer is behind the network: pauses are not seen",
        ),
        Alarm(
            "PausewireRetentionNear",
            f"min(pausewire_retention_headroom_seconds) < {ingest.headroom_warning_seconds:g}",
            "10m",
            PAGE,
            "retention-headroom",
            "ledgers that are still needed leave the RPC's window soon",
        ),
    )


_RECORDED = (
    Alarm(
        "PausewireDatabaseDown",
        "min(pausewire_database_up) == 0 or absent(pausewire_database_up)",
        "2m",
        PAGE,
        "database-down",
        "no process tells figures from the database",
    ),
    Alarm(
        "PausewireCaptureMissed",
        'max by (kind) (pausewire_reconcile_findings{kind=~"pause_missed|pause_not_stored'
        '|contract_pause_differs|stream_not_met|status_differs|parties_unknown|parties_differ"}) > 0',
        "10m",
        PAGE,
        "objective-capture",
        "the contracts' own storage differs from what was recorded",
    ),
    Alarm(
        "PausewireGapOpen",
        "max(pausewire_gaps_open) > 0",
        "10m",
        PAGE,
        "gap-open",
        "ledgers were never scanned: pauses may be missing",
    ),
    Alarm(
        "PausewireQuarantine",
        "max(pausewire_quarantined_events) > 0",
        "15m",
        TICKET,
        "quarantine",
        "contract events are kept, but not understood",
    ),
    Alarm(
        "PausewireProfileConflict",
        "max(pausewire_profile_conflicts) > 0",
        "15m",
        TICKET,
        "profile-conflict",
        "applied events would be read otherwise today",
    ),
    Alarm(
        "PausewirePausedByStranger",
        _grew("pausewire_pauses_by_strangers", 1),
        "0m",
        PAGE,
        "paused-by-stranger",
        "somebody without a role paused a stream",
    ),
)
_ENDPOINTS = (
    Alarm(
        "PausewireEndpointExpelled",
        'max by (endpoint) (pausewire_rpc_circuit{state="expelled"}) == 1',
        "1m",
        PAGE,
        "endpoint-expelled",
        "an RPC endpoint follows another chain",
    ),
    Alarm(
        "PausewireEndpointsDisagree",
        "max by (endpoint) (pausewire_rpc_disputes) > 0",
        "5m",
        TICKET,
        "endpoints-disagree",
        "an RPC endpoint lacks events, or tells them otherwise",
    ),
)


def _planning(promised: ObjectiveSettings) -> tuple[Alarm, ...]:
    late = f"pausewire_follower_lag_seconds{{%s}}) > {promised.latency_seconds:g}"
    return (
        Alarm(
            "PausewirePlanningBehind",
            "max(" + late % 'follower="plan"',
            "1m",
            PAGE,
            "follower-behind",
            "planning stands still, or is behind the log: nobody is told of what is recorded",
        ),
        Alarm(
            "PausewireFollowerBehind",
            "max by (follower) (" + late % 'follower!="plan"',
            "5m",
            TICKET,
            "follower-behind",
            "a follower stands still, or is behind the log",
        ),
        Alarm(
            "PausewirePlanParked",
            _grew("pausewire_plan_parked", 24),
            "0m",
            PAGE,
            "plan-parked",
            "planning could not read a recorded event: nobody is told of it",
        ),
    )


_TELLING = (
    Alarm(
        "PausewireOutboxStuck",
        "max(pausewire_outbox_oldest_seconds) > 120",
        "2m",
        PAGE,
        "objective-delivery",
        "deliveries that are due wait: nobody is told",
    ),
    Alarm(
        "PausewireStormBrake",
        "max(pausewire_storm_held) > 0",
        "0m",
        PAGE,
        "storm-brake",
        "more news than allowed was to leave at once: the rest is held for a person to look",
    ),
    Alarm(
        "PausewireCostCap",
        "max(pausewire_cost_refused_today) > 0",
        "0m",
        PAGE,
        "cost-cap",
        "what may be spent in a day is spent: further paid messages are held",
    ),
    Alarm(
        "PausewireProviderRefuses",
        'max by (provider) (pausewire_provider_circuit{state="open"}) == 1',
        "5m",
        PAGE,
        "objective-delivery",
        "a provider's breaker is open: its channel stands still",
    ),
    Alarm(
        "PausewireCallbacksDead",
        'max(pausewire_callbacks_unfinished{state="dead"}) > 0',
        "5m",
        TICKET,
        "dead-callbacks",
        "callbacks of providers were given up",
    ),
    Alarm(
        "PausewireWebhookDisabled",
        _grew('pausewire_webhooks_disabled{reason!="operator"}', 24, by="reason"),
        "0m",
        TICKET,
        "webhook-disabled",
        "a webhook was switched off by itself: somebody's system is not told any more",
    ),
)
