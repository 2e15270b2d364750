"""What the contract route answers: the contract-wide pause, its history, and what was scanned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field

from api.pause_schemas import Pause
from api.paused_by import PausedBy, PausedByRole
from api.schemas import CONTRACT, EMPLOYER, PAUSED_AT, RESUMED_AT, ChainAnswer
from api.shown import example


@dataclass(kw_only=True)
class LedgerRange:
    """Ledgers, both ends included."""

    from_ledger: int
    to_ledger: int


@dataclass(kw_only=True)
class Gap(LedgerRange):
    """Ledgers that were never scanned."""

    since: Annotated[datetime | None, Field(description="when we learned of it")]
    healed_by: Annotated[
        str | None,
        Field(
            description="null: open; `storage`: the pauses are known; else: where the events came from"
        ),
    ]
    healed_at: datetime | None


_PAUSE: Final = {
    "id": "0000004329327034368-0000000000",
    "paused_at": PAUSED_AT,
    "resumed_at": RESUMED_AT,
    "duration_seconds": 7200,
    "open": False,
    "start_known": True,
    "ended_by": "resumed",
    "start_ledger": 1008,
    "end_ledger": 1009,
    "start_tx_hash": None,
    "end_tx_hash": None,
    "start_event_id": "0000004329327034368-0000000000",
    "end_event_id": "0000004333622001664-0000000000",
    "paused_by": EMPLOYER,
    "paused_by_role": "authority",
}


@dataclass(kw_only=True)
class ContractAnswer(ChainAnswer):
    """One contract."""

    __pydantic_config__: ClassVar[ConfigDict] = example(
        fresh_to_ledger=1010,
        completeness="complete",
        contract_id=CONTRACT,
        paused=False,
        paused_since=None,
        paused_by=None,
        paused_by_role=None,
        pause_count=1,
        total_paused_seconds=7200,
        wasm=None,
        coverage=[{"from_ledger": 900, "to_ledger": 1010}],
        gaps=[],
        pauses=[_PAUSE],
    )

    contract_id: str
    paused: Annotated[bool, Field(description="contract-wide: no stream of it can be used")]
    paused_since: datetime | None
    paused_by: PausedBy
    paused_by_role: PausedByRole
    pause_count: int
    total_paused_seconds: Annotated[int, Field(description="closed pauses with a known start")]
    wasm: Annotated[
        str | None, Field(description="hash of its code, hex, since an upgrade was seen")
    ]
    coverage: Annotated[
        list[LedgerRange], Field(description="ledgers scanned, at most the newest 200 ranges")
    ]
    gaps: Annotated[list[Gap], Field(description="open and healed, at most the newest 200")]
    pauses: Annotated[
        list[Pause],
        Field(
            description="contract-wide pauses, newest first, at most 50; all: `/v1/contracts/…/pauses`"
        ),
    ]


@dataclass(kw_only=True)
class ContractPausesPage(ChainAnswer):
    """A page of a contract's own pauses."""

    __pydantic_config__: ClassVar[ConfigDict] = example(
        fresh_to_ledger=1010, completeness="complete", items=[_PAUSE], next_cursor=None
    )

    items: list[Pause]
    next_cursor: str | None
