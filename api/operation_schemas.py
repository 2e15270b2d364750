"""What the operational addresses answer: alive, ready, status, version, latency."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas import CONTRACT, Completeness
from api.shown import Documented, OurTime, Shown, example

_NETWORK = "7ac33997544e3175d266bd022439b22cdb16508c01163f26e5cb2a3e1045a979"


class Alive(Documented):
    """The process answers."""

    model_config = example(status="alive")

    status: Literal["alive"]


class Ready(Documented):
    """The process can do its work."""

    model_config = example(status="ready", checks=["database", "schema"])

    status: Literal["ready"]
    checks: list[str] = Field(description="each thing that was looked at and found well")


class Version(Documented):
    """Which Pausewire answers."""

    model_config = example(version="0.1.0")

    version: str


class Banner(Shown):
    """A word from the operator to everybody."""

    text: str
    since: OurTime


class Status(Documented):
    """How the deployment is doing, for everybody."""

    model_config = example(
        network_id=_NETWORK,
        contracts=[CONTRACT],
        fresh_to_ledger=1010,
        completeness="complete",
        lag_ledgers=0,
        lag_limit_ledgers=24,
        head_position=4242,
        planning_lag_seconds=0.0,
        explorer_url=None,
        web_push_key=None,
        banner=None,
    )

    network_id: str = Field(description="hex sha256 of the network's passphrase")
    contracts: list[str] = Field(description="contracts followed")
    fresh_to_ledger: int | None = Field(description="as in every answer about the chain")
    completeness: Completeness
    lag_ledgers: int | None = Field(
        description="ledgers closed since the last one scanned, by the clock; null: nothing scanned yet"
    )
    lag_limit_ledgers: int = Field(description="further behind than this, answers are stale")
    head_position: int = Field(description="events recorded")
    planning_lag_seconds: float = Field(
        description="since the oldest event was recorded of which nobody is told yet; 0: there is none"
    )
    explorer_url: str | None = Field(
        description="block explorer: add `/tx/<hash>`, `/account/<id>` or `/contract/<id>`; null: none"
    )
    web_push_key: str | None = Field(
        description="what browsers subscribe to push with (`applicationServerKey`); null: no web push here"
    )
    banner: Banner | None = Field(description="null: nothing to say")


class LogStanding(BaseModel):
    """How far the chain was followed."""

    head_position: int
    fresh_to_ledger: int | None
    completeness: Completeness
    lag_ledgers: int | None


class Leader(BaseModel):
    """The active indexer."""

    holder: str
    epoch: int
    until: datetime


class Endpoint(BaseModel):
    """An RPC endpoint as the active indexer sees it."""

    endpoint: str
    state: str
    reason: str | None
    latency_seconds: float | None
    latest_ledger: int | None
    oldest_ledger: int | None
    lag_ledgers: int | None
    seen_at: datetime | None


class QueueStanding(BaseModel):
    """Deliveries by state, and how long the oldest that is due has waited."""

    by_state: dict[str, int]
    oldest_due_seconds: float
    facts_waiting: int


class Patience(BaseModel):
    """Who said that it is too much, and until when nothing goes there.

    `bucket`: `provider:<name>`, or `site:<channel>:<keyed hash>` of a mail domain, push service or room.
    """

    bucket: str
    until: str


class Breaker(BaseModel):
    """Whether a provider is tried."""

    provider: str
    state: str
    reason: str | None


class Storm(BaseModel):
    """What the storm brake holds back."""

    held: int
    since: datetime | None = Field(description="null: the brake is off")


class Spending(BaseModel):
    """What telling people cost today (UTC), where a cap is set, and what is held for it."""

    spent_today_micros: int = Field(description="in millionths of `costs.currency`")
    held: int
    since: datetime | None = Field(description="null: nothing is held")
    refused_today: int = Field(description="how often today there was no money left for a message")


_STANDING: dict[str, Any] = {
    "failed": [],
    "log": {
        "head_position": 4242,
        "fresh_to_ledger": 1010,
        "completeness": "complete",
        "lag_ledgers": 0,
    },
    "leader": {"holder": "indexer-1:0b1c2d3e", "epoch": 3, "until": "2026-03-02T09:15:06Z"},
    "endpoints": [
        {
            "endpoint": "rpc.example.org",
            "state": "closed",
            "reason": None,
            "latency_seconds": 0.042,
            "latest_ledger": 1010,
            "oldest_ledger": 900,
            "lag_ledgers": 0,
            "seen_at": "2026-03-02T09:15:00.482Z",
        }
    ],
    "followers": {"projections": 0, "plan": 0, "actors": 0},
    "follower_lag_seconds": {"projections": 0.0, "plan": 0.0, "actors": 0.0},
    "deliveries": {"by_state": {"accepted": 12}, "oldest_due_seconds": 0.0, "facts_waiting": 0},
    "breakers": [{"provider": "smtp", "state": "closed", "reason": None}],
    "patience": [{"bucket": "provider:twilio", "until": "2026-03-02T09:16:00.000Z"}],
    "canary_latency_seconds": 2.5,
    "storm": {"held": 0, "since": None},
    "spending": {"spent_today_micros": 0, "held": 0, "since": None, "refused_today": 0},
    "sending": "on",
    "alarms": {"quarantined": 0},
}


class Operations(Documented):
    """How everything stands, for operators."""

    model_config = example(**_STANDING)

    failed: list[str] = Field(description="what a person must see to, in words; empty: all is well")
    log: LogStanding
    leader: Leader | None = Field(description="null: no indexer is active")
    endpoints: list[Endpoint]
    followers: dict[str, int] = Field(description="recorded events that each has still to work off")
    follower_lag_seconds: dict[str, float] = Field(
        description="since the oldest of these was recorded; 0: none is left"
    )
    deliveries: QueueStanding
    breakers: list[Breaker]
    patience: list[Patience]
    canary_latency_seconds: float | None = Field(
        description="ledger close to told, of the last canary; null: none runs"
    )
    storm: Storm
    spending: Spending
    sending: Literal["on", "paused"]
    alarms: dict[str, int] = Field(description="how many of each kind stand open")
