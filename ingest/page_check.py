"""What a correct server never answers to getEvents: nothing of such a page is believed.

In: a page and the question that it answers. Out: the page; one that is full is gone on from no further than
its last event. Next: record.py.
"""

from collections.abc import Sequence

import msgspec

from ingest.cursors import is_place, needed_ledger
from ingest.decode import Page
from ingest.errors import RetentionGap, RpcUnavailable
from ingest.event_question import stands_still


def checked(
    page: Page,
    *,
    source: str,
    contracts: Sequence[str],
    cursor: str | None,
    needed: int,
    limit: int,
) -> Page:
    """The page, as far as it may be believed. Raises RetentionGap, RpcUnavailable."""
    if page.oldest_ledger > needed:
        # Some providers answer 200 and nothing for a cursor that fell out of retention.
        raise RetentionGap(page.oldest_ledger, needed, page.latest_ledger)
    if cursor is not None and page.cursor < cursor:
        raise RpcUnavailable(f"{source} went back from {cursor} to {page.cursor}")
    if stands_still(page, cursor, needed):
        raise RpcUnavailable(f"{source} has ledger {needed} and does not go on to it")
    if needed_ledger(page.cursor) - 1 > page.latest_ledger:
        # Believed, it would have us pass ledgers that nobody has scanned.
        raise RpcUnavailable(f"{source} is at {page.latest_ledger}, its cursor beyond")
    strangers = {event.contract_id for event in page.events}.difference(contracts)
    strangers.difference_update(event.contract_id for event in page.events if event.defect)
    if strangers:
        raise RpcUnavailable(f"{source} told of {len(strangers)} contracts not asked for")
    return _ends_at_its_last_event(page, cursor, source) if len(page.events) >= limit else page


def _ends_at_its_last_event(page: Page, cursor: str | None, source: str) -> Page:
    """What did not fit into a full page comes behind its last event, whatever cursor it has.

    A correct server's cursor is that event's id. One that says the window's end has passed over the rest.
    """
    last = page.events[-1].event_id
    if page.cursor <= last or not is_place(last):
        return page
    if cursor is not None and last <= cursor:
        raise RpcUnavailable(f"{source} told a page of events that {cursor} has passed")
    return msgspec.structs.replace(page, cursor=last)
