"""Confirming: ledgers that were scanned are read again as whole ledgers, and compared with our record.

In: pages of a confirm job, from getLedgers or a data lake. Out: the same pages, with a dispute for each
event that getEvents had left out, or that whole ledgers do not have; T1 stores them with what is new.
Next: certificate.py says which ledgers are confirmed.

A node's getEvents answers from an index of its own, and may leave out what the ledgers hold. Storage tells
of pauses only; whole ledgers tell of every event.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ingest import coverage
from ingest.coverage import LedgerRange
from ingest.cross_check import LACKS
from ingest.decode import Page
from ingest.dispute import Dispute
from ingest.jobs import CONFIRM, DONE, Job
from ingest.sources import Position
from store.schema import evidence, ingest_job

GET_EVENTS: Final = "getEvents"


def compared(conn: Connection, job: Job, here: Position, page: Page) -> Page:
    """The page of a confirm job behind `here`, with what it and our record do not agree on."""
    rows = conn.execute(
        select(evidence.c.event_id, evidence.c.source).where(
            evidence.c.contract_id == job.contract_id,
            evidence.c.event_id > here.cursor,
            evidence.c.event_id <= page.cursor,
        )
    )
    known: dict[str, str] = {row.event_id: row.source for row in rows}
    found = [*_left_out(conn, job, page, known), *_not_there(page, known)]
    return msgspec.structs.replace(page, disputes=(*page.disputes, *found))


def _left_out(conn: Connection, job: Job, page: Page, known: dict[str, str]) -> Iterator[Dispute]:
    """What we should have known of ledgers that we have scanned."""
    scanned = [
        LedgerRange(row.from_ledger, row.to_ledger)
        for row in conn.execute(coverage.ranges(job.contract_id))
    ]
    for event in page.events:
        if event.event_id in known:
            continue
        if any(each.from_ledger <= event.ledger <= each.to_ledger for each in scanned):
            yield Dispute(event.event_id, LACKS, GET_EVENTS, page.source, page.seen_at)


def _not_there(page: Page, known: dict[str, str]) -> Iterator[Dispute]:
    told = {event.event_id for event in page.events}
    for event_id, source in known.items():
        if event_id not in told:
            yield Dispute(event_id, LACKS, page.source, source, page.seen_at)


def confirmed(conn: Connection, contract_id: str, wanted: LedgerRange) -> list[LedgerRange]:
    """The ledgers of a range that whole ledgers have confirmed, joined, in order."""
    table = ingest_job.c
    rows = conn.execute(
        select(table.from_ledger, table.to_ledger)
        .where(
            table.contract_id == contract_id,
            table.kind == CONFIRM,
            table.state == DONE,
            table.from_ledger <= wanted.to_ledger,
            table.to_ledger >= wanted.from_ledger,
        )
        .order_by(table.from_ledger)
    )
    joined: list[LedgerRange] = []
    for row in rows:
        low = max(row.from_ledger, wanted.from_ledger)
        high = min(row.to_ledger, wanted.to_ledger)
        if joined and low <= joined[-1].to_ledger + 1:
            low, high = joined[-1].from_ledger, max(high, joined.pop().to_ledger)
        joined.append(LedgerRange(low, high))
    return joined
