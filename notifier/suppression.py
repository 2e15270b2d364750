"""The suppression list: places that must not be written to, why, and since when.

Planning and each claim look at it, so a place put on it gets nothing more, whatever is already on its
way to it. A place is found by its keyed hash: the list outlives contacts and erasure, and names nobody.
Older news changes nothing, so callbacks may arrive in any order.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    func,
    or_,
    select,
    tuple_,
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
# What the person's own word takes back, as a provider passes it on.
LIFTED_BY_CONSENT = (STOP, UNSUBSCRIBED)
# What a code that came back from the place takes back. Not STOP: carriers hold to it, whatever we say.
LIFTED_BY_CODE = (HARD_BOUNCE, COMPLAINT, UNSUBSCRIBED)
# A place that was refused or that complained gets few codes, and only those asked for since.
WARY = (HARD_BOUNCE, COMPLAINT)
# Who or what takes a reason off a place.
BY_CODE: Final = "code"
BY_START: Final = "start"
BY_OPERATOR: Final = "operator"
UNDONE_BY: Final[Mapping[str, str]] = dict.fromkeys(LIFTED_BY_CODE, BY_CODE) | {
    STOP: BY_START,
    OPERATOR: BY_OPERATOR,
}
_KEY = ("channel", "destination_lookup", "reason")
_COLUMNS = (*_KEY, "source", "changed_at", "lifted_at")


class Against(NamedTuple):
    """What stands against a place. `since`: when it was said last, microseconds."""

    reason: str
    since: int
    undone_by: str


def put(conn: Connection, channel: str, lookup: str, reason: str, *, source: str, at: int) -> None:
    """Put a place on the list. `source`: who says so. `at`: when it was said, microseconds."""
    _change(conn, (channel, lookup, reason, source, at, None))


def lift(conn: Connection, channel: str, lookup: str, reason: str, *, source: str, at: int) -> None:
    """Take one reason off a place; said before anybody put it on, it counts against older news."""
    _change(conn, (channel, lookup, reason, source, at, at))


def lift_all(conn: Connection, channel: str, lookup: str, *, at: int) -> list[str]:
    """An operator's word that a place may be written to again; returns the reasons that it took off.

    A complaint stays: who made it takes it back, by a code.
    """
    here = (_of(channel, lookup), suppression.c.lifted_at.is_(None))
    lifted = conn.execute(
        update(suppression)
        .where(*here, suppression.c.reason != COMPLAINT)
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


def keeps_code(channel: Any, lookup: Any, asked_at: Any) -> ScalarSelect[Any]:
    """As `reason_for`, for a code, which its owner asked for at `asked_at` to be written to again."""
    refused_since = and_(suppression.c.reason.in_(WARY), suppression.c.changed_at > asked_at)
    return (
        select(func.min(suppression.c.reason))
        .where(
            _of(channel, lookup),
            suppression.c.lifted_at.is_(None),
            or_(suppression.c.reason.not_in(LIFTED_BY_CODE), refused_since),
        )
        .correlate_except(suppression)
        .scalar_subquery()
    )


def standing(
    conn: Connection, places: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Against]]:
    """What stands against places (channel, keyed hash), the newest first; who is not named may be told."""
    found: dict[tuple[str, str], list[Against]] = {}
    if not places:
        return found
    place = tuple_(suppression.c.channel, suppression.c.destination_lookup)
    rows = conn.execute(
        select(suppression)
        .where(place.in_(list(places)), suppression.c.lifted_at.is_(None))
        .order_by(suppression.c.changed_at.desc(), suppression.c.reason)
    )
    for row in rows:
        against = Against(row.reason, row.changed_at, UNDONE_BY[row.reason])
        found.setdefault((row.channel, row.destination_lookup), []).append(against)
    return found


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
