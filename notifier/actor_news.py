"""8d Actors: a notice of a pause says who paused, where that becomes known in time.

In: actor facts met by plan.py. Out: the inbox shows who paused; letters that have not begun to leave too.
Next: 9 relay.py.

An alert never waits for this, so most letters leave without it; the inbox has it a moment later. A letter
that was tried keeps its words: a repeat reads the same to the byte.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Column, Connection, select

from domain.actors import AUTHORITY, EMPLOYER, STRANGER, UNKNOWN_ROLE, Actor, verdict_of
from domain.chain_order import APPLIED, FactJudged
from domain.facts import StreamActorNamed
from domain.stream import StreamState, actor_of
from notifier import states
from notifier.content import IN_APP, Content, decode_content, encode_content, short
from notifier.news import STREAM_PAUSED
from notifier.schema import delivery, notice
from store.bulk_update import lock_many, update_many

T = TypeVar("T")

_UNTOUCHED = frozenset({states.PLANNED, states.HELD, states.PENDING, states.QUEUED}) | {
    states.EXPIRED,
    states.SUPPRESSED,
    states.CANCELLED,
}


def actor_told(event: FactJudged, fact: StreamActorNamed, before: StreamState) -> Actor | None:
    """Who acted, as far as may be told. `before`: the stream's state, which fits a fact on time only.

    Of a late one the role is told where the event alone shows it, else the account.
    """
    if not event.late:
        return actor_of(before, fact)
    if not fact.actors:
        return None
    if event.employer in fact.actors:
        return Actor(str(event.employer), EMPLOYER)
    for authority in fact.authorities:
        if authority in fact.actors:
            return Actor(authority, AUTHORITY)
    known = Actor(fact.actors[0], STRANGER)
    return (
        known
        if event.verdict == verdict_of(known) != APPLIED
        else known._replace(role=UNKNOWN_ROLE)
    )


def tell_actors(conn: Connection, named: Mapping[str, Actor]) -> None:
    """Put actors into the notices of pauses. `named`: {event id of the pause: who paused}."""
    put_beside(conn, named, notice.c.actor, with_actor)


def put_beside(
    conn: Connection,
    found: Mapping[str, T],
    column: Column[Any],
    change: Callable[[Content, T], Content],
) -> None:
    """Keep what was learned of pauses beside their notices, and in letters that have not begun to leave.

    `found`: by event id of the pause. `column`: of `notice`, for the inbox. `change`: the words with it.
    """
    if not found:
        return
    rows = conn.execute(
        select(notice.c.notice_id, notice.c.cause_event_id, notice.c.content)
        .where(
            notice.c.cause_event_id.in_(sorted(found)),
            notice.c.kind == STREAM_PAUSED,
            notice.c.content.is_not(None),
        )
        .order_by(notice.c.notice_id)
    ).all()
    begun = _begun(conn, [row.notice_id for row in rows])
    beside, reworded = [], []
    for row in rows:
        learned = found[row.cause_event_id]
        beside.append((row.notice_id, msgspec.msgpack.encode(learned)))
        if row.notice_id not in begun:
            words = encode_content(change(decode_content(row.content), learned))
            reworded.append((row.notice_id, words))
    lock_many(conn, notice.c.notice_id, [row.notice_id for row in rows])
    _set(conn, column, beside)
    _set(conn, notice.c.content, reworded)


def _set(conn: Connection, column: Column[Any], values: Sequence[tuple[UUID, bytes]]) -> None:
    key = notice.c.notice_id
    update_many(conn, notice, (key.name,), (column.name,), values, returning=(key,))


def _begun(conn: Connection, notice_ids: Sequence[UUID]) -> set[UUID]:
    """Those of which a letter has begun to leave. The others' are locked: nobody claims one meanwhile.

    What somebody else holds begins to leave now. It is not waited for: workers claim in the order in which
    messages come, so the two would wait for each other, and an alert for a second. Whoever changes notices
    has locked the deliveries before, so that notices, which are waited for, are only ever the last lock.
    """
    sent = (delivery.c.notice_id.in_(notice_ids), delivery.c.channel != IN_APP)
    known = conn.execute(select(delivery.c.delivery_id, delivery.c.notice_id).where(*sent)).all()
    ours = conn.execute(
        select(delivery.c.delivery_id, delivery.c.state, delivery.c.attempts)
        .where(*sent)
        .with_for_update(skip_locked=True)
    )
    waiting = {row.delivery_id for row in ours if not row.attempts and row.state in _UNTOUCHED}
    return {row.notice_id for row in known if row.delivery_id not in waiting}


def with_actor(content: Content, actor: Actor) -> Content:
    """The content that says who paused: strkeys as people compare them, never whole."""
    return msgspec.structs.replace(
        content, paused_by=short(actor.account), paused_by_role=actor.role
    )


def shown(content: Content, stored: bytes | None) -> Content:
    """The content of a notice with the actor stored beside it, if there is one."""
    if stored is None:
        return content
    return with_actor(content, Actor(*msgspec.msgpack.decode(stored)))
