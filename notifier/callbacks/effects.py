"""What tidings do: a delivery moves up, never back, and a destination goes on the suppression list.

In: tidings and the callback's row. Out: what was done in a few words, or that it is too early.
Twice, and in any order: states have a rank (accepted, delivered, bounced, complained) and only rise, and
the list heeds the newest news; so the end is the same.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, select, update

from notifier import states, steps, suppression
from notifier.callbacks.tidings import Tidings
from notifier.privacy import Vault
from notifier.retry import Outcome
from notifier.schema import attempt, delivery
from notifier.states import (
    ACCEPTED,
    BOUNCED,
    CLAIMED,
    COMPLAINED,
    DELIVERED,
    EXPIRED,
    FAILED,
    HANDED_OFF,
    PENDING,
    QUEUED,
    RETRY_WAIT,
    UNKNOWN,
    move_one,
)

# From here an arrival moves a delivery, so that nobody is told twice: an earlier try has got there.
_TRYING_AGAIN = frozenset({PENDING, QUEUED, CLAIMED, RETRY_WAIT, FAILED, EXPIRED})
ORIGINS: Mapping[str, frozenset[str]] = {
    ACCEPTED: frozenset({UNKNOWN}),
    DELIVERED: _TRYING_AGAIN | {UNKNOWN, ACCEPTED},
    BOUNCED: frozenset({UNKNOWN, ACCEPTED, DELIVERED}),
    COMPLAINED: frozenset({UNKNOWN, ACCEPTED, DELIVERED, BOUNCED}),
}
SETTLED_BY_CALLBACK = "settled by a callback"


class Done(NamedTuple):
    """Worked off; `outcome` says how, for people."""

    outcome: str


class Later(NamedTuple):
    """Not yet. `costs_try`: it failed, rather than came before its time."""

    reason: str
    costs_try: bool


class Applied(NamedTuple):
    """How it ended, and what was learned of whom it concerns: columns of `callback`."""

    end: Done | Later
    learned: dict[str, Any]


def apply(conn: Connection, vault: Vault, row: Row[Any], tidings: Tidings, now: int) -> Applied:
    """Do what tidings ask for. `row`: of `callback`, held by this transaction."""
    learned: dict[str, Any] = {}
    said = _list(conn, vault, row, tidings, learned)
    if tidings.state is None:
        return Applied(Done(said or "of no concern"), learned)
    end = _move(conn, row, tidings, now, learned)
    if isinstance(end, Done) and said is not None:
        end = Done(f"{end.outcome}; {said}")
    return Applied(end, learned)


def _list(
    conn: Connection, vault: Vault, row: Row[Any], tidings: Tidings, learned: dict[str, Any]
) -> str | None:
    """Put the destination on the list or take it off; None: neither was asked for."""
    if tidings.destination is None:
        return None
    channel, place = tidings.destination
    lookup = learned["destination_lookup"] = vault.destination_lookup(channel, place)
    source, at = f"{row.provider}:{row.callback_id}", row.happened_at or row.received_at
    if tidings.suppress is not None:
        suppression.put(conn, channel, lookup, tidings.suppress, source=source, at=at)
        return f"{channel} suppressed: {tidings.suppress}"
    for reason in tidings.lift:
        suppression.lift(conn, channel, lookup, reason, source=source, at=at)
    return f"{channel} no longer suppressed: {', '.join(tidings.lift)}" if tidings.lift else None


def _move(
    conn: Connection, row: Row[Any], tidings: Tidings, now: int, learned: dict[str, Any]
) -> Done | Later:
    wanted = _delivery_of(row, tidings)
    if wanted is None:
        return Later("it names neither a delivery nor a message", costs_try=True)
    # Whoever holds the row is at work on it: waiting for it in the middle of a batch could deadlock.
    found = conn.execute(wanted.with_for_update(skip_locked=True)).first()
    if found is None:
        if conn.execute(wanted).first() is not None:
            return Later("the delivery is being worked on", costs_try=False)
        return Later("no delivery of ours is known by this message", costs_try=True)
    learned["delivery_id"] = found.delivery_id
    if found.state == HANDED_OFF:
        return Later("the try it tells of has not ended yet", costs_try=False)
    if tidings.state == DELIVERED and not _has_steps(conn, found):
        return Later("a step that this ends is being worked on", costs_try=False)
    message_id = tidings.message_id if found.provider == row.provider else None
    _settle_try(conn, found, message_id)
    return _rise(conn, row, found, tidings, now)


def _rise(conn: Connection, row: Row[Any], found: Row[Any], tidings: Tidings, now: int) -> Done:
    state = tidings.state or ""
    if found.state not in ORIGINS[state]:
        return Done(f"{state}: the delivery stays {found.state}")
    if state not in (ACCEPTED, DELIVERED) and _is_of_an_earlier_try(found, row, tidings):
        return Done(f"{state}: of an earlier try; the delivery stays {found.state}")
    move_one(
        conn,
        found.delivery_id,
        origin=frozenset({found.state}),
        to=state,
        guard={"generation": found.generation},
        now=now,
        changes=_changes(row, found, tidings),
    )
    if state == DELIVERED:
        digest = found.delivery_id if found.digest else None
        steps.arrived(conn, found.notice_id, now, digest=digest)
    return Done(state)


def _has_steps(conn: Connection, found: Row[Any]) -> bool:
    """Lock the steps that its arrival ends; False: somebody else has some, who may wait for others here."""
    digest = found.delivery_id if found.digest else None
    wanted = steps.ended_by_arrivals(conn, [(found.notice_id, digest)])
    return states.lock_free(conn, wanted) >= set(wanted)


def _delivery_of(row: Row[Any], tidings: Tidings) -> Select[Any] | None:
    """The delivery that is named, or else the one with the provider's message id."""
    identity = tidings.delivery_id or row.delivery_id
    if identity is not None:
        return select(delivery).where(delivery.c.delivery_id == identity)
    message_id = tidings.message_id or row.message_id
    if message_id is None:
        return None
    return select(delivery).where(
        delivery.c.provider == row.provider, delivery.c.provider_message_id == message_id
    )


