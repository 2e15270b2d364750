"""What operators see of deliveries; never a destination, nor whose it is."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas import CONTRACT, PAUSE_EVENT, PAUSED_AT
from api.shown import DigitsIfAny, Documented, LedgerTime, OurTime, OurTimeIfAny, Shown, example

DELIVERY: Final = "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11"
_NOTICE: Final = "7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10"
_HANDED_OFF: Final = "2026-03-02T09:15:02.410000Z"
_ACCEPTED: Final = "2026-03-02T09:15:02.470000Z"

DeliveryState = Literal[
    "planned",
    "held",
    "pending",
    "queued",
    "claimed",
    "handed_off",
    "accepted",
    "delivered",
    "bounced",
    "complained",
    "retry_wait",
    "unknown",
    "failed",
    "suppressed",
    "cancelled",
    "expired",
]


class Delivery(Shown):
    """A notice on one channel."""

    delivery_id: UUID
    notice_id: UUID
    kind: str
    cause_event_id: str
    contract_id: str
    stream_id: DigitsIfAny
    late: bool
    channel: str
    endpoint: str
    state: DeliveryState
    reason: str | None
    attempts: int
    provider: str | None
    provider_message_id: str | None
    possible_duplicate: bool = Field(
        description="sent again though an earlier try may have arrived"
    )
    digest: bool = Field(description="one message that tells of others too")
    carried_by: UUID | None = Field(description="the digest that tells this; null: none does")
    purpose: str | None = Field(
        description="why it is there beside the first one: `step_until_read`, `step_until_delivered`,"
        " `instead_of_<channel>`; null: it is one of the first"
    )
    happened_at: LedgerTime = Field(validation_alias="closed_at", description="ledger close")
    planned_at: OurTime
    released_at: OurTimeIfAny = Field(description="held on purpose until then; null: it was not")
    queued_at: OurTimeIfAny
    handed_off_at: OurTimeIfAny
    accepted_at: OurTimeIfAny
    delivered_at: OurTimeIfAny
    available_at: OurTime = Field(description="not tried before this time")
    deadline_at: OurTime = Field(description="not tried after this time")
    updated_at: OurTime


_DELIVERY: Final[dict[str, Any]] = {
    "delivery_id": DELIVERY,
    "notice_id": _NOTICE,
    "kind": "paused",
    "cause_event_id": PAUSE_EVENT,
    "contract_id": CONTRACT,
    "stream_id": "7",
    "late": False,
    "channel": "email",
    "endpoint": "-",
    "state": "accepted",
    "reason": None,
    "attempts": 1,
    "provider": "smtp",
    "provider_message_id": None,
    "possible_duplicate": False,
    "digest": False,
    "carried_by": None,
    "purpose": None,
    "happened_at": PAUSED_AT,
    "planned_at": "2026-03-02T09:15:02.250000Z",
    "released_at": None,
    "queued_at": "2026-03-02T09:15:02.300000Z",
    "handed_off_at": _HANDED_OFF,
    "accepted_at": _ACCEPTED,
    "delivered_at": None,
    "available_at": "2026-03-02T09:15:02.250000Z",
    "deadline_at": "2026-03-03T09:15:00Z",
    "updated_at": _ACCEPTED,
}


class DeliveriesPage(Documented):
    """A page of deliveries, newest first."""

    model_config = example(items=[_DELIVERY], next_cursor=None)

    items: list[Delivery]
    next_cursor: str | None


class Attempt(Shown):
    """One try of a delivery."""

    n: int = Field(description="counted from 1")
    provider: str
    phase: str
    result: str | None = Field(description="null: not known yet")
    status_code: int | None
    enhanced_code: str | None
    detail: str | None = Field(description="the far side's words, without a destination")
    retry_after_seconds: int | None
    provider_message_id: str | None
    started_at: OurTime
    handed_off_at: OurTimeIfAny
    ended_at: OurTimeIfAny


class DeliveryAnswer(Documented):
    """One delivery with its tries."""

    model_config = example(
        delivery=_DELIVERY,
        attempts=[
            {
                "n": 1,
                "provider": "smtp",
                "phase": "handed_off",
                "result": "accepted",
                "status_code": 250,
                "enhanced_code": "2.0.0",
                "detail": "OK",
                "retry_after_seconds": None,
                "provider_message_id": None,
                "started_at": "2026-03-02T09:15:02.380000Z",
                "handed_off_at": _HANDED_OFF,
                "ended_at": _ACCEPTED,
            }
        ],
    )

    delivery: Delivery
    attempts: list[Attempt] = Field(description="the first one first, at most 100")


class Redriven(Documented):
    """A delivery that will be tried again."""

    model_config = example(delivery_id=DELIVERY, state="pending", possible_duplicate=True)

    delivery_id: UUID
    state: Literal["pending"]
    possible_duplicate: bool = Field(description="an earlier try may have arrived")


class Told(BaseModel):
    """How soon a channel told what it told."""

    told: int = Field(description="deliveries that the provider took, or the app showed")
    within_10_seconds: float = Field(description="percent of them, since ledger close")
    within_30_seconds: float


class Latency(Documented):
    """Seconds from ledger close to each stage, per channel."""

    model_config = example(
        since="2026-03-02T00:00:00Z",
        deliveries=1,
        latency_seconds={"email": {"accepted": {"p50": 2.47, "p95": 2.47, "p99": 2.47}}},
        own_seconds={"email": {"accepted": {"p50": 0.06, "p95": 0.06, "p99": 0.06}}},
        told={"email": {"told": 1, "within_10_seconds": 100.0, "within_30_seconds": 100.0}},
        clock="the ledger's clock counts whole seconds",
    )

    since: datetime = Field(
        description="deliveries planned after this time, at most the newest 10,000"
    )
    deliveries: int
    latency_seconds: dict[str, dict[str, dict[str, float]]] = Field(
        description="channel, stage, percentile; since ledger close"
    )
    own_seconds: dict[str, dict[str, dict[str, float]]] = Field(
        description="the same, since the stage before: the slow stage stands out"
    )
    told: dict[str, Told] = Field(description="per channel; what was learned late is left out")
    clock: Literal["the ledger's clock counts whole seconds"]


class CallbackTaken(Documented):
    """A provider's callback is stored."""

    model_config = example(status="ok", message="Already processed")

    status: Literal["ok"]
    message: str = Field(description="`Accepted`, or `Already processed` where it was here before")
