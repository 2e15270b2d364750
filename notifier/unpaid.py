"""8g' Unpaid: what there is no money for on one channel, told on another one instead.

In: notices one of whose deliveries is held, reason `cost_cap`. Out: a digest among them taken apart, so
that each news it tells of finds its way as it would by itself; what another channel tells, withdrawn. What
finds no way stays held, and is gathered anew when the next day begins.
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, or_, select, update

from notifier import states
from notifier.content import DIGEST
from notifier.places import PlannedDelivery
from notifier.restraint import GATHERED
from notifier.schema import delivery
from notifier.spending import COST_CAP
from notifier.states import CANCELLED, HELD


class Together(NamedTuple):
    """Notices that look for another way together. `bundle`: where a digest told of them, else None."""

    notice_ids: tuple[UUID, ...]
    bundle: str | None = None


def concerned(notice_ids: Collection[UUID]) -> ColumnElement[bool]:
    """All deliveries of these notices, and of those that their unpaid digests tell of."""
    digest, carried = delivery.alias("digest"), delivery.alias("carried")
    unpaid = select(digest.c.delivery_id).where(
        digest.c.notice_id.in_(notice_ids), digest.c.digest, digest.c.reason == COST_CAP
    )
    others = select(carried.c.notice_id).where(carried.c.carried_by.in_(unpaid))
    return or_(delivery.c.notice_id.in_(notice_ids), delivery.c.notice_id.in_(others))


def take_apart(conn: Connection, notice_id: UUID, now: int) -> Together:
    """The digests of a notice that there is no money for: each news is held by itself."""
    unpaid = conn.execute(
        select(delivery.c.delivery_id, delivery.c.bundle, delivery.c.available_at).where(
            delivery.c.notice_id == notice_id, _IS_UNPAID, delivery.c.digest
        )
    ).all()
    told, bundle = {notice_id: None}, None
    for row in unpaid:
        bundle = row.bundle
        loosened = states.move_all(
            conn,
            (delivery.c.carried_by == row.delivery_id) & (delivery.c.reason == DIGEST),
            origin=frozenset({CANCELLED}),
            to=HELD,
            now=now,
            changes={"reason": COST_CAP, "carried_by": None, "available_at": row.available_at},
        )
        alone = update(delivery).where(delivery.c.delivery_id == row.delivery_id)
        conn.execute(alone.values(digest=False))
        told |= dict.fromkeys(each.notice_id for each in loosened)
    return Together(tuple(told), bundle)


def gathered(planned: PlannedDelivery, bundle: str) -> PlannedDelivery:
    """To be told together with what was in one digest with it, on its new channel too."""
    reason = GATHERED if planned.state != HELD else planned.reason
    return planned._replace(state=HELD, reason=reason, bundle=bundle)


def withdraw(conn: Connection, notice_id: UUID, now: int) -> None:
    """What another channel tells instead."""
    states.move_all(
        conn,
        (delivery.c.notice_id == notice_id) & _IS_UNPAID,
        origin=frozenset({HELD}),
        to=CANCELLED,
        now=now,
        changes={"token": None, "lease_until": None},
    )


_IS_UNPAID = (delivery.c.state == HELD) & (delivery.c.reason == COST_CAP)
