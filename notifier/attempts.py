"""13 One attempt: claimed, marked as handed off right before its bytes leave, settled with its outcome.

In: a delivery's id and generation from a message; later the outcome. Out: rows of `delivery` and
`attempt`, a fact for the log, the provider's health. Next: 14 latency.py reads the times.

Every function is one part of a transaction that the caller commits durably: a lost hand-off mark
would be a second letter.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, update

from notifier import aftermath, circuit, steps, switch
from notifier.channels.channel import Receipt
from notifier.errors import DestinationRejected
from notifier.result import SENDING, Result
from notifier.retry import NextStep, next_step
from notifier.schema import attempt
from notifier.states import (
    ACCEPTED,
    CLAIMED,
    DELIVERED,
    EXPIRED,
    HANDED_OFF,
    PENDING,
    QUEUED,
    RETRY_WAIT,
    UNKNOWN,
    move_one,
)
from notifier.tries import tries_of
from store.gather import ask_once, change_later, insert_later

_RESULT_COLUMNS = (
    *("result", "status_code", "enhanced_code", "detail", "retry_after_seconds"),
    *("provider_message_id", "ended_at"),
)
_MARK_COLUMNS = (
    *("delivery_id", "n", "provider", "phase"),
    *("started_at", "handed_off_at", "worker", "cost"),
)
_CLAIMED_COLUMNS = (
    *("notice_id", "channel", "contact_id", "planned_at", "deadline_at"),
    *("priority", "bundle", "digest", "over_cap"),
)
# Composed once: it runs for every letter.
_COMPLETED = (
    update(attempt)
    .where(attempt.c.delivery_id == bindparam("is_delivery_id"), attempt.c.n == bindparam("is_n"))
    .values({name: bindparam(f"to_{name}") for name in _RESULT_COLUMNS})
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


def claim(
    conn: Connection, delivery_id: UUID, generation: int, *, token: str, now: int, lease_until: int
) -> Claim | None:
    """Take a queued delivery; None: another has it, or this message is an old or second copy."""
    row = move_one(
        conn,
        delivery_id,
        origin=frozenset({QUEUED}),
        to=CLAIMED,
        guard={"generation": generation},
        now=now,
        changes={"token": token, "lease_until": lease_until},
    )
    if row is None:
        return None
    return Claim(
        delivery_id=delivery_id,
        token=token,
        attempt_number=row.attempts + 1,
        claimed_at=now,
        lease_until=lease_until,
        **{name: getattr(row, name) for name in _CLAIMED_COLUMNS},
    )


def hand_off(  # noqa: PLR0913 # the claim, who hands over to whom, when, and at what price
    conn: Connection,
    held: Claim,
    *,
    provider: str,
    worker: str,
    now: int,
    lease_until: int,
    cost: int = 0,
) -> bool:
    """The mark: once it is committed the bytes may leave. False: they must not.

    Refused when the sending switch is off, or when the claim was lost or is about to be.
    """
    if now >= held.lease_until or ask_once(conn, switch.status).paused:
        return False
    row = move_one(
        conn,
        held.delivery_id,
        origin=frozenset({CLAIMED}),
        to=HANDED_OFF,
        guard={"token": held.token},
        now=now,
        changes={
            "lease_until": lease_until,
            "attempts": held.attempt_number,
            "provider": provider,
            "handed_off_at": now,
        },
    )
    if row is None:
        return False
    mark = (held.delivery_id, held.attempt_number, provider, SENDING, held.claimed_at, now, worker)
    insert_later(conn, attempt, _MARK_COLUMNS, [(*mark, cost or None)])
    return True


def settle(
    conn: Connection, held: Claim, result: Result, *, chance: float, another: bool = False
) -> NextStep | None:
    """Write an attempt's outcome and what follows from it; None: the claim was lost, nothing changed.

    After a hand-off it also settles what the sweeper meanwhile called unknown: a late answer counts.
    `another`: a provider stands behind this one. It would refuse a place that is refused for itself, too.
    """
    step = next_step(
        result.outcome,
        another=another and not isinstance(result.answer, DestinationRejected),
        spent=tries_of(conn, held.delivery_id, result, n=held.attempt_number),
        retry_after_seconds=result.retry_after_seconds,
        now=result.ended_at,
        deadline_at=held.deadline_at,
        chance=chance,
    )
    if isinstance(result.answer, Receipt) and result.answer.has_arrived:
        step = NextStep(DELIVERED)
    row = move_one(
        conn,
        held.delivery_id,
        origin=_origin(result, step),
        to=step.state,
        guard={"token": held.token},
        now=result.ended_at,
        changes=_changes(held, result, step),
    )
    if row is None:
        return None
    _complete(conn, held, result)
    if step.state == DELIVERED:
        steps.arrived(conn, held.notice_id, result.ended_at)
    aftermath.follow(conn, held.channel, held.contact_id, result)
    if isinstance(result.answer, Receipt):
        circuit.note_success(conn, result.provider, result.ended_at)
    else:
        circuit.note_fault(conn, result.provider, result.answer, result.ended_at)
    return step


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


def _origin(result: Result, step: NextStep) -> frozenset[str]:
    if result.phase != SENDING:
        return frozenset({CLAIMED})
    return frozenset({HANDED_OFF} if step.state == UNKNOWN else {HANDED_OFF, UNKNOWN})


def _changes(held: Claim, result: Result, step: NextStep) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "lease_until": None,
        "attempts": held.attempt_number,
        "provider": result.provider,
        "reason": "deadline" if step.state == EXPIRED else result.reason,
    }
    if step.state in (ACCEPTED, DELIVERED):
        changes |= {"provider_message_id": result.receipt_id, "accepted_at": result.ended_at}
    if step.state == DELIVERED:
        changes |= {"delivered_at": result.ended_at}
    if step.state == RETRY_WAIT:
        changes |= {"available_at": step.available_at, "token": None}
    return changes


def _complete(conn: Connection, held: Claim, result: Result) -> None:
    """The attempt's row: completed if the hand-off mark wrote it, else written now."""
    if result.phase == SENDING:
        values = {f"to_{name}": value for name, value in result.columns().items()}
        key = {"is_delivery_id": held.delivery_id, "is_n": held.attempt_number}
        change_later(conn, _COMPLETED, tuple(key.values()), key | values)
        return
    about = {
        "delivery_id": held.delivery_id,
        "n": held.attempt_number,
        "provider": result.provider,
        "phase": result.phase,
        "worker": result.worker,
        "started_at": held.claimed_at,
    }
    conn.execute(insert(attempt), about | result.columns())
