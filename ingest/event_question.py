"""What getEvents is asked: contracts in as few filters as there can be, and the place to go on from."""

from collections.abc import Sequence
from typing import Any, Final

from ingest.cursors import needed_ledger
from ingest.decode import Page

IDS_PER_FILTER: Final = 5
FILTERS_PER_REQUEST: Final = 5
MAX_CONTRACTS: Final = IDS_PER_FILTER * FILTERS_PER_REQUEST
_EVENT_TYPES: Final = "contract,system"


def filters_for(contracts: Sequence[str]) -> list[dict[str, Any]]:
    """Filters by contract alone, all of one shape. Raises ValueError."""
    if not 0 < len(contracts) <= MAX_CONTRACTS:
        raise ValueError(f"{len(contracts)} contracts in one request: give 1 to {MAX_CONTRACTS}")
    return [
        {"type": _EVENT_TYPES, "contractIds": list(contracts[first : first + IDS_PER_FILTER])}
        for first in range(0, len(contracts), IDS_PER_FILTER)
    ]


def needed_by(cursor: str | None, start_ledger: int | None) -> int:
    """The first ledger that has to be there. Raises ValueError, Undecodable."""
    if cursor is not None:
        return needed_ledger(cursor)
    if start_ledger is None:
        raise ValueError("give a cursor or a start_ledger")
    return start_ledger


def where_from(cursor: str | None, start_ledger: int) -> dict[str, Any]:
    """The server takes a cursor or a ledger, never both."""
    if cursor is not None:
        return {"pagination": {"cursor": cursor}}
    return {"startLedger": start_ledger}


def stands_still(page: Page, cursor: str | None, needed: int) -> bool:
    """Whether an answer brings nobody on, although it shows newer ledgers than the cursor has passed.

    A correct server scans what it has: to the end of its window, or to a full page's last event.
    """
    return page.cursor == cursor and not page.events and needed <= page.latest_ledger
