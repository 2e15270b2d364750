"""What answers about the chain look like: dataclasses that write the JSON and describe it in OpenAPI.

64-bit ids and amounts are strings (JavaScript's numbers end at 2^53); times are RFC 3339 in UTC. They
are filled from our own rows (chain_rows.py) and not checked again: that took a third of the time of a
page of pauses.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field

from api.paused_by import PausedBy, PausedByRole
from api.shown import example

Completeness = Literal["complete", "gap"]
StreamStatus = Literal["active", "paused", "cancelled", "exhausted", "unknown"]

CONTRACT: Final = "CATCJPNEBVOFPSBKI2DKO6X7O77Y3DRLHPKJ6GWGSFJK3L3II2WDFYVE"
EMPLOYER: Final = "GBQDJHJMILJ6EWJU3OEBRRIFZK5HXIQ5O6C4LCAVA2G5CGQKZUF5XEYA"
EMPLOYEE: Final = "GDLGQKTCSELDYETLKFR4G7ZAQFZ7QD35ZPDQQ7WUGSCPK5YOHBNIIZNK"
TX_HASH: Final = "3389e9f0f1a65f19736cacf544c2e825313e8447f569233bb8db39aa607c8889"
PAUSE_EVENT: Final = "0000004294967296001-0000000000"
RESUME_EVENT: Final = "0000004312147165184-0000000000"
PAUSED_AT: Final = "2026-03-02T09:15:00Z"
RESUMED_AT: Final = "2026-03-02T11:15:00Z"


@dataclass(kw_only=True)
class ChainAnswer:
    """Part of every answer about the chain's state: how fresh it is, and whether something is missing.

    `fresh_to_ledger` stays the first member: entity tags cover what follows it (etag.py).
    """

    fresh_to_ledger: Annotated[
        int | None,
        Field(
            description="everything up to this ledger is in the answer; null: nothing was scanned yet"
        ),
    ]
    completeness: Annotated[
        Completeness,
        Field(
            description="`gap`: ledgers were missed and are not healed, so pauses may be missing"
        ),
    ]


CHAIN: Final = {"fresh_to_ledger": 1010, "completeness": "complete"}


@dataclass(kw_only=True)
class Stream:
    """A payment stream as its history says it is."""

    contract_id: str
    stream_id: Annotated[str, Field(description="the contract's own number, u64 as a string")]
    status: StreamStatus
    employer: str | None
    employee: str | None
    proposed_employer: Annotated[
        str | None, Field(description="offered the stream, has not accepted")
    ]
    delegate: Annotated[str | None, Field(description="may pause for the employer")]
    rate: Annotated[str | None, Field(description="base units per second")]
    created_at: Annotated[datetime | None, Field(description="ledger close; null: not seen")]
    status_at: Annotated[
        datetime | None, Field(description="ledger close of the change to this status")
    ]
    paused_since: Annotated[
        datetime | None, Field(description="null: not paused, or paused since an unknown time")
    ]
    paused_by: PausedBy
    paused_by_role: PausedByRole
    pause_count: Annotated[
        int, Field(description="pauses with a known start, the open one included")
    ]
    total_paused_seconds: Annotated[
        int,
        Field(
            description="closed pauses; with `as_of` or `as_of_ledger` also the open one up to then"
        ),
    ]
    anomalies: Annotated[
        int, Field(description="contract events that did not fit what was known before")
    ]


_STREAM: Final = {
    "contract_id": CONTRACT,
    "stream_id": "7",
    "status": "active",
    "employer": EMPLOYER,
    "employee": EMPLOYEE,
    "proposed_employer": None,
    "delegate": None,
    "rate": "385",
    "created_at": "2026-03-01T08:00:00Z",
    "status_at": RESUMED_AT,
    "paused_since": None,
    "paused_by": None,
    "paused_by_role": None,
    "pause_count": 1,
    "total_paused_seconds": 7200,
    "anomalies": 0,
}


@dataclass(kw_only=True)
class StreamAnswer(Stream, ChainAnswer):
    """One stream."""

    __pydantic_config__: ClassVar[ConfigDict] = example(**CHAIN, **_STREAM, contract_paused=False)

    contract_paused: Annotated[bool, Field(description="the whole contract is paused")]


@dataclass(kw_only=True)
class StreamsPage(ChainAnswer):
    """A page of streams."""

    __pydantic_config__: ClassVar[ConfigDict] = example(**CHAIN, items=[_STREAM], next_cursor=None)

    items: list[Stream]
    next_cursor: str | None


@dataclass(kw_only=True)
class TimelineEntry:
    """One event of a stream."""

    event_id: str
    kind: Annotated[str, Field(description="`paused`, `resumed`, `created`, `withdrawn` …")]
    at: Annotated[datetime | None, Field(description="ledger close")]
    ledger: int
    tx_hash: Annotated[str | None, Field(description="null: read from the contract's storage")]
    employer: Annotated[str | None, Field(description="as of this event")]
    employee: Annotated[str | None, Field(description="as of this event")]
    verdict: Annotated[
        str, Field(description="`applied`, `repeated`, or `refused: …` (an anomaly)")
    ]
    late: Annotated[
        bool, Field(description="learned after later events; it stands where it happened")
    ]
    position: Annotated[int, Field(description="place in our log: the order of learning")]
    details: Annotated[
        dict[str, Any],
        Field(description="what else the event said; 64-bit and larger numbers as text"),
    ]


@dataclass(kw_only=True)
class TimelinePage(ChainAnswer):
    """A page of a stream's events, newest first."""

    __pydantic_config__: ClassVar[ConfigDict] = example(
        **CHAIN,
        items=[
            {
                "event_id": PAUSE_EVENT,
                "kind": "paused",
                "at": PAUSED_AT,
                "ledger": 1000,
                "tx_hash": TX_HASH,
                "employer": EMPLOYER,
                "employee": EMPLOYEE,
                "verdict": "applied",
                "late": False,
                "position": 42,
                "details": {"stated_at": "1772442900"},
            }
        ],
        next_cursor=None,
    )

    items: list[TimelineEntry]
    next_cursor: str | None
