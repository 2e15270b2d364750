"""A digest: one delivery that carries what others at its place would have told.

The carried ones are cancelled, say why, and name their carrier (`carried_by`), so that each can be followed
to the message that told it. As long as that has not left, it can be taken apart again.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, or_, select

from notifier import states
from notifier.attempts import Claim
from notifier.beliefs import LEAVING, told_by
from notifier.content import DIGEST, IN_APP, Content, decode_content
from notifier.privacy import Vault
from notifier.restraint import GATHERED
from notifier.schema import delivery, notice
from notifier.states import Move
from notifier.still_paused import is_reminder, may_leave
from notifier.waiting import Waiting, in_parts
from store.bulk_update import update_many

ANSWERED = "answered"  # what it told had ended before it left
# Newer news of the same stream has left before it; to another place, where one stands in for the other.
OVERTAKEN = "overtaken"
# Of a delivery that is nobody's any more: no claim, no digest.
LOOSE = {"token": None, "lease_until": None, "digest": False, "carried_by": None}


def _query(of: ColumnElement[bool]) -> Any:
    later, told = delivery.alias("later"), notice.alias("told")
    overtaken = exists().where(
        told.c.contract_id == notice.c.contract_id,
        told.c.stream_id.is_not_distinct_from(notice.c.stream_id),
        told.c.position > notice.c.position,
        told.c.recipient_id == notice.c.recipient_id,
        later.c.notice_id == told.c.notice_id,
        or_(
            and_(later.c.channel == delivery.c.channel, later.c.endpoint == delivery.c.endpoint),
            and_(
                or_(delivery.c.purpose.is_not(None), later.c.purpose.is_not(None)),
                later.c.channel != IN_APP,
            ),
        ),
        told_by(LEAVING, later),
    )
    return (
        select(
            notice.c.content,
            notice.c.kind,
            notice.c.recipient_id,
            notice.c.contract_id,
            notice.c.stream_id,
            notice.c.cause_event_id,
            overtaken.label("overtaken"),
        )
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(of)
        .order_by(notice.c.position, delivery.c.delivery_id)
    )


# Composed once: one of them runs for each letter.
_IS_ID = bindparam("is_delivery_id", type_=delivery.c.delivery_id.type)
_OWN = _query(delivery.c.delivery_id == _IS_ID)
_ALL = _query(or_(delivery.c.delivery_id == _IS_ID, delivery.c.carried_by == _IS_ID))


def told_in(conn: Connection, held: Claim, vault: Vault) -> tuple[Content, ...]:
    """What a claimed delivery tells, in the order of what happened, without what newer news overtook.

    Nor does it remind of a pause that is over.
    """
    query = _ALL if held.digest else _OWN
    rows = conn.execute(query, {"is_delivery_id": held.delivery_id})
    return tuple(
        decode_content(row.content)
        for row in rows.all()
        if row.content is not None
        and not row.overtaken
        and (not is_reminder(row) or may_leave(conn, vault, row))
    )


def take_back(conn: Connection, waiting: Collection[Waiting], now: int) -> None:
    """Hold what is not: also what was in a digest, or on its way to a worker."""
    for some in in_parts([each.delivery_id for each in waiting if each.state != states.HELD]):
        states.move_all(
            conn,
            delivery.c.delivery_id.in_(some),
            origin=states.WITHDRAWABLE - {states.HELD} | {states.CANCELLED},
            to=states.HELD,
            now=now,
            changes=LOOSE | {"reason": GATHERED},
        )


class Message(NamedTuple):
    """What one place is told at once. `over_cap`: an operator let go of it, whatever the day has cost."""

    told: Sequence[Waiting]
    over_cap: bool

    @property
    def carrier(self) -> Waiting:
        """The one that leaves: what carries most of it already, so that this need not be written anew."""
        carries = Counter(each.carried_by for each in self.told)

        def rank(each: Waiting) -> tuple[bool, int, int, UUID]:
            return (not each.attempts, carries[each.delivery_id], each.position, each.delivery_id)

        return max(self.told, key=rank)

    @property
    def carried(self) -> list[tuple[Waiting, UUID]]:
        """The others, each with the one that carries it."""
        carrier = self.carrier
        return [(each, carrier.delivery_id) for each in self.told if each is not carrier]


def pass_on(conn: Connection, messages: Sequence[Message], now: int) -> set[UUID]:
    """What one digest carried and another one is to carry: it stays cancelled, which the log knows.

    Moved, each would be a fact anew whenever a digest that has long to wait is told more.
    """
    carried = [
        (each, by)
        for message in messages
        for each, by in message.carried
        if each.state == states.CANCELLED
    ]
    update_many(
        conn,
        delivery,
        ("delivery_id",),
        ("carried_by", "updated_at"),
        [(each.delivery_id, by, now) for each, by in carried if each.carried_by != by],
        where=f"delivery.state = '{states.CANCELLED}'",
        returning=(delivery.c.delivery_id,),
    )
    return {each.delivery_id for each, _ in carried}


def carry(conn: Connection, messages: Sequence[Message], now: int) -> None:
    """Let one of each message leave now, and tell of the others too: of those that are held."""
    others = [
        _move(each, states.CANCELLED, now, {"reason": DIGEST, "carried_by": by})
        for message in messages
        for each, by in message.carried
        if each.state != states.CANCELLED
    ]
    leaving = [
        _move(
            message.carrier,
            states.PENDING,
            now,
            {
                "reason": None,
                "digest": len(message.told) > 1,
                "available_at": now,
                "released_at": now,
                "over_cap": message.over_cap,
                "priority": min(each.priority for each in message.told),
                "deadline_at": max(each.deadline_at for each in message.told),
            },
        )
        for message in messages
    ]
    states.move_each(conn, [*others, *leaving])


def _move(waiting: Waiting, to: str, now: int, changes: Mapping[str, Any]) -> Move:
    return Move(waiting.delivery_id, frozenset({states.HELD}), to, {}, now, changes)


def cancel(conn: Connection, delivery_ids: Sequence[UUID], reason: str, now: int) -> None:
    """Withdraw held deliveries for good."""
    for some in in_parts(delivery_ids):
        states.move_all(
            conn,
            delivery.c.delivery_id.in_(some),
            origin=frozenset({states.HELD}),
            to=states.CANCELLED,
            now=now,
            changes={"reason": reason, "carried_by": None},
        )


def hold_on(conn: Connection, waiting: Sequence[tuple[Waiting, int]], now: int) -> None:
    """Hold what is due once more, until then, and let it be of use as much longer.

    What follows it is not due yet.
    """
    update_many(
        conn,
        delivery,
        ("delivery_id",),
        ("available_at", "deadline_at", "updated_at"),
        [(each.delivery_id, until, each.deadline_at + until - now, now) for each, until in waiting],
        where=f"delivery.state = '{states.HELD}'",
        returning=(delivery.c.delivery_id,),
    )


def release(conn: Connection, of: ColumnElement[bool], now: int) -> int:
    """Let held deliveries leave, each by itself."""
    moved = states.move_all(
        conn,
        of,
        origin=frozenset({states.HELD}),
        to=states.PENDING,
        now=now,
        changes={"released_at": now, "reason": None},
    )
    return len(moved)
