"""Asking two endpoints for the same events and comparing: what one of them hides or tells otherwise.

In: the page that one endpoint told. Out: the same with what the other one knew besides, and a dispute
for each event that they do not agree on; T1 stores the disputes together with the events (disputes.py).

Compared is what both have wholly scanned: event ids up to the lesser of the two cursors. `always` gives
out nothing beyond that; while no second endpoint answers, or it is far behind, pages pass unchecked and
the log says so.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import structlog

from ingest.decode import ContractEvent, Page
from ingest.dispute import Dispute
from ingest.endpoint import LAG_LEDGERS
from ingest.errors import IngestError
from ingest.event_question import needed_by
from ingest.rpc import EventSource

_LOG = structlog.get_logger()
SAMPLED: Final = 0.1  # of the pages
LACKS, DIFFERS = "lacks", "differs"

Mode = Literal["sample", "always"]
AskAnother = Callable[[Callable[[EventSource], Awaitable[Page]]], Awaitable[Page]]


class Question(NamedTuple):
    """One getEvents, to be put to whichever endpoint."""

    contracts: Sequence[str]
    cursor: str | None
    start_ledger: int | None
    limit: int

    @property
    def needed(self) -> int:
        """The first ledger that is asked for."""
        return needed_by(self.cursor, self.start_ledger)

    async def put_to(self, rpc: EventSource) -> Page:
        """Raises as EventSource.fetch_page."""
        return await rpc.fetch_page(
            contracts=self.contracts,
            cursor=self.cursor,
            start_ledger=self.start_ledger,
            limit=self.limit,
        )


class CrossCheck:
    """Compares every page, or one in ten."""

    def __init__(self, mode: Mode, dice: random.Random | None = None) -> None:
        self._mode = mode
        self._dice = dice or random.Random()
        self._is_blind = False

    def is_due(self) -> bool:
        """Whether the page at hand is to be checked."""
        return self._mode == "always" or self._dice.random() < SAMPLED

    async def checked(self, page: Page, question: Question, ask_another: AskAnother) -> Page:
        """The page as both know it; as it is where there is no second opinion."""
        try:
            other = await ask_another(question.put_to)
        except IngestError as trouble:
            self._sees(nothing_because=str(trouble))
            return page
        if other.latest_ledger < page.latest_ledger - LAG_LEDGERS:
            self._sees(nothing_because=f"{other.source} is at ledger {other.latest_ledger}")
            return page
        self._sees(nothing_because=None)
        checked = compare(page, other)
        if self._mode == "sample":
            return checked
        return _up_to(checked, min(page.cursor, other.cursor), question.cursor)

    def _sees(self, *, nothing_because: str | None) -> None:
        """Say when checking becomes impossible, and when it is possible again; not each time."""
        is_blind = nothing_because is not None
        if is_blind and not self._is_blind:
            _LOG.warning("cross_check_impossible", reason=nothing_because)
        if self._is_blind and not is_blind:
            _LOG.info("cross_check_possible")
        self._is_blind = is_blind


def compare(page: Page, other: Page) -> Page:
    """The page with the other's events up to where both have scanned, and what they dispute."""
    common = min(page.cursor, other.cursor)
    ours = {event.event_id: event for event in page.events}
    theirs = {event.event_id: event for event in other.events if event.event_id <= common}
    disputes = [
        _dispute(event, ours.get(event_id), page, other)
        for event_id, event in theirs.items()
        if event_id not in ours or ours[event_id].sha256 != event.sha256
    ]
    disputes += [
        Dispute(event_id, LACKS, other.source, page.source, other.seen_at)
        for event_id in ours
        if event_id <= common and event_id not in theirs
    ]
    if not disputes:
        return page
    both = f"{page.source} and {other.source}"
    events: list[ContractEvent] = [both_know for _, both_know in sorted((theirs | ours).items())]
    return msgspec.structs.replace(page, events=events, disputes=tuple(disputes), source=both)


def _dispute(theirs: ContractEvent, ours: ContractEvent | None, page: Page, other: Page) -> Dispute:
    """What the other one tells and we do not have, or have otherwise."""
    if ours is None:
        return Dispute(theirs.event_id, LACKS, page.source, other.source, other.seen_at)
    return Dispute(
        theirs.event_id,
        DIFFERS,
        other.source,
        page.source,
        other.seen_at,
        theirs.sha256,
        theirs.evidence_bytes,
    )


def _up_to(page: Page, common: str, cursor: str | None) -> Page:
    """What is scanned by both; nothing new where one of them has not gone on."""
    if common >= page.cursor:
        return page
    if cursor is not None and common <= cursor:
        return msgspec.structs.replace(page, events=[], disputes=(), cursor=cursor)
    events = [event for event in page.events if event.event_id <= common]
    return msgspec.structs.replace(page, events=events, cursor=common)
