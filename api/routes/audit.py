"""For auditors: the log as it was written, late and refused facts included."""

from functools import partial
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection

from api import feed_messages
from api.audit_schemas import AuditLogPage
from api.dependencies import KEYED, Auditor, Reads
from api.pages import KeyInt, Keyset, page
from api.parameters import PauseOrder
from api.problems import INVALID_CURSOR, documented
from api.reading import Listed, Listing
from store import log

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=KEYED)

_LOG: Final = {order: Keyset(f"log:{order}", tuple[KeyInt]) for order in ("asc", "desc")}


@router.get("/log", summary="The log", responses=documented(INVALID_CURSOR))
async def audit_log(
    _: Auditor, snapshot: Reads, listed: Listed, order: PauseOrder = "desc"
) -> AuditLogPage:
    """Every recorded event of streams and contracts by position: the order in which we learned them."""
    return await snapshot.read(partial(_page, listed, order))


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
