"""Which pauses still lack their actor: a table beside the log, filled by following it.

In: the log, each event exactly once (the follower `actors`). Out: rows of `actor_search`.
Next: seek.py works them off.

It is no part of the log: what it holds can be made again from there (delete the rows and the follower's
position), and whoever was found is in evidence, so that nothing is recorded twice.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    func,
    select,
    update,
)

from domain.actors import begins_pause
from domain.chain_order import FactConfirmed, FactJudged
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.follower import Apply, Follower
from store.log import Recorded
from store.schema import key_text, metadata

FOLLOWER: Final = "actors"
WAITING, NAMED, UNKNOWN = "waiting", "named", "unknown"
MOST_AT_ONCE: Final = (
    500  # named in one transaction: one revision for all that are late in a history
)

# `position`: of the recorded event whose actor is wanted. `state`: waiting, named, unknown (with the
# reason, which may stand while waiting too). `due_at`: when to try (again), microseconds.
actor_search = Table(
    "actor_search",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("tx_hash", Text, nullable=False),
    Column("ledger", BigInteger, nullable=False),
    Column("state", key_text(), nullable=False),
    Column("reason", Text),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_actor_search_state_due_at", "state", "due_at"),
)
_COLUMNS: Final = tuple(column.name for column in actor_search.columns)


def search_follower(
    database: Database, *, also: Apply | None = None, chunk_events: int = 1000
) -> Follower:
    """Notes the pauses that the log tells of; stepped by the leader.

    `also`: what else is noted of the same chunks, as the log is read but once.
    """

    def apply(conn: Connection, chunk: Sequence[Recorded]) -> None:
        note(conn, chunk)
        if also is not None:
            also(conn, chunk)

    return Follower(
        database,
        name=FOLLOWER,
        apply=apply,
        chunk_events=chunk_events,
        durable=False,
        poll_seconds=1.0,
        killpoint="in_actors",
    )


def note(conn: Connection, chunk: Sequence[Recorded]) -> None:
    """Remember the pauses of a chunk; one that is known already stays as it is."""
    now = now_micros()
    rows = []
    for position, event, _ in chunk:
        if isinstance(event, FactJudged | FactConfirmed) and begins_pause(event.fact):
            fact = event.fact
            place = (fact.event_id, position, fact.tx_hash, fact.ledger)
            rows.append((*place, WAITING, None, 0, now, now))
    insert_many(conn, actor_search, _COLUMNS, rows, on_conflict="nothing")


def due(conn: Connection, now: int) -> Sequence[Row[str, int, str, int, int]]:
    """What should be tried now, the longest due first: event_id, position, tx_hash, ledger, tries."""
    table = actor_search
    return conn.execute(
        select(table.c.event_id, table.c.position, table.c.tx_hash, table.c.ledger, table.c.tries)
        .where(table.c.state == WAITING, table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.event_id)
        .limit(MOST_AT_ONCE)
    ).all()


def settle(conn: Connection, event_ids: Sequence[str], state: str, reason: str | None) -> None:
    """These are through."""
    conn.execute(
        update(actor_search)
        .where(actor_search.c.event_id.in_(event_ids))
        .values(state=state, reason=reason, updated_at=now_micros())
    )


def postpone(conn: Connection, event_ids: Sequence[str], reason: str, due_at: int) -> None:
    """These are tried again at a time."""
    conn.execute(
        update(actor_search)
        .where(actor_search.c.event_id.in_(event_ids))
        .values(
            tries=actor_search.c.tries + 1, reason=reason, due_at=due_at, updated_at=now_micros()
        )
    )


def search_states(conn: Connection) -> dict[str, int]:
    """How many pauses wait for their actor, and of how many it cannot be known; by an index."""
    table = actor_search
    found = conn.execute(
        select(table.c.state, func.count())
        .where(table.c.state.in_((WAITING, UNKNOWN)))
        .group_by(table.c.state)
    )
    return {WAITING: 0, UNKNOWN: 0} | {row[0]: row[1] for row in found}
