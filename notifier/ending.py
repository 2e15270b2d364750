"""13 The end of an attempt: its outcome is written, and what follows from it.

In: a claim, and how its attempt ended. Out: rows of `delivery` and `attempt`, a fact for the log, the
provider's health. Next: 14 latency.py reads the times.

Results are written for as many as the caller has at once, as one part of a transaction.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from notifier import aftermath, circuit, steps
from notifier.attempts import Claim
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
    RETRY_WAIT,
    UNKNOWN,
    Move,
    move_each,
)
from notifier.tries import tries_of
from store.bulk import insert_many
from store.bulk_update import update_many

_RESULT_COLUMNS = (
    *("result", "status_code", "enhanced_code", "detail", "retry_after_seconds"),
    *("provider_message_id", "ended_at"),
)
_UNMARKED_COLUMNS = ("delivery_id", "n", "provider", "phase", "started_at", "worker")


class End(NamedTuple):
    """How an attempt ended. `chance`: 0 to 1, spreads waits. `another`: a provider stands behind this one.

    It would refuse a place that is refused for itself, too.
    """

    held: Claim
    result: Result
    chance: float
    another: bool = False


def settle(conn: Connection, ends: Sequence[End]) -> list[NextStep | None]:
    """Write outcomes and what follows from each; None: the claim was lost, nothing changed.

    After a hand-off it also settles what the sweeper meanwhile called unknown: a late answer counts.
    """
    following = [_step(conn, each) for each in ends]
    moves = [
        Move(
            end.held.delivery_id,
            _origin(end.result, step),
            step.state,
            {"token": end.held.token},
            end.result.ended_at,
            _changes(end.held, end.result, step),
        )
        for end, step in zip(ends, following, strict=True)
    ]
    moved = move_each(conn, moves)
    found = [step if row else None for step, row in zip(following, moved, strict=True)]
    settled = [(end, step) for end, step in zip(ends, found, strict=True) if step is not None]
    _complete(conn, [end for end, _ in settled])
    for end, step in settled:
        _follow(conn, end.held, end.result, step)
    _note_health(conn, [end.result for end, _ in settled])
    return found


def also_moved(conn: Connection, ends: Sequence[End]) -> Collection[UUID]:
    """What settling them moves beside their own: steps that end, since it arrived."""
    arrived = [each.held for each in ends if _has_arrived(each.result)]
    told = [(each.notice_id, each.delivery_id if each.digest else None) for each in arrived]
    return steps.ended_by_arrivals(conn, told)


def _has_arrived(result: Result) -> bool:
    return isinstance(result.answer, Receipt) and result.answer.has_arrived


def _step(conn: Connection, end: End) -> NextStep:
    """What follows."""
    held, result = end.held, end.result
    if _has_arrived(result):
        return NextStep(DELIVERED)
    return next_step(
        result.outcome,
        another=end.another and not isinstance(result.answer, DestinationRejected),
        spent=tries_of(conn, held.delivery_id, result, n=held.attempt_number),
        retry_after_seconds=result.retry_after_seconds,
        now=result.ended_at,
        deadline_at=held.deadline_at,
        chance=end.chance,
    )


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


def _complete(conn: Connection, ends: Sequence[End]) -> None:
    """The attempts' rows: completed where the hand-off mark wrote one, else written now."""
    marked, unmarked = [], []
    for held, result, _, _ in ends:
        key, values = (held.delivery_id, held.attempt_number), tuple(result.columns().values())
        if result.phase == SENDING:
            marked.append(key + values)
        else:
            about = (result.provider, result.phase, held.claimed_at, result.worker)
            unmarked.append(key + about + values)
    update_many(
        conn, attempt, ("delivery_id", "n"), _RESULT_COLUMNS, marked, returning=(attempt.c.n,)
    )
    columns = (*_UNMARKED_COLUMNS, *_RESULT_COLUMNS)
    insert_many(conn, attempt, columns, unmarked, on_conflict="error")


def _follow(conn: Connection, held: Claim, result: Result, step: NextStep) -> None:
    """What it means for others."""
    if step.state == DELIVERED:
        digest = held.delivery_id if held.digest else None
        steps.arrived(conn, held.notice_id, result.ended_at, digest=digest)
    aftermath.follow(conn, held.channel, held.contact_id, result)


def _note_health(conn: Connection, results: Sequence[Result]) -> None:
    """Faults, and then that letters were taken, of one provider after the other: all lock them so."""
    provider_of = attrgetter("provider")
    for provider, its in groupby(sorted(results, key=provider_of), provider_of):
        taken_at: int | None = None
        for result in its:
            if isinstance(result.answer, Receipt):
                taken_at = result.ended_at
            else:
                circuit.note_fault(conn, provider, result.answer, result.ended_at)
        if taken_at is not None:
            circuit.note_success(conn, provider, taken_at)
