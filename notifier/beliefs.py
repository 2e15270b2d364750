"""What a reader believes of a stream after the last message, and what must still be told to make it true.

In: kinds of news that wait, and what was read last on that place. Out: whether the newest one must leave.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from domain.state import ACTIVE, CANCELLED, PAUSED
from notifier import states
from notifier.content import IN_APP
from notifier.news import (
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    REMINDER,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    STREAM_PAUSED,
    STREAM_RESUMED,
    family,
)
from notifier.schema import delivery, notice
from notifier.waiting import Waiting

TELLS: Mapping[str, str] = {
    STREAM_PAUSED: PAUSED,
    CONTRACT_PAUSED: PAUSED,
    REMINDER: PAUSED,
    STREAM_RESUMED: ACTIVE,
    CONTRACT_RESUMED: ACTIVE,
    STREAM_CANCELLED: CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED: CANCELLED,
}
# It reached the reader, or may have.
READ = (
    states.HANDED_OFF,
    states.ACCEPTED,
    states.DELIVERED,
    states.COMPLAINED,
    states.UNKNOWN,
)
# It was read, or is about to be.
LEAVING = (*READ, states.PENDING, states.QUEUED, states.CLAIMED, states.RETRY_WAIT)


def must_leave(conn: Connection, waiting: Sequence[Waiting]) -> bool:
    """Whether the newest of what waits about one subject at one place must be read; the others need not.

    Where it is alone it must: it is news; so must a reminder, which tells nothing new. Where what waits
    ends otherwise as the reader has it, nothing must.
    """
    newest = waiting[-1]
    if len(waiting) == 1 or newest.kind == REMINDER:
        return True
    return TELLS[newest.kind] != believed(conn, newest)


def believed(conn: Connection, about: Waiting) -> str:
    """How the reader has it by the last message at this place; who was told nothing has it running.

    What was told at one place instead of another counts at all of them.
    """
    contract_id, stream_id = about.subject
    channel, endpoint = about.place
    there = and_(delivery.c.channel == channel, delivery.c.endpoint == endpoint)
    elsewhere = delivery.c.channel != IN_APP
    if about.purpose is None:
        elsewhere &= delivery.c.purpose.is_not(None)
    kind = conn.scalar(
        select(notice.c.kind)
        .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(
            notice.c.contract_id == contract_id,
            notice.c.stream_id.is_not_distinct_from(stream_id),
            notice.c.recipient_id == about.recipient_id,
            or_(there, elsewhere),
            told_by(READ),
        )
        .order_by(notice.c.position.desc())
        .limit(1)
    )
    return ACTIVE if kind is None else TELLS.get(family(kind), ACTIVE)


def told_by(in_states: tuple[str, ...], of: Any = delivery) -> ColumnElement[bool]:
    """That a delivery, or the digest that carries it, is in one of these states."""
    carrier = delivery.alias("carrier")
    return or_(
        of.c.state.in_(in_states),
        and_(
            of.c.carried_by.is_not(None),
            exists().where(
                carrier.c.delivery_id == of.c.carried_by, carrier.c.state.in_(in_states)
            ),
        ),
    )
