"""What a message of the feed says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.schemas import CONTRACT, EMPLOYEE, EMPLOYER, PAUSE_EVENT, PAUSED_AT, TX_HASH
from api.shown import example

MESSAGE_EXAMPLE: Final = {
    "position": 42,
    "kind": "paused",
    "contract_id": CONTRACT,
    "stream_id": "7",
    "event_id": PAUSE_EVENT,
    "at": PAUSED_AT,
    "ledger": 1000,
    "tx_hash": TX_HASH,
    "employer": EMPLOYER,
    "employee": EMPLOYEE,
    "verdict": "applied",
    "late": False,
    "details": {"stated_at": "1772442900"},
    "recorded_at": "2026-03-02T09:15:00.482113Z",
}


@dataclass(kw_only=True)
class FeedMessage:
    """One recorded event of a stream or a contract: the `data` of a message."""

    __pydantic_config__: ClassVar[ConfigDict] = example(**MESSAGE_EXAMPLE)

    position: Annotated[int, Field(description="place in our log; the message's `id`")]
    kind: Annotated[
        str,
        Field(
            description="of a fact as in timelines: `paused`, `resumed`, `created` …; `history_revised`:"
            " late facts moved this history, ask for it again; `gap_opened`, `gap_healed`, `range_filled`:"
            " ledgers of the contract that were missed, or are known now"
        ),
    ]
    contract_id: str
    stream_id: Annotated[str | None, Field(description="null: it concerns the whole contract")]
    event_id: Annotated[
        str | None, Field(description="of `history_revised`: the earliest late event")
    ]
    at: Annotated[datetime | None, Field(description="when it happened: ledger close")]
    ledger: int | None
    tx_hash: Annotated[str | None, Field(description="null: not from a transaction's event")]
    employer: Annotated[str | None, Field(description="as of this event")]
    employee: Annotated[str | None, Field(description="as of this event")]
    verdict: Annotated[
        str | None, Field(description="of a fact, as judged when it was recorded: as in timelines")
    ]
    late: Annotated[bool, Field(description="learned after later events of the same stream")]
    details: Annotated[dict[str, Any], Field(description="what else it says")]
    recorded_at: Annotated[datetime | None, Field(description="when we wrote it down")]


@dataclass(kw_only=True)
class BannerMessage:
    """The `data` of `event: banner`: the operators' word to everybody."""

    text: Annotated[str | None, Field(description="null: it was taken back")]
    since: datetime | None


@dataclass
class InboxMessage:
    """The `data` of `event: inbox`: how the caller's own inbox stands."""

    unread: Annotated[int, Field(description="notices not read yet")]
    newest: Annotated[
        UUID | None, Field(description="id of the newest notice; null: none came yet")
    ]


@dataclass(kw_only=True)
class Resync:
    """The `data` of `event: resync`."""

    position: Annotated[int, Field(description="the feed goes on behind this position")]
    reason: Annotated[
        Literal["ahead", "too_old"],
        Field(description="the id sent lies beyond the log's end, or too far behind it"),
    ]
