"""Who was told of a stream's events, when and how: the notices, and each channel they went out on."""

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, tuple_

from api.pages import KeyInt, Keyset, page
from api.reading import Listing
from api.shown import from_seconds
from api.stream_answers import StreamKey, check_reached, known_stream
from api.told_schemas import ToldDelivery, ToldNotice, ToldPage
from notifier.content import decode_content
from notifier.schema import delivery, notice
from notifier.told_as import DELIVERIES, told_columns
from projections.reach import Reach
from projections.sets import active_set

NOTICES: Final = Keyset("notices", tuple[KeyInt, UUID])


def told_page(
    conn: Connection, reach: Reach, which: StreamKey, listed: Listing, event_id: str | None
) -> ToldPage:
    """A page of notices, newest first. Raises Problem where the stream is not known."""
    name = active_set(conn)
    check_reached(conn, name, reach, which)
    query = _notices(which, event_id, NOTICES.after(listed.cursor)).limit(listed.limit + 1)
    rows, next_cursor = page(
        conn.execute(query).all(),
        listed.limit,
        NOTICES,
        lambda row: (row.planned_at, row.notice_id),
    )
    if not rows:
        known_stream(conn, name, reach, which)
    ways = _deliveries(conn, [row.notice_id for row in rows])
    return ToldPage(
        items=[_shown(row, ways[row.notice_id]) for row in rows], next_cursor=next_cursor
    )


def _notices(which: StreamKey, event_id: str | None, after: tuple[int, UUID] | None) -> Select[Any]:
    query = (
        select(notice)
        .where(notice.c.contract_id == which.contract_id, notice.c.stream_id == which.stream_id)
        .order_by(notice.c.planned_at.desc(), notice.c.notice_id.desc())
    )
    if event_id is not None:
        query = query.where(notice.c.cause_event_id == event_id)
    if after is not None:
        place = tuple_(notice.c.planned_at, notice.c.notice_id)
        types = [notice.c.planned_at.type, notice.c.notice_id.type]
        query = query.where(place < tuple_(*after, types=types))
    return query


def _deliveries(conn: Connection, notices: list[UUID]) -> dict[UUID, list[ToldDelivery]]:
    found: dict[UUID, list[ToldDelivery]] = defaultdict(list)
    if not notices:
        return found
    query = (
        select(delivery.c.notice_id, delivery.c.channel, *told_columns())
        .select_from(DELIVERIES)
        .where(delivery.c.notice_id.in_(notices))
        .order_by(delivery.c.channel, delivery.c.endpoint)
    )
    for row in conn.execute(query):
        told = ToldDelivery(
            channel=row.channel, state=row.state, told_at=row.accepted_at or row.delivered_at
        )
        found[row.notice_id].append(told)
    return found


def _shown(row: Row[Any], ways: list[ToldDelivery]) -> ToldNotice:
    role: Any = None if row.content is None else decode_content(row.content).role
    return ToldNotice(
        kind=row.kind,
        event_id=row.cause_event_id,
        role=role,
        happened_at=from_seconds(row.closed_at),
        deliveries=ways,
    )
