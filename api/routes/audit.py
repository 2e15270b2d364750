"""For auditors: the log as it was written, late and refused facts included, and who read what."""

from functools import partial
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection

from api import feed_messages, read_log
from api.audit_schemas import AuditLogPage
from api.dependencies import KEYED, Auditor, Reads
from api.pages import KeyInt, Keyset, page
from api.parameters import PauseOrder
from api.problems import INVALID_CURSOR, documented
from api.read_schemas import ReadEntry, ReadFiltersQuery, ReadsPage
from api.reading import Listed, Listing
from store import log

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=KEYED)

_LOG: Final = {order: Keyset(f"log:{order}", tuple[KeyInt]) for order in ("asc", "desc")}
_READS: Final = Keyset("reads", tuple[KeyInt, UUID])


@router.get("/log", summary="The log", responses=documented(INVALID_CURSOR))
async def audit_log(
    _: Auditor, snapshot: Reads, listed: Listed, order: PauseOrder = "desc"
) -> AuditLogPage:
    """Every recorded event of streams and contracts by position: the order in which we learned them."""
    return await snapshot.read(partial(_page, listed, order))


@router.get("/reads", summary="Who read what", responses=documented(INVALID_CURSOR))
async def audit_reads(
    _: Auditor, snapshot: Reads, listed: Listed, filters: ReadFiltersQuery
) -> ReadsPage:
    """Every question of a key or session and how it ended, newest first, a second after it was asked."""
    after = _READS.after(listed.cursor)
    query = read_log.page(
        read_log.Asked(
            since=filters.since_micros,
            actor=filters.key,
            contract_id=filters.contract_id,
            stream_id=filters.stream_id,
        ),
        limit=listed.limit + 1,
        after=None if after is None else read_log.Place(*after),
    )
    found = await snapshot.read(lambda conn: conn.execute(query).all())
    rows, next_cursor = page(found, listed.limit, _READS, lambda row: (row.at, row.entry_id))
    return ReadsPage(items=[ReadEntry.model_validate(row) for row in rows], next_cursor=next_cursor)


def _page(listed: Listing, order: str, conn: Connection) -> AuditLogPage:
    head = log.head(conn)
    after = _LOG[order].after(listed.cursor)
    wanted = listed.limit + 1
    if order == "asc":
        start = 0 if after is None else after[0]
        recorded = log.read_of_chain(conn, start, up_to=head, limit=wanted)
    else:
        start = head + 1 if after is None else after[0]
        recorded = log.read_of_chain_back(conn, start, limit=wanted)
    rows, next_cursor = page(recorded, listed.limit, _LOG[order], lambda row: (row.position,))
    return AuditLogPage(
        head_position=head, items=feed_messages.shown(conn, rows), next_cursor=next_cursor
    )
