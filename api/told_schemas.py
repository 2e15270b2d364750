"""What a stream's readers may know of who was told: the role, the channel, when; never a destination."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.delivery_schemas import DeliveryState
from api.schemas import PAUSE_EVENT
from api.shown import Documented, OurTimeIfAny, Shown, example


class ToldDelivery(Shown):
    """A notice on one channel."""

    channel: str
    state: DeliveryState
    told_at: OurTimeIfAny = Field(
        description="accepted by the provider, or laid into the inbox; null: not yet"
    )


class ToldNotice(Shown):
    """What one party should know of one event."""

    kind: str
    event_id: str = Field(description="the event that caused it")
    role: Literal["employer", "employee", "watcher"] | None = Field(
        description="who it is for; null: the person's data was erased"
    )
    happened_at: datetime | None = Field(description="ledger close")
    deliveries: list[ToldDelivery]


class ToldPage(Documented):
    """The notices about a stream, newest first."""

    model_config = example(
        items=[
            {
                "kind": "paused",
                "event_id": PAUSE_EVENT,
                "role": "employee",
                "happened_at": "2026-03-02T09:15:00Z",
                "deliveries": [
                    {
                        "channel": "email",
                        "state": "accepted",
                        "told_at": "2026-03-02T09:15:02.470000Z",
                    }
                ],
            }
        ],
        next_cursor=None,
    )

    items: list[ToldNotice]
    next_cursor: str | None
