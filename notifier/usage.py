"""What telling people was used for since a time: notices, deliveries, what was read, what is paid for.

Counts only; names nobody. Canaries are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, or_, select

from notifier import seen_by_link
from notifier.retry import Outcome
from notifier.schema import attempt, delivery, notice
from notifier.states import CANARY

StreamKey = tuple[str, int | None]


class Usage(NamedTuple):
    """`read`: notices read, anywhere; `read_by_link`: first by the link of a letter.

    `helpful`, `unhelpful`: answers on the page behind it. `paid`: by stream and channel, in millionths.
    """

    notices: Mapping[str, int]
    read: int
    read_by_link: int
    helpful: int
    unhelpful: int
    people: int
    deliveries: Mapping[str, Mapping[str, int]]
    paid: Mapping[StreamKey, Mapping[str, int]]


def usage(conn: Connection, since: int, prices: Mapping[str, int] = MappingProxyType({})) -> Usage:
    """Of notices planned since then (microseconds). `prices`: of what left when none was set yet."""
    planned = (notice.c.planned_at >= since, notice.c.kind != CANARY)
    kinds = select(notice.c.kind, func.count()).where(*planned).group_by(notice.c.kind)
    read = select(func.count()).where(*planned, notice.c.read_at.is_not(None))
    people = select(func.count(notice.c.recipient_id.distinct())).where(*planned)
    deliveries: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for channel, state, count in conn.execute(_deliveries(since)):
        deliveries[channel][state] = count
    paid: defaultdict[StreamKey, Counter[str]] = defaultdict(Counter)
    for contract_id, stream_id, channel, micros, unpriced in conn.execute(_paid(since)):
        paid[contract_id, stream_id][channel] += int(micros) + unpriced * prices.get(channel, 0)
    answers = {row[0]: row[1] for row in conn.execute(seen_by_link.answers(since))}
    return Usage(
        notices={row[0]: row[1] for row in conn.execute(kinds.order_by(notice.c.kind))},
        read=conn.scalar(read) or 0,
        read_by_link=conn.scalar(seen_by_link.seen_first(since)) or 0,
        helpful=answers.get(True, 0),
        unhelpful=answers.get(False, 0),
        people=conn.scalar(people) or 0,
        deliveries=dict(sorted(deliveries.items())),
        paid=paid,
    )


def _deliveries(since: int) -> Select[str, str, int]:
    return (
        select(delivery.c.channel, delivery.c.state, func.count())
        .where(delivery.c.planned_at >= since, delivery.c.endpoint != CANARY)
        .group_by(delivery.c.channel, delivery.c.state)
        .order_by(delivery.c.channel, delivery.c.state)
    )


def _paid(since: int) -> Select[str, int, str, int, int]:
    """What tries cost when they were made, as the day's money counts it; and how many have no price.

    Of these, those that a provider took are paid for, also one that was repeated.
    """
    has_no_price = and_(attempt.c.cost.is_(None), attempt.c.result == Outcome.ACCEPTED.value)
    return (
        select(
            *(notice.c.contract_id, notice.c.stream_id, delivery.c.channel),
            func.coalesce(func.sum(attempt.c.cost), 0),
            func.sum(case((has_no_price, 1), else_=0)),
        )
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .join(attempt, attempt.c.delivery_id == delivery.c.delivery_id)
        .where(
            delivery.c.planned_at >= since,
            delivery.c.endpoint != CANARY,
            or_(attempt.c.cost.is_not(None), has_no_price),
        )
        .group_by(notice.c.contract_id, notice.c.stream_id, delivery.c.channel)
    )
