"""Sources of past ledgers, one below the other: whichever has the page first gives it.

In:   a page that a job needs
Out:  the page, of the first source that has it; it says in `source` which one that was
Next: record.py

Endpoints' getEvents come first, as they have read their ledgers already; then getLedgers of each, which
may reach below; then the data lake. Nothing is remembered but who failed lately: the next page may come
from another source. What all of them lack is `RangeUnavailable`, with the fault of each by name.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from ingest.decode import Page
from ingest.errors import (
    IngestError,
    LedgerUnreadable,
    NodeBehind,
    NotServed,
    Permanent,
    RangeUnavailable,
    RetentionGap,
    RpcUnavailable,
    Transient,
)

# After so many failures in a row nobody waits for a source any more, though it is still asked.
WRITTEN_OFF_AFTER: Final = 10


class PageSource(Protocol):
    """Whatever tells contract events page by page."""

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """The page behind `cursor`, or from `start_ledger` on. It claims no ledger it has not scanned.

        Raises Transient (same cursor again, later) or Permanent (this source has no such page).
        """
        ...


class Past(NamedTuple):
    """Where jobs read past ledgers: from whoever has them first; to confirm: whole ledgers alone."""

    told: PageSource
    whole: PageSource


class Rung(NamedTuple):
    """A source and what it is called where it fails."""

    name: str
    source: PageSource


class Ladder:
    """A PageSource over several. One call asks each at most once."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        if not rungs:
            raise ValueError("a ladder needs at least one source")
        self._rungs = list(rungs)
        self._failures = [0] * len(self._rungs)  # in a row, of each

    def below(self) -> "Ladder":
        """The same without the first source. Raises ValueError where that is the only one."""
        return Ladder(self._rungs[1:])

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """See PageSource. Raises RpcUnavailable while a source may still have it, RangeUnavailable."""
        faults: list[IngestError] = []
        for place, rung in enumerate(self._rungs):
            try:
                page = await rung.source.fetch_page(
                    contracts=contracts, cursor=cursor, start_ledger=start_ledger, limit=limit
                )
            except (Transient, Permanent) as fault:
                faults.append(fault)
                self._failures[place] += isinstance(fault, Transient)
            else:
                self._failures[place] = 0
                return page
        raise self._verdict(faults)

    def _verdict(self, faults: Sequence[IngestError]) -> Transient | RangeUnavailable:
        told = zip(self._rungs, faults, strict=True)
        reason = "; ".join(f"{rung.name}: {fault}" for rung, fault in told)
        waits = [
            fault.retry_after
            for failures, fault in zip(self._failures, faults, strict=True)
            if isinstance(fault, Transient) and _may_come(failures, fault)
        ]
        if not waits:
            later = filter(None, map(_begins_at, faults))
            return RangeUnavailable(reason, min(later, default=None))
        soonest = None if None in waits else min(wait for wait in waits if wait is not None)
        return RpcUnavailable(reason, soonest)


def _begins_at(fault: IngestError) -> int | None:
    """From which later ledger on this source would have told."""
    if isinstance(fault, RetentionGap):
        return fault.oldest_ledger
    return fault.begins_at if isinstance(fault, NotServed | LedgerUnreadable) else None


def _may_come(failures: int, fault: Transient) -> bool:
    """A ledger that is not closed will be; a source that fails on and on may be gone for good."""
    return isinstance(fault, NodeBehind) or failures <= WRITTEN_OFF_AFTER