def _is_of_an_earlier_try(found: Row[Any], row: Row[Any], tidings: Tidings) -> bool:
    """Bad news of a message that another has replaced: that one may still arrive."""
    known, told = found.provider_message_id, tidings.message_id
    return found.provider == row.provider and None not in (known, told) and known != told


def _changes(row: Row[Any], found: Row[Any], tidings: Tidings) -> dict[str, Any]:
    at = max(row.happened_at or row.received_at, found.handed_off_at or 0)
    changes: dict[str, Any] = {
        "reason": tidings.reason,
        "token": None,
        "lease_until": None,
        "accepted_at": found.accepted_at or at,
    }
    if tidings.state == BOUNCED:
        changes["delivered_at"] = None  # it turned out that it was not
    elif tidings.state != ACCEPTED:
        changes["delivered_at"] = found.delivered_at or max(at, changes["accepted_at"])
    if found.provider == row.provider and found.provider_message_id is None:
        changes["provider_message_id"] = tidings.message_id
    return changes


def _settle_try(conn: Connection, found: Row[Any], message_id: str | None) -> None:
    """The provider knows the message, so a try whose end nobody knew was accepted."""
    if message_id is not None and message_id == found.provider_message_id:
        return
    tries = conn.execute(
        select(attempt.c.n, attempt.c.result, attempt.c.provider_message_id)
        .where(attempt.c.delivery_id == found.delivery_id)
        .order_by(attempt.c.n)
    ).all()
    if message_id is None:  # by Message-ID, say: then it tells of whichever try was accepted
        known = any(each.result == Outcome.ACCEPTED.value for each in tries)
    else:
        known = message_id in {each.provider_message_id for each in tries}
    if known:
        return
    open_ones = [each.n for each in tries if each.result == Outcome.UNKNOWN.value]
    if not open_ones:
        return
    conn.execute(
        update(attempt)
        .where(attempt.c.delivery_id == found.delivery_id, attempt.c.n == open_ones[0])
        .values(
            result=Outcome.ACCEPTED.value,
            provider_message_id=message_id,
            detail=SETTLED_BY_CALLBACK,
        )
    )
