"""What people did on the page behind a letter's link: that they saw it, and whether it helped.

In: the delivery that the link names. Out: its notices, and those that a digest carries, marked as read,
which ends the steps that waited for it (steps.py); one row each that says whether the link was first. An
answer is of the delivery's own notice, once, and may be changed. Twice is once.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    func,
    or_,
    select,
    update,
)

from notifier import inbox, steps
from notifier.schema import delivery, notice, recipient
from notifier.states import CANARY
from store import bulk
from store.schema import key_text, metadata

MOST_SHOWN: Final = 50

# `delivery_id`, `channel`: where the link stood. `first`: the notice was unread until then. `helpful`: the
# last answer, NULL: none. Times in microseconds.
notice_seen = Table(
    "notice_seen",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("recipient_id", key_text(), nullable=False),
    Column("delivery_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("first", Boolean, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("helpful", Boolean),
    Column("answered_at", BigInteger),
    Index("ix_notice_seen_recipient_id", "recipient_id"),
)
_COLUMNS: Final = ("notice_id", "recipient_id", "delivery_id", "channel", "first", "seen_at")


class Told(NamedTuple):
    """What a letter told: rows of `notice`, the delivery's own first, the others newest first.

    `seen`: all of it is marked as read; `helpful`: what was answered.
    """

    channel: str
    account_lookup: str
    own: UUID
    notices: Sequence[Row[Any]]
    seen: bool
    helpful: bool | None


def told_by(conn: Connection, delivery_id: UUID, *, locked: bool = False) -> Told | None:
    """What a delivery told; None: it is gone, told nobody, or the person was erased."""
    one = conn.execute(
        select(delivery.c.notice_id, delivery.c.channel, recipient.c.account_lookup)
        .join(notice, notice.c.notice_id == delivery.c.notice_id)
        .join(recipient, recipient.c.recipient_id == notice.c.recipient_id)
        .where(delivery.c.delivery_id == delivery_id)
    ).first()
    if one is None:
        return None
    if locked:
        inbox.lock(conn, _is_told(delivery_id, one.notice_id))
    found = conn.execute(_notices(delivery_id, one.notice_id))
    rows = sorted(found, key=lambda row: row.notice_id != one.notice_id)
    if not rows or rows[0].notice_id != one.notice_id:
        return None
    answered = select(notice_seen.c.helpful).where(notice_seen.c.notice_id == one.notice_id)
    seen = all(row.read_at is not None for row in rows)
    return Told(one.channel, one.account_lookup, one.notice_id, rows, seen, conn.scalar(answered))


def see(conn: Connection, delivery_id: UUID, now: int) -> Told | None:
    """Whoever has the letter saw what it tells. `now`: microseconds."""
    before = told_by(conn, delivery_id)
    if before is None:
        return None
    # Deliveries are locked before notices, by everybody.
    steps.seen(conn, [row.notice_id for row in before.notices if row.read_at is None], now)
    told = told_by(conn, delivery_id, locked=True)
    if told is None:
        return None
    unread = [row.notice_id for row in told.notices if row.read_at is None]
    rows = [
        (
            *(row.notice_id, row.recipient_id, delivery_id, told.channel),
            *(row.read_at is None, now),
        )
        for row in told.notices
    ]
    bulk.insert_many(conn, notice_seen, _COLUMNS, rows, on_conflict="nothing")
    inbox.mark(conn, unread, now)
    return told._replace(seen=True)


def answer(conn: Connection, delivery_id: UUID, now: int, *, helpful: bool) -> Told | None:
    """Whether it helped, in the words of whoever has the letter; the last answer counts."""
    told = see(conn, delivery_id, now)
    if told is None:
        return None
    conn.execute(
        update(notice_seen)
        .where(notice_seen.c.notice_id == told.own)
        .values(helpful=helpful, answered_at=now)
    )
    return told._replace(helpful=helpful)


def seen_first(since: int) -> Select[int]:
    """How many notices planned since then (microseconds) were read by a link, not in the inbox."""
    planned = (notice.c.planned_at >= since, notice_seen.c.first)
    joined = select(func.count()).select_from(notice_seen)
    return joined.join(notice, notice.c.notice_id == notice_seen.c.notice_id).where(*planned)


def answers(since: int) -> Select[bool, int]:
    """Of those notices, how many helped, and how many did not."""
    return (
        select(notice_seen.c.helpful, func.count())
        .join(notice, notice.c.notice_id == notice_seen.c.notice_id)
        .where(notice.c.planned_at >= since, notice_seen.c.helpful.is_not(None))
        .group_by(notice_seen.c.helpful)
    )


def _is_told(delivery_id: UUID, own: UUID) -> ColumnElement[bool]:
    """The notices that a delivery tells of: its own, and those that it carries."""
    carried = select(delivery.c.notice_id).where(delivery.c.carried_by == delivery_id)
    return or_(notice.c.notice_id == own, notice.c.notice_id.in_(carried))


def _notices(delivery_id: UUID, own: UUID) -> Select[Any]:
    return (
        select(notice)
        .where(
            _is_told(delivery_id, own),
            notice.c.content.is_not(None),
            notice.c.kind != CANARY,
        )
        .order_by(notice.c.planned_at.desc(), notice.c.notice_id)
    )
