"""What answers about pauses look like, see schemas.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field

from api.paused_by import PausedBy, PausedByRole
from api.schemas import (
    CHAIN,
    EMPLOYER,
    PAUSE_EVENT,
    PAUSED_AT,
    RESUME_EVENT,
    RESUMED_AT,
    TX_HASH,
    ChainAnswer,
)
from api.shown import example

ASSET: Final = "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75"


@dataclass(kw_only=True)
class Pause:
    """One pause interval."""

    id: Annotated[
        str, Field(description="event id of its start; of its end where the start is unknown")
    ]
    paused_at: Annotated[datetime | None, Field(description="ledger close; null: start unknown")]
    resumed_at: Annotated[datetime | None, Field(description="ledger close of its end; null: open")]
    start_known: bool
    ended_by: Literal["resumed", "cancelled", "exhausted"] | None
    start_ledger: int | None
    end_ledger: int | None
    start_tx_hash: str | None
    end_tx_hash: str | None
    start_event_id: str | None
    end_event_id: str | None
    duration_seconds: Annotated[int | None, Field(description="null: open, or start unknown")]
    open: Annotated[bool, Field(description="not ended yet")]
    paused_by: PausedBy
    paused_by_role: PausedByRole


_PAUSE: Final = {
    "id": PAUSE_EVENT,
    "paused_at": PAUSED_AT,
    "resumed_at": RESUMED_AT,
    "duration_seconds": 7200,
    "open": False,
    "start_known": True,
    "ended_by": "resumed",
    "start_ledger": 1000,
    "end_ledger": 1004,
    "start_tx_hash": TX_HASH,
    "end_tx_hash": TX_HASH,
    "start_event_id": PAUSE_EVENT,
    "end_event_id": RESUME_EVENT,
    "paused_by": EMPLOYER,
    "paused_by_role": "employer",
}


@dataclass(kw_only=True)
class StreamPause(Pause):
    """One pause of a stream."""

    notified: Annotated[
        bool, Field(description="somebody was told: a message was accepted or lies in an inbox")
    ]
    claimable_at_pause: Annotated[
        str | None,
        Field(
            description="what the employee could have taken when the ledger of the pause closed, in"
            " base units of `token`; null: the contract's storage was not read while the pause was"
            " its last change"
        ),
    ]
    token: Annotated[str | None, Field(description="contract of `claimable_at_pause`")]


@dataclass(kw_only=True)
class PausesPage(ChainAnswer):
    """A page of a stream's pauses."""

    __pydantic_config__: ClassVar[ConfigDict] = example(
        **CHAIN,
        items=[{**_PAUSE, "notified": True, "claimable_at_pause": "12500000000", "token": ASSET}],
        next_cursor=None,
    )

    items: list[StreamPause]
    next_cursor: str | None
