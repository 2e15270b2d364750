"""8g'' Unpaid: what there is no money for on one channel, told on another one instead.

In: notices one of whose deliveries is held, reason `cost_cap`. Out: a digest among them taken apart, so
that each news it tells of finds its way as it would by itself (told_along.py); what another channel tells,
withdrawn. What finds no way stays held, and is gathered anew when the next day begins.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, update

from notifier import states
from notifier.content import DIGEST
from notifier.schema import delivery
from notifier.spending import COST_CAP
from notifier.states import CANCELLED, HELD

IS_UNPAID = (delivery.c.state == HELD) & (delivery.c.reason == COST_CAP)


def take_apart(conn: Connection, digest_id: UUID, *, until: int, now: int) -> Sequence[UUID]:
    """Each news of a digest is held by itself, for as long as that was; returns the carried notices."""
    loosened = states.move_all(
        conn,
        (delivery.c.carried_by == digest_id) & (delivery.c.reason == DIGEST),
        origin=frozenset({CANCELLED}),
        to=HELD,
        now=now,
        changes={"reason": COST_CAP, "carried_by": None, "available_at": until},
    )
    conn.execute(update(delivery).where(delivery.c.delivery_id == digest_id).values(digest=False))
    return [each.notice_id for each in loosened]


def withdraw(conn: Connection, notice_id: UUID, now: int) -> None:
    """What another channel tells instead."""
    states.move_all(
        conn,
        (delivery.c.notice_id == notice_id) & IS_UNPAID,
        origin=frozenset({HELD}),
        to=CANCELLED,
        now=now,
        changes={"token": None, "lease_until": None},
    )
