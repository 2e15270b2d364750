"""Deliveries as operators see and steer them: list, redrive, cancel.

Redriving is a person's word that a letter may leave again: it gets a new deadline, and is flagged as a
possible duplicate where an earlier attempt may have reached its destination.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from notifier import taken_apart
from notifier.errors import FilterInvalid
from notifier.retry import Outcome
from notifier.schema import attempt, delivery, notice
from notifier.spending import COST_CAP
from notifier.states import (
    CANCELLED,
    EXPIRED,
    FAILED,
    HELD,
    MOVES,
    PENDING,
    UNKNOWN,
    WITHDRAWABLE,
    lock,
    move_all,
)
from notifier.waiting import in_parts
from store.wake import OUTBOX, Bell

REDRIVABLE = frozenset({UNKNOWN, FAILED, EXPIRED})
# How long a redriven letter may take, whatever its first deadline was.
REDRIVE_SECONDS = 3600
HOLDABLE = frozenset({HELD})
OPERATOR = "operator"
_SECOND = 1_000_000
# Our housekeeping, shown to nobody.
_OWN = ("token", "contact_id", "lane", "lane_position", "bundle")


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries; conditions left out match all. As text: `state=unknown`."""

    delivery: UUID | None = None
    notice: UUID | None = None
    state: str | None = None
    channel: str | None = None
    endpoint: str | None = None
    reason: str | None = None
    provider: str | None = None
    purpose: str | None = None
    carried_by: UUID | None = None

    def condition(self) -> ColumnElement[bool]:
        """As SQL."""
        columns = {
            "delivery": delivery.c.delivery_id,
            "notice": delivery.c.notice_id,
            "state": delivery.c.state,
            "channel": delivery.c.channel,
            "endpoint": delivery.c.endpoint,
            "reason": delivery.c.reason,
            "provider": delivery.c.provider,
            "purpose": delivery.c.purpose,
            "carried_by": delivery.c.carried_by,
        }
        wanted = {name: getattr(self, name) for name in columns}
        return and_(
            True,  # matches all where nothing is asked for
            *(columns[name] == value for name, value in wanted.items() if value is not None),
        )


class Place(NamedTuple):
    """Where a page ended: keyset of the listing."""

    planned_at: int
    delivery_id: UUID


def parse_filter(conditions: Iterable[str]) -> Filter:
    """`["state=unknown", "channel=email"]` as a Filter. Raises FilterInvalid."""
    pairs = [condition.partition("=") for condition in conditions]
    try:
        found = msgspec.convert({name: value for name, _, value in pairs}, Filter, strict=False)
    except msgspec.ValidationError as error:
        names = ", ".join(Filter.__struct_fields__)
        raise FilterInvalid(f"{error}: give name=value with one of {names}") from error
    if found.state is not None and found.state not in MOVES:
        raise FilterInvalid(f"no state {found.state}: give one of {', '.join(MOVES)}")
    return found


def listing(wanted: Filter, *, after: Place | None, limit: int) -> Select[Any]:
    """Newest first. Names no destination: whose it is stays behind the notice."""
    rows = (
        select(
            *(column for column in delivery.c if column.name not in _OWN),
            notice.c.kind,
            notice.c.cause_event_id,
            notice.c.contract_id,
            notice.c.stream_id,
            notice.c.late,
            notice.c.closed_at,
        )
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(wanted.condition())
        .order_by(delivery.c.planned_at.desc(), delivery.c.delivery_id.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(delivery.c.planned_at, delivery.c.delivery_id)
        rows = rows.where(place < tuple_(after.planned_at, after.delivery_id))
    return rows


def movable(wanted: Filter, origin: frozenset[str]) -> Select[Any]:
    """Ids of the deliveries that a redrive or release would move."""
    return (
        select(delivery.c.delivery_id)
        .where(wanted.condition(), delivery.c.state.in_(sorted(origin)))
        .order_by(delivery.c.planned_at, delivery.c.delivery_id)
    )


def withdrawable(wanted: Filter) -> Select[Any]:
    """Ids of the deliveries that `cancel` would withdraw: also those that an unsent digest carries."""
    carrier = delivery.alias("carrier")
    unsent = exists().where(
        carrier.c.delivery_id == delivery.c.carried_by, carrier.c.state.in_(sorted(WITHDRAWABLE))
    )
    return (
        select(delivery.c.delivery_id)
        .where(wanted.condition(), or_(delivery.c.state.in_(sorted(WITHDRAWABLE)), unsent))
        .order_by(delivery.c.planned_at, delivery.c.delivery_id)
    )


def attempts_of(delivery_id: UUID) -> Select[Any]:
    """Every try of a delivery, the first one first."""
    return select(attempt).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.n)


def redrive(conn: Connection, bell: Bell, wanted: Filter, *, now: int) -> list[UUID]:
    """Let unknown, failed and expired deliveries try again; returns those that will."""
    may_have_left = exists().where(
        attempt.c.delivery_id == delivery.c.delivery_id,
        or_(attempt.c.result == Outcome.UNKNOWN.value, attempt.c.result.is_(None)),
    )
    moved = move_all(
        conn,
        wanted.condition(),
        origin=REDRIVABLE,
        to=PENDING,
        now=now,
        changes={
            "available_at": now,
            "deadline_at": now + REDRIVE_SECONDS * _SECOND,
            "token": None,
            "lease_until": None,
            "reason": None,
            "over_cap": or_(delivery.c.over_cap, _is_unpaid()),
            "possible_duplicate": or_(
                delivery.c.possible_duplicate, delivery.c.state == UNKNOWN, may_have_left
            ),
        },
    )
    bell.ring(conn, OUTBOX)
    return [row.delivery_id for row in moved]


def release(conn: Connection, bell: Bell, wanted: Filter, *, now: int) -> list[UUID]:
    """Let held deliveries leave before their time; returns those that will.

    What belongs to a bundle is gathered next, so that nobody gets at once what can be told together.
    """
    released = conn.scalars(
        update(delivery)
        .where(wanted.condition(), delivery.c.state.in_(sorted(HOLDABLE)))
        .values(
            available_at=now,
            released_at=now,
            over_cap=or_(delivery.c.over_cap, _is_unpaid()),
            reason=None,
            updated_at=now,
        )
        .returning(delivery.c.delivery_id)
    ).all()
    bell.ring(conn, OUTBOX)
    return list(released)


def _is_unpaid() -> ColumnElement[bool]:
    """That there was no money left for it; a person's word is worth more than the cap."""
    return func.coalesce(delivery.c.reason, "") == COST_CAP


def cancel(conn: Connection, wanted: Filter, *, now: int, reason: str = OPERATOR) -> list[UUID]:
    """Withdraw what has not been handed off; returns those withdrawn.

    Where that is a digest, what it carried is told without it, unless it is withdrawn as well.
    """
    # Chosen before digests are taken apart, which moves them out of the condition.
    chosen = conn.scalars(withdrawable(wanted).order_by(None)).all()
    lock(conn, chosen)
    cancelled: list[UUID] = []
    for some in in_parts(chosen):
        theirs = delivery.c.delivery_id.in_(some)
        taken_apart.dissolve(conn, theirs, now)
        moved = move_all(
            conn,
            theirs,
            origin=WITHDRAWABLE,
            to=CANCELLED,
            now=now,
            changes={"token": None, "lease_until": None, "reason": reason},
        )
        cancelled += [row.delivery_id for row in moved]
    return cancelled
