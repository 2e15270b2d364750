"""What of some bundles has not left yet, be it by itself or in a digest that has not left.

In: bundles, locked by the caller. Out: one row for each delivery, with what its notice is about. A place is
a channel and an endpoint of one person; a subject is a stream, or a whole contract.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from notifier.content import DIGEST
from notifier.news import REMINDER, family
from notifier.schema import delivery, notice
from notifier.states import CANCELLED, WITHDRAWABLE

_AT_ONCE = 500

Place = tuple[str, str]
Subject = tuple[str, int | None]


class Waiting(NamedTuple):
    """A delivery that has not left. `carried_by`: the digest that would carry it. Times in microseconds."""

    delivery_id: UUID
    bundle: str
    recipient_id: str
    place: Place
    subject: Subject
    kind: str
    position: int
    state: str
    reason: str | None
    available_at: int
    deadline_at: int
    priority: int
    attempts: int
    carried_by: UUID | None
    over_cap: bool


def waiting_in(
    conn: Connection, bundles: Collection[str], *, locked: bool = False
) -> list[Waiting]:
    """All of it, in the order of what happened. `locked`: nobody hands any of it over meanwhile.

    What may have left before (a person let it go again) is nobody's to take back, and left out.
    """
    rows: list[Row[Any]] = []
    for some in in_parts(sorted(bundles)):
        rows += conn.execute(_locked(_open(delivery.c.bundle.in_(some)), locked=locked)).all()
    carriers = [row.delivery_id for row in rows if row.digest]
    for some in in_parts(carriers):
        rows += conn.execute(_locked(_carried(some), locked=locked)).all()
    return sorted(map(_waiting, rows), key=_in_order)


def waiting_about(
    conn: Connection, bundles: Collection[str], streams: Collection[int | None]
) -> list[Waiting]:
    """What of it is about some streams, or about whole contracts (None), in no order.

    An employer of thousands may have as many waiting; news of one stream asks for what is about that.
    """
    numbers = [each for each in streams if each is not None]
    about = [notice.c.stream_id.in_(some) for some in in_parts(numbers)]
    if None in streams:
        about.append(notice.c.stream_id.is_(None))
    rows: list[Row[Any]] = []
    for some in in_parts(sorted(bundles)):
        among = delivery.c.bundle.in_(some)
        found = [_open(among), *map(_carried, in_parts(conn.scalars(_digests(among)).all()))]
        for query in found:
            for each in about:
                rows += conn.execute(query.where(each)).all()
    return [*map(_waiting, rows)]


def _in_order(each: Waiting) -> tuple[int, bool, UUID]:
    """A reminder stands behind the pause that it is about, also where nothing was recorded since."""
    return each.position, each.kind == REMINDER, each.delivery_id


def in_parts(keys: Collection[Any]) -> Iterator[list[Any]]:
    """SQLite takes at most 999 parameters in old builds."""
    wanted = list(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        yield wanted[start : start + _AT_ONCE]


def _has_not_left() -> ColumnElement[bool]:
    return and_(
        delivery.c.state.in_(sorted(WITHDRAWABLE)), delivery.c.possible_duplicate.is_(False)
    )


def _open(of: ColumnElement[bool]) -> Select[Any]:
    return _selected(of, _has_not_left())


def _digests(of: ColumnElement[bool]) -> Select[tuple[UUID]]:
    return select(delivery.c.delivery_id).where(of, _has_not_left(), delivery.c.digest)


def _carried(carriers: list[UUID]) -> Select[Any]:
    return _selected(
        delivery.c.carried_by.in_(carriers),
        delivery.c.state == CANCELLED,
        delivery.c.reason == DIGEST,
    )


def _locked(query: Select[Any], *, locked: bool) -> Select[Any]:
    return query.with_for_update(of=delivery) if locked else query


def _selected(*where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            delivery.c.delivery_id,
            delivery.c.bundle,
            notice.c.recipient_id,
            delivery.c.channel,
            delivery.c.endpoint,
            notice.c.contract_id,
            notice.c.stream_id,
            notice.c.kind,
            notice.c.position,
            delivery.c.state,
            delivery.c.reason,
            delivery.c.available_at,
            delivery.c.deadline_at,
            delivery.c.priority,
            delivery.c.attempts,
            delivery.c.carried_by,
            delivery.c.over_cap,
            delivery.c.digest,
        )
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(*where)
        .order_by(delivery.c.delivery_id)
    )


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        row.delivery_id,
        row.bundle,
        row.recipient_id,
        (row.channel, row.endpoint),
        (row.contract_id, row.stream_id),
        family(row.kind),
        row.position,
        row.state,
        row.reason,
        row.available_at,
        row.deadline_at,
        row.priority,
        row.attempts,
        row.carried_by,
        row.over_cap,
    )
