"""Whole ledgers -> a Page of contract events, the same as getEvents would have told.

In:   ledgers in order, each with its number and its close meta (endpoint.py, lake.py)
Out:  Page; its cursor has passed the last ledger that was wholly read, and no other
Next: record.py, as for any page

Evidence is made by the code that makes it of getEvents' answers, from the same fields. Ledgers must
follow each other: by number, and by the hash that each has of the one before.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ingest.cursors import ledger_of, needed_ledger, window_end
from ingest.decode import ContractEvent, Page, contract_event
from ingest.errors import LedgerUnreadable, RpcUnavailable
from ingest.ledgers.header import Header, read_header
from ingest.ledgers.meta import events_of
from store.clock import now_micros

_RAW_ID: Final = slice(1, 33)  # of a strkey's bytes: the version before, the checksum behind


class RawLedger(NamedTuple):
    """One ledger as a source hands it out: LedgerCloseMeta XDR."""

    sequence: int
    meta: bytes


class Place(NamedTuple):
    """Where a page begins: the first ledger that is needed, and the cursor within it, if any."""

    ledger: int
    cursor: str | None

    @classmethod
    def of(cls, cursor: str | None, start_ledger: int | None) -> "Place":
        """Of what a fetch is asked for. Raises Undecodable, ValueError."""
        if cursor is not None:
            return cls(needed_ledger(cursor), cursor)
        if start_ledger is None:
            raise ValueError("give a cursor or a start_ledger")
        return cls(start_ledger, None)


class ReadLedgers(NamedTuple):
    """What some ledgers held, up to the last one that was read."""

    events: list[ContractEvent]
    first: Header
    last: Header

    def page(self, *, source: str) -> Page:
        """As a page of that source. Its window is what was read: it says nothing about any other."""
        return Page(
            events=self.events,
            cursor=window_end(self.last.sequence),
            oldest_ledger=self.first.sequence,
            latest_ledger=self.last.sequence,
            oldest_closed_at=self.first.closed_at,
            latest_closed_at=self.last.closed_at,
            source=source,
            seen_at=now_micros(),
        )


def raw_ids(contracts: Sequence[str]) -> dict[bytes, str]:
    """{the 32 bytes of a contract's id: its strkey}."""
    return {base64.b32decode(each)[_RAW_ID]: each for each in contracts}


def read_ledgers(
    ledgers: Iterable[RawLedger], *, contracts: Sequence[str], place: Place, limit: int, source: str
) -> ReadLedgers:
    """Read from the first ledger needed on, until `limit` events or more are found; never half a ledger.

    Raises LedgerUnreadable where the first one does not read (a later one ends the page before it), and
    RpcUnavailable where the first is not the one that is needed or one does not follow the one before.
    """
    wanted = raw_ids(contracts)
    events: list[ContractEvent] = []
    first: Header | None = None
    last: Header | None = None
    try:
        for raw in ledgers:
            if raw.sequence != (place.ledger if last is None else last.sequence + 1):
                break
            header = read_header(raw.meta, raw.sequence)
            if last is not None and header.previous_hash != last.hash:
                raise RpcUnavailable(
                    f"{source}: ledger {raw.sequence} does not follow the one before it"
                )
            events += [contract_event(told) for told in events_of(raw.meta, header, wanted)]
            first, last = first or header, header
            if len(events) >= limit:
                break
    except LedgerUnreadable:
        if last is None:
            raise
    if first is None or last is None:
        raise RpcUnavailable(f"{source} did not hand out ledger {place.ledger}")
    return ReadLedgers(_behind(events, place.cursor), first, last)


def _behind(events: list[ContractEvent], cursor: str | None) -> list[ContractEvent]:
    """Without those that a cursor within the first ledger has passed."""
    if cursor is None or not events or events[0].ledger != ledger_of(cursor):
        return events
    return [event for event in events if event.event_id > cursor]
