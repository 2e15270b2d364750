"""The suppression list: places that must not be written to, why, and since when.

Planning and each claim look at it, so a place put on it gets nothing more, whatever is already on its
way to it. A place is found by its keyed hash: the list outlives contacts and erasure, and names nobody.
Older news changes nothing, so callbacks may arrive in any order.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    func,
    or_,
    select,
    update,
)

from notifier import changes
from notifier.changes import Said, note_of_place
from notifier.schema import suppression
from store import bulk

HARD_BOUNCE = "hard_bounce"  # the place does not exist
COMPLAINT = "complaint"  # the person called it spam
STOP = "stop"  # the person answered STOP
UNSUBSCRIBED = "unsubscribed"  # the person asked for no more
OPERATOR = "operator"
REASONS = (HARD_BOUNCE, COMPLAINT, STOP, UNSUBSCRIBED, OPERATOR)
# What the person's own word takes back.
LIFTED_BY_CONSENT = (STOP, UNSUBSCRIBED)
_KEY = ("channel", "destination_lookup", "reason")
_COLUMNS = (*_KEY, "source", "changed_at", "lifted_at")


def put(conn: Connection, channel: str, lookup: str, reason: str, *, source: str, at: int) -> None:
    """Put a place on the list. `source`: who says so. `at`: when it was said, microseconds."""
    _change(conn, (channel, lookup, reason, source, at, None))


def lift(conn: Connection, channel: str, lookup: str, reason: str, *, source: str, at: int) -> None:
    """Take one reason off a place; said before anybody put it on, it counts against older news."""
    _change(conn, (channel, lookup, reason, source, at, at))


def lift_all(conn: Connection, channel: str, lookup: str, *, at: int) -> list[str]:
    """An operator's word that a place may be written to again; returns the reasons there were."""
    lifted = conn.execute(
        update(suppression)
        .where(_of(channel, lookup), suppression.c.lifted_at.is_(None))
        .values(source=OPERATOR, changed_at=at, lifted_at=at)
        .returning(suppression.c.reason)
    )
    reasons = sorted(lifted.scalars())
    for reason in reasons:
        said = Said(changes.LIFTED, reason, OPERATOR, at)
        note_of_place(conn, channel, lookup, said)
    return reasons


def reason_for(channel: Any, lookup: Any) -> ScalarSelect[Any]:
    """Why a place is not written to, as part of a statement; NULL: it may be."""
    return (
        select(func.min(suppression.c.reason))
        .where(_of(channel, lookup), suppression.c.lifted_at.is_(None))
        .correlate_except(suppression)
        .scalar_subquery()
    )


def listing(limit: int) -> Select[Any]:
    """What is on the list, the newest first."""
    return (
        select(suppression)
        .where(suppression.c.lifted_at.is_(None))
        .order_by(suppression.c.changed_at.desc(), suppression.c.destination_lookup)
        .limit(limit)
    )


def _of(channel: Any, lookup: Any) -> ColumnElement[bool]:
    return and_(suppression.c.channel == channel, suppression.c.destination_lookup == lookup)


def _change(conn: Connection, row: tuple[Any, ...]) -> None:
    """Write the row unless newer news stands there; of two at one instant the cautious one stands."""
    channel, lookup, reason, source, at, lifted_at = row
    what = changes.SUPPRESSED if lifted_at is None else changes.LIFTED
    if bulk.insert_many(conn, suppression, _COLUMNS, [row], on_conflict="nothing"):
        if lifted_at is None:
            note_of_place(conn, channel, lookup, Said(what, reason, source, at))
        return
    there = (_of(channel, lookup), suppression.c.reason == reason)
    before = conn.scalar(select(suppression.c.lifted_at).where(*there))
    older = suppression.c.changed_at < at
    if lifted_at is None:
        older = or_(older, suppression.c.changed_at == at)
    written = conn.execute(
        update(suppression)
        .where(*there, older)
        .values(source=source, changed_at=at, lifted_at=lifted_at)
    )
    if written.rowcount and (before is None) != (lifted_at is None):
        note_of_place(conn, channel, lookup, Said(what, reason, source, at))
