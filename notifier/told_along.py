"""8g' Told along: what a digest was to tell, once it comes to nothing, finds its way as it would by itself.

In: notices one of whose deliveries came to nothing, is in doubt (doubts.py), or is held for want of money.
Out: with each the others that its digests were to tell, and what of them goes to one place together, held
and gathered there.

A digest that left stays what it was, and what it carries names it: an operator may redrive it, and its
provider say that it arrived after all. How what it carries stands is read from it (told_as.py).
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from notifier import states, told_as, unpaid
from notifier.beliefs import LEAVING
from notifier.content import DIGEST
from notifier.doubts import is_doubted
from notifier.news import REMINDER, family
from notifier.places import PlannedDelivery
from notifier.restraint import GATHERED
from notifier.schema import delivery, notice
from notifier.states import CAME_TO_NOTHING, CANCELLED, HELD
from notifier.told_as import DELIVERIES
from notifier.waiting import Place, in_parts


class Together(NamedTuple):
    """Notices that look for another way together. `along`: a digest was to tell them."""

    notice_ids: tuple[UUID, ...]
    along: bool = False


class About(NamedTuple):
    """A bundle and a kind of news."""

    bundle: str | None
    kind: str

    def of_kind(self) -> ColumnElement[bool]:
        """On rows of `notice`."""
        if family(self.kind) == REMINDER:
            return notice.c.kind.startswith(REMINDER)
        return notice.c.kind == self.kind


def lock(conn: Connection, notice_ids: Collection[UUID]) -> None:
    """All deliveries of these notices, and of those that their digests tell along, by id.

    With them the digests that may have told one of them.
    """
    concerned = set(notice_ids)
    for some in in_parts(notice_ids):
        mine = select(delivery.c.delivery_id).where(
            delivery.c.notice_id.in_(some), delivery.c.digest
        )
        carriers = conn.scalars(mine).all()
        for few in in_parts(carriers):
            carried = select(delivery.c.notice_id).where(delivery.c.carried_by.in_(few))
            concerned |= set(conn.scalars(carried))
    theirs: set[UUID] = set()
    for some in in_parts(concerned):
        both = (delivery.c.delivery_id, delivery.c.carried_by)
        for row in conn.execute(select(*both).where(delivery.c.notice_id.in_(some))):
            theirs |= {row.delivery_id, row.carried_by} - {None}
    states.lock(conn, theirs)


def together(conn: Connection, notice_id: UUID, now: int) -> Together:
    """A notice and what its digests were to tell; one that there is no money for is taken apart.

    Also those of which nobody told what became of them.
    """
    ended = or_(delivery.c.state.in_(sorted(CAME_TO_NOTHING)), unpaid.IS_UNPAID, is_doubted())
    query = select(delivery.c.delivery_id, delivery.c.state, delivery.c.available_at).where(
        delivery.c.notice_id == notice_id, delivery.c.digest, ended
    )
    digests = conn.execute(query).all()
    told = {notice_id: None}
    for row in digests:
        if row.state == HELD:
            told |= dict.fromkeys(
                unpaid.take_apart(conn, row.delivery_id, until=row.available_at, now=now)
            )
        else:
            told |= dict.fromkeys(conn.scalars(_carried(row.delivery_id)))
    return Together(tuple(told), bool(digests))


def _carried(delivery_id: UUID) -> Select[UUID]:
    return (
        select(delivery.c.notice_id)
        .where(
            delivery.c.carried_by == delivery_id,
            delivery.c.state == CANCELLED,
            delivery.c.reason == DIGEST,
        )
        .order_by(delivery.c.delivery_id)
    )


def turn(conn: Connection, place: Place, about: About, window: int, now: int) -> int:
    """When news may go to a place: a window after its reader was last told news of its kind there."""
    if about.bundle is None:
        return now
    told = select(func.max(told_as.RELEASED_AT), func.max(told_as.HANDED_OFF_AT)).select_from(
        DELIVERIES.join(notice, notice.c.notice_id == delivery.c.notice_id)
    )
    last = conn.execute(
        told.where(
            delivery.c.bundle == about.bundle,
            delivery.c.channel == place[0],
            delivery.c.endpoint == place[1],
            told_as.STATE.in_(LEAVING),
            about.of_kind(),
        )
    ).one()
    times: list[int] = [at for at in last if at is not None]
    return max([now, *(at + window for at in times)])


def restrained(
    planned: PlannedDelivery, bundle: str | None, until: int, *, along: bool
) -> PlannedDelivery:
    """As planning restrains what is new: alone at once, or held until then and gathered (gather.py)."""
    longer = max(until - planned.available_at, 0)
    if bundle is None or not (along or longer):
        return planned._replace(bundle=bundle)
    return planned._replace(
        state=HELD,
        reason=planned.reason if planned.state == HELD and not longer else GATHERED,
        available_at=planned.available_at + longer,
        deadline_at=planned.deadline_at + longer,
        bundle=bundle,
    )
