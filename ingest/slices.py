"""What one transaction takes: a slice of a page, or several small pages of different contracts.

A page larger than a slice is written in several transactions; all but the last only move `through` (the
last event id recorded of that page). Pages that share a transaction are whole, hold together no more
events than a slice, and no contract twice: each one's facts are decided on as if it stood alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger
from ingest.decode import ContractEvent, Page
from ingest.sources import Position, Source

# 800 contracts: SQLite takes no more than 999 parameters in old builds.
MOST_PAGES: Final = 32


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A page of a source, and the position that it was fetched from."""

    page: Page
    source: Source
    position: Position


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Part of a page: its events, and the position before and after."""

    fetched: Fetched
    events: Sequence[ContractEvent]
    before: Position
    after: Position
    scanned: LedgerRange | None
    closes: dict[int, int]


def slices(fetched: Fetched, size: int) -> Iterator[Slice]:
    """Cut a page into slices; the last one carries the page's cursor."""
    page, position = fetched.page, fetched.position
    events = page.events
    before = position
    for first in range(0, max(len(events), 1), size):
        part = events[first : first + size]
        closes = {event.ledger: event.closed_at for event in part if event.defect is None}
        scanned = None
        if first + size < len(events):
            through = part[-1].event_id
            after = Position(source=position.source, cursor=position.cursor, through=through)
        else:
            after = Position(source=position.source, cursor=page.cursor)
            scanned = LedgerRange(needed_ledger(position.cursor), needed_ledger(page.cursor) - 1)
            closes[page.latest_ledger] = page.latest_closed_at
        yield Slice(
            fetched=fetched,
            events=part,
            before=before,
            after=after,
            scanned=scanned,
            closes=closes,
        )
        before = after


class Company:
    """Pages that may share a transaction."""

    def __init__(self, first: Fetched, slice_events: int) -> None:
        self._room = slice_events - len(first.page.events)
        self._pages = 1
        self._contracts = set(first.source.contract_ids)

    def takes(self, other: Fetched) -> bool:
        """Whether another page may join; it has joined then."""
        contracts = other.source.contract_ids
        events = len(other.page.events)
        if self._pages == MOST_PAGES or events > self._room:
            return False
        if not self._contracts.isdisjoint(contracts):
            return False
        self._pages += 1
        self._room -= events
        self._contracts.update(contracts)
        return True
