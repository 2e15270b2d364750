"""Every setting of Pausewire as frozen, typed values; the defaults are those of production."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr, field_validator

from config.api_settings import ApiSettings
from config.canary_settings import CanarySettings
from config.channel_settings import (
    CallbackSettings,
    EmailSettings,
    SecondEmailSettings,
    SmsSettings,
)
from config.cost_settings import CostSettings
from config.escalation_settings import EscalationSettings
from config.fields import Section, checked_secret_url, seconds, setting
from config.guest_settings import GuestSettings
from config.keep_settings import KeepSettings
from config.limit_settings import LimitSettings
from config.look_up_settings import LookUpSettings
from config.network_settings import NetworkSettings
from config.objective_settings import ObjectiveSettings
from config.platform_settings import (
    SecretsSettings,
    SimulatorSettings,
    StorageSettings,
    TelemetrySettings,
)
from config.push_settings import PushSettings
from config.reconcile_settings import ReconcileSettings
from config.reminder_settings import ReminderSettings
from config.restraint_settings import RestraintSettings
from config.web_auth_settings import WebAuthSettings
from config.webhook_settings import WebhookSettings

Environment = Literal["development", "testnet", "staging", "production"]


class IngestSettings(Section):
    """Following the chain."""

    poll_seconds: float = seconds(1.0, "pause between polls once caught up", at_most=60)
    page_limit: int = setting(
        1000,
        "events asked for per page; about 1,000 decode fastest",
        unit="events",
        ge=1,
        le=10_000,
    )
    concurrent_requests: int = setting(
        8,
        "most RPC requests at once; half of them for sources that catch up",
        unit="requests",
        ge=2,
        le=256,
    )
    yield_seconds: float = seconds(
        20, "no RPC endpoint has answered for so long: let a standby lead", at_most=3600
    )
    slice_events: int = setting(
        1000, "most events committed in one transaction", unit="events", ge=1, le=1000
    )
    request_timeout_seconds: float = seconds(15, "longest wait for an RPC answer", at_most=300)
    lag_limit_ledgers: int = setting(
        24,
        "further behind the network than this, the indexer is not ready",
        unit="ledgers",
        ge=1,
        reload="hot",
    )
    lease_seconds: float = seconds(
        6, "how long the active indexer keeps its lease without renewing it", at_most=600
    )
    retention_margin_ledgers: int = setting(
        100,
        "ledgers at the old end of the RPC's window that are not relied on",
        unit="ledgers",
        ge=0,
    )
    headroom_warning_seconds: float = seconds(
        43_200,
        "warn when ledgers that are still needed leave the RPC's window in less than this",
        at_most=604_800,
    )


class DatabaseSettings(Section):
    """Where log, evidence, read models and queue live."""

    url: SecretStr | None = setting(
        None, "`postgresql+psycopg://…` or `sqlite:///…`; PgBouncer is allowed", reload="never"
    )
    direct_url: SecretStr | None = setting(
        None, "the same database past PgBouncer: for LISTEN and quick take-over", reload="never"
    )
    pool_size: int = setting(
        5, "connections kept open per process and engine", unit="connections", ge=1, le=100
    )

    @field_validator("url", "direct_url")
    @classmethod
    def _url_is_supported(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or value.get_secret_value().startswith("sqlite:///"):
            return value
        return checked_secret_url(value, "postgresql+psycopg", "sqlite")


class BrokerSettings(Section):
    """What carries delivery ids to workers; the database stays the queue of record."""

    url: SecretStr = setting(
        SecretStr("memory://"),
        "`memory://` (within one process), `redis://…`, `rediss://…`, `amqp://…` or `amqps://…`",
    )
    namespace: str = setting(
        "pausewire",
        "begins the names of the queues; deployments that share a broker need different ones",
        pattern="^[a-z0-9][a-z0-9_-]{0,40}$",
    )
    worker_threads: int = setting(
        32, "deliveries that one notify process works on at once", unit="threads", ge=1, le=256
    )

    @field_validator("url")
    @classmethod
    def _url_is_supported(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() == "memory://":
            return value
        return checked_secret_url(value, "redis", "rediss", "amqp", "amqps", "memory")


class NotifierSettings(Section):
    """Planning and delivering alerts."""

    freshness_email_hours: float = setting(
        24,
        "older than this since ledger close: no email, in-app only",
        unit="hours",
        gt=0,
        reload="hot",
    )
    freshness_push_minutes: float = setting(
        60,
        "older than this since ledger close: no push, in-app only",
        unit="minutes",
        gt=0,
        reload="hot",
    )
    freshness_sms_minutes: float = setting(
        30,
        "older than this since ledger close: no SMS, in-app only",
        unit="minutes",
        gt=0,
        reload="hot",
    )
    lease_seconds: float = seconds(
        120, "a delivery held longer than this is taken over by another worker", at_most=3600
    )
    unknown_patience_minutes: float = setting(
        10,
        "how long a callback, a look-up or a late answer may still tell what became of a message that may"
        " have left; then the person's next channel carries the news, and a mail that has none leaves once"
        " more, flagged as a possible duplicate. 0: neither, it stays for `pausewire deliveries redrive`",
        unit="minutes",
        ge=0,
        le=1440,
    )
    sweep_seconds: float = seconds(5, "pause between sweeps for expired leases", at_most=300)
    poll_seconds: float = seconds(1.0, "longest wait for a wake-up before looking", at_most=60)
    chunk_events: int = setting(
        500,
        "recorded events planned in one transaction; fewer where they take more than two seconds",
        unit="events",
        ge=1,
        le=10_000,
    )


class ProjectionsSettings(Section):
    """Keeping the read models."""

    chunk_events: int = setting(
        1000,
        "recorded events projected in one transaction; fewer where they take more than two seconds",
        unit="events",
        ge=1,
        le=100_000,
    )
    poll_seconds: float = seconds(1.0, "longest wait for a wake-up before looking", at_most=60)


class Settings(Section):
    """All settings of one process."""

    environment: Environment = setting(
        "production", "which file of environments/ is read over the defaults", reload="never"
    )
    state_dir: Path = setting(Path("var"), "folder for files that the development setting keeps")
    network: NetworkSettings = NetworkSettings()
    ingest: IngestSettings = IngestSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    email: EmailSettings = EmailSettings()
    second_email: SecondEmailSettings = SecondEmailSettings()
    sms: SmsSettings = SmsSettings()
    second_sms: SmsSettings = SmsSettings()
    push: PushSettings = PushSettings()
    webhooks: WebhookSettings = WebhookSettings()
    callbacks: CallbackSettings = CallbackSettings()
    look_ups: LookUpSettings = LookUpSettings()
    notifier: NotifierSettings = NotifierSettings()
    limits: LimitSettings = LimitSettings()
    restraint: RestraintSettings = RestraintSettings()
    escalation: EscalationSettings = EscalationSettings()
    reminders: ReminderSettings = ReminderSettings()
    guests: GuestSettings = GuestSettings()
    projections: ProjectionsSettings = ProjectionsSettings()
    api: ApiSettings = ApiSettings()
    web_auth: WebAuthSettings = WebAuthSettings()
    costs: CostSettings = CostSettings()
    canary: CanarySettings = CanarySettings()
    objectives: ObjectiveSettings = ObjectiveSettings()
    keep: KeepSettings = KeepSettings()
    storage: StorageSettings = StorageSettings()
    secrets: SecretsSettings = SecretsSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    simulator: SimulatorSettings = SimulatorSettings()
