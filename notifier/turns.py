"""9a Whose turn it is: which of the due deliveries of a channel may be queued now.

In: a channel and how many. Out: a query for deliveries. Next: 9b pacing.py lets them pass, or wait.

Most channels know no order but urgency. Webhooks do: within a lane (one subscription, one stream) a later
delivery waits until the earlier one has come to its end, be it delivered or dead; and one receiver has
only so many under way, so that a slow one holds up nobody else.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from notifier.buckets import held_now, site_bucket
from notifier.schema import contact, delivery
from notifier.states import CLAIMED, HANDED_OFF, HELD, PENDING, PLANNED, QUEUED, RETRY_WAIT

# Channels whose deliveries have lanes.
LANED = frozenset({"webhook"})
UNDER_WAY_PER_RECEIVER = 4
# What has not come to an end.
OPEN = (PLANNED, HELD, PENDING, QUEUED, CLAIMED, HANDED_OFF, RETRY_WAIT)


def in_lanes(
    conn: Connection, channel: str, now: int, *, limit: int, order: tuple[Column[int], ...]
) -> Select[Any]:
    """Ids of at most `limit` deliveries of a channel with lanes; those another relay moves left out."""
    busy = {*_busy(conn, channel), *_held(conn, channel, now)}
    return (
        select(delivery.c.delivery_id)
        .where(delivery.c.delivery_id.in_(_in_turn(_ready(channel, now), busy, order)))
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def candidates(
    channel: str, now: int, *, limit: int, order: tuple[Column[int], ...]
) -> Select[Any]:
    """At most `limit` due deliveries with what pacing asks of them; those another relay moves left out."""
    return (
        select(
            *(delivery.c.delivery_id, delivery.c.priority, delivery.c.deadline_at),
            *(delivery.c.channel, delivery.c.contact_id),
            *(contact.c.site_lookup, contact.c.recipient_id),
        )
        .select_from(delivery.outerjoin(contact, contact.c.contact_id == delivery.c.contact_id))
        .where(_ready(channel, now))
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True, of=delivery)
    )


def waiting(conn: Connection, channels: Iterable[str], now: int) -> set[str]:
    """Those of these channels where some delivery is due; `channels` is not empty."""
    return set(conn.scalars(_waiting(tuple(channels)), {"at": now}))


@lru_cache(256)
def _waiting(channels: tuple[str, ...]) -> CompoundSelect[str]:
    """Composed once: it runs for each look."""
    at = bindparam("at", type_=BigInteger)
    return union_all(
        *(
            select(literal(channel)).where(exists().where(_ready(channel, at)))
            for channel in channels
        )
    )


def _ready(channel: str, now: int | BindParameter[int]) -> ColumnElement[bool]:
    return and_(
        delivery.c.state.in_((PENDING, RETRY_WAIT)),
        delivery.c.channel == channel,
        delivery.c.available_at <= now,
        delivery.c.deadline_at > now,
    )


def _in_turn(
    ready: ColumnElement[bool], busy: Collection[str], order: tuple[Column[int], ...]
) -> Select[Any]:
    """The first of each lane, and of those a few of each receiver that is not busy."""
    earlier = delivery.alias("earlier")
    is_first = ~exists().where(
        earlier.c.lane == delivery.c.lane,
        earlier.c.lane_position < delivery.c.lane_position,
        earlier.c.state.in_(OPEN),
    )
    place = func.row_number().over(partition_by=delivery.c.endpoint, order_by=order)
    firsts = (
        select(delivery.c.delivery_id, place.label("place"))
        .where(ready, or_(delivery.c.lane.is_(None), is_first))
        .where(delivery.c.endpoint.not_in(busy))
        .subquery()
    )
    return select(firsts.c.delivery_id).where(firsts.c.place <= UNDER_WAY_PER_RECEIVER)


def _busy(conn: Connection, channel: str) -> Collection[str]:
    """Receivers with as many under way as they may have."""
    return conn.scalars(
        select(delivery.c.endpoint)
        .where(delivery.c.channel == channel, delivery.c.state.in_((QUEUED, CLAIMED, HANDED_OFF)))
        .group_by(delivery.c.endpoint)
        .having(func.count() >= UNDER_WAY_PER_RECEIVER)
    ).all()


def _held(conn: Connection, channel: str, now: int) -> Collection[str]:
    """Receivers that asked for patience."""
    prefix = site_bucket(channel, "")
    return [each.bucket.removeprefix(prefix) for each in held_now(conn, now, prefix)]
