"""What a reader believes of a stream after the last message, and what must still be told to make it true.

In: kinds of news that wait, and what was read last at their places. Out: whether the newest one must leave.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, and_, case, exists, or_, select

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
from store.among import among, uuids

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


def must_leave(waiting: Sequence[Waiting], beliefs: Mapping[UUID, str]) -> bool:
    """Whether the newest of what waits about one subject at one place must be read; the others need not.

    Where it is alone it must: it is news; so must a reminder, which tells nothing new. Where what waits
    ends otherwise as the reader has it, nothing must.
    """
    newest = waiting[-1]
    return not _depends(waiting) or TELLS[newest.kind] != beliefs[newest.delivery_id]


def _depends(waiting: Sequence[Waiting]) -> bool:
    return len(waiting) > 1 and waiting[-1].kind != REMINDER


def believed(conn: Connection, subjects: Iterable[Sequence[Waiting]]) -> dict[UUID, str]:
    """How the reader has each subject, by the newest delivery that waits about it, where that matters.

    By the last message at its place, or at one that stands in for it; who was told nothing has it running.
    """
    asking = [waiting[-1].delivery_id for waiting in subjects if _depends(waiting)]
    if not asking:
        return {}
    rows = conn.execute(_BELIEVED, {"are_asking": asking})
    return {row.delivery_id: told(row.kind) for row in rows}


def told(kind: str | None) -> str:
    """How whoever was told this kind of news has it."""
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


# It waits to leave once more, or did not get away again: the try before may have reached the reader.
_again = delivery.alias("again")
_may_have_been = or_(
    delivery.c.possible_duplicate,
    and_(
        delivery.c.carried_by.is_not(None),
        exists().where(
            _again.c.delivery_id == delivery.c.carried_by, _again.c.possible_duplicate.is_(True)
        ),
    ),
)
_asking, _about = delivery.alias("asking"), notice.alias("about")


def _last(of_subject: ColumnElement[bool]) -> ScalarSelect[str]:
    """The kind of the last message about a subject that was read where `_asking` would be."""
    there = and_(delivery.c.channel == _asking.c.channel, delivery.c.endpoint == _asking.c.endpoint)
    # What was told at one place instead of another counts at all of them.
    instead = or_(_asking.c.purpose.is_not(None), delivery.c.purpose.is_not(None))
    return (
        select(notice.c.kind)
        .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(
            notice.c.contract_id == _about.c.contract_id,
            of_subject,
            notice.c.recipient_id == _about.c.recipient_id,
            or_(there, and_(delivery.c.channel != IN_APP, instead)),
            or_(told_by(READ), _may_have_been),
        )
        .order_by(notice.c.position.desc())
        .limit(1)
        .scalar_subquery()
    )


# One for all; each of the two kinds of subjects by the index on notices of a stream.
_BELIEVED = (
    select(
        _asking.c.delivery_id,
        case(
            (_about.c.stream_id.is_(None), _last(notice.c.stream_id.is_(None))),
            else_=_last(notice.c.stream_id == _about.c.stream_id),
        ).label("kind"),
    )
    .join_from(_asking, _about, _about.c.notice_id == _asking.c.notice_id)
    .where(among(_asking.c.delivery_id, uuids("are_asking")))
)
