"""Digests that have not left, taken apart again: as a whole, or what is told anew without the rest.

In: deliveries that are withdrawn, or taken back by a gathering. Out: what is left of their digests, held,
or a digest that nobody has read yet.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from notifier import states
from notifier.content import DIGEST
from notifier.digests import LOOSE
from notifier.restraint import GATHERED
from notifier.schema import delivery
from notifier.waiting import Waiting, in_parts


def dissolve(conn: Connection, touched: ColumnElement[bool], now: int) -> int:
    """Take apart the digests that carry, or would be, one of these deliveries and have not left.

    What was in them is held, due now: the next gathering tells what is left of it. Whoever waited for a
    carrier here may find that a gathering has meanwhile put its news into another one: asked again.
    """
    loose, known = 0, set[UUID]()
    while carriers := _carriers(conn, touched) - known:
        known |= carriers
        for some in in_parts(sorted(carriers)):
            loose += _loosen(conn, some, now)
    return loose


def _carriers(conn: Connection, touched: ColumnElement[bool]) -> set[UUID]:
    are = select(delivery.c.delivery_id).where(touched, delivery.c.digest)
    have = select(delivery.c.carried_by).where(touched, delivery.c.carried_by.is_not(None))
    return {*conn.scalars(are), *conn.scalars(have)}


def _loosen(conn: Connection, some: Sequence[UUID], now: int) -> int:
    """Those of them that have not left. Where that is not sure, what they carry may have been told, too."""
    unsent = delivery.c.state.in_(sorted(states.WITHDRAWABLE))
    found = conn.execute(
        select(delivery.c.delivery_id, delivery.c.possible_duplicate.label("repeats"))
        .where(delivery.c.delivery_id.in_(some), unsent)
        .order_by(delivery.c.delivery_id)
        .with_for_update()
    ).all()
    carriers = [row.delivery_id for row in found]
    may_be_told = delivery.c.carried_by.in_([row.delivery_id for row in found if row.repeats])
    changes = LOOSE | {"reason": GATHERED, "available_at": now}
    moved = states.move_all(
        conn,
        delivery.c.carried_by.in_(carriers) & (delivery.c.reason == DIGEST),
        origin=frozenset({states.CANCELLED}),
        to=states.HELD,
        now=now,
        changes=changes | {"possible_duplicate": or_(delivery.c.possible_duplicate, may_be_told)},
    )
    moved += states.move_all(
        conn,
        delivery.c.delivery_id.in_(carriers),
        origin=states.WITHDRAWABLE - {states.HELD},
        to=states.HELD,
        now=now,
        changes=changes,
    )
    # One that waits for money goes on waiting, for itself alone.
    conn.execute(update(delivery).where(delivery.c.delivery_id.in_(carriers)).values(digest=False))
    return len(moved)


def lighten(conn: Connection, taken: Collection[Waiting], now: int) -> None:
    """Of digests from which something was taken back, and not themselves.

    A worker that has read one's letter already loses its claim: it would tell what is told anew. One that
    carries nothing more tells its own news alone.
    """
    ids = {each.delivery_id for each in taken}
    carried = delivery.alias("carried")
    for some in in_parts({each.carried_by for each in taken} - ids - {None}):
        states.move_all(
            conn,
            delivery.c.delivery_id.in_(some),
            origin=frozenset({states.CLAIMED}),
            to=states.PENDING,
            now=now,
            changes={"token": None, "lease_until": None},
        )
        conn.execute(
            update(delivery)
            .where(
                delivery.c.delivery_id.in_(some),
                delivery.c.digest,
                ~exists().where(carried.c.carried_by == delivery.c.delivery_id),
            )
            .values(digest=False)
        )
