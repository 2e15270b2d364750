"""13 One attempt: claimed, and marked as handed off right before its bytes leave.

In: a delivery's id and generation from a message. Out: rows of `delivery` and `attempt`. Next: ending.py
settles it with its outcome.

Claims and marks are written for as many deliveries as the caller has at once. Every function is
one part of a transaction that is committed durably: a lost hand-off mark would be a second letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from notifier import switch
from notifier.result import SENDING
from notifier.schema import attempt
from notifier.states import CLAIMED, HANDED_OFF, PENDING, QUEUED, Move, move_each, move_one
from store.bulk import insert_many

_MARK_COLUMNS = (
    *("delivery_id", "n", "provider", "phase"),
    *("started_at", "handed_off_at", "worker", "cost"),
)
_CLAIMED_COLUMNS = (
    *("notice_id", "channel", "contact_id", "planned_at", "deadline_at"),
    *("priority", "bundle", "digest", "over_cap"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a delivery until the lease ends. Times in microseconds."""

    delivery_id: UUID
    notice_id: UUID
    channel: str
    contact_id: UUID | None
    token: str
    attempt_number: int
    planned_at: int
    deadline_at: int
    claimed_at: int
    lease_until: int
    priority: int = 0
    bundle: str | None = None
    digest: bool = False
    over_cap: bool = False


class Message(NamedTuple):
    """A message that came, and the token of whoever works on it."""

    delivery_id: UUID
    generation: int
    token: str


class Mark(NamedTuple):
    """A letter that is about to be handed over. `cost`: its price, in millionths; 0: none is set."""

    held: Claim
    provider: str
    cost: int = 0


def claim(
    conn: Connection, messages: Sequence[Message], *, now: int, lease_until: int
) -> list[Claim | None]:
    """Take queued deliveries; None: another has it, or the message is an old or second copy."""
    moves = [
        Move(
            each.delivery_id,
            frozenset({QUEUED}),
            CLAIMED,
            {"generation": each.generation},
            now,
            {"token": each.token, "lease_until": lease_until},
        )
        for each in messages
    ]
    return [
        row
        and Claim(
            delivery_id=each.delivery_id,
            token=each.token,
            attempt_number=row.attempts + 1,
            claimed_at=now,
            lease_until=lease_until,
            **{name: getattr(row, name) for name in _CLAIMED_COLUMNS},
        )
        for each, row in zip(messages, move_each(conn, moves), strict=True)
    ]


def hand_off(
    conn: Connection, marks: Sequence[Mark], *, worker: str, now: int, lease_until: int
) -> list[bool]:
    """The mark: once it is committed the bytes may leave. False: they must not.

    Refused when the sending switch is off, or when the claim was lost or is about to be.
    """
    if not marks or switch.status(conn).paused:
        return [False] * len(marks)
    changes = {"lease_until": lease_until, "handed_off_at": now}
    in_time = [each for each in marks if now < each.held.lease_until]
    moves = [
        Move(
            held.delivery_id,
            frozenset({CLAIMED}),
            HANDED_OFF,
            {"token": held.token},
            now,
            changes | {"attempts": held.attempt_number, "provider": provider},
        )
        for held, provider, _ in in_time
    ]
    found = zip(in_time, move_each(conn, moves), strict=True)
    marked = {each.held.token: each for each, row in found if row is not None}
    rows = []
    for held, provider, cost in marked.values():
        times = (held.claimed_at, now)
        key = (held.delivery_id, held.attempt_number)
        rows.append((*key, provider, SENDING, *times, worker, cost or None))
    insert_many(conn, attempt, _MARK_COLUMNS, rows, on_conflict="error")
    return [each.held.token in marked for each in marks]


def put_back(
    conn: Connection, held: Claim, *, now: int, until: int | None = None, reason: str | None = None
) -> bool:
    """Give a claimed delivery back unsent, at no attempt's cost; due at once, or at `until`."""
    due = {} if until is None else {"available_at": until}
    return drop(conn, held, to=PENDING, now=now, reason=reason, **due)


def withdraw(conn: Connection, held: Claim, *, to: str, reason: str, now: int) -> bool:
    """A claimed delivery that must not leave any more: late, erased, suppressed."""
    return drop(conn, held, to=to, now=now, reason=reason)


def drop(conn: Connection, held: Claim, *, to: str, now: int, **changes: Any) -> bool:
    """Let a claim go; False: it was lost."""
    row = move_one(
        conn,
        held.delivery_id,
        origin=frozenset({CLAIMED}),
        to=to,
        guard={"token": held.token},
        now=now,
        changes={"token": None, "lease_until": None, **changes},
    )
    return row is not None
