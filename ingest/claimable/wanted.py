"""Of which pauses the claimable pay is to be read, and what was read: a table beside the log.

In: the log, each event exactly once (with the follower of the actors' search). Out: rows of
`pause_claimable`. Next: seek.py works them off; the API shows what was read.

Only the last pause that a chunk tells of a stream is noted: the stream was changed since the others, and
storage knows no past. The table is no part of the log, and is not made again from it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    select,
    text,
    update,
)

from domain.actors import begins_pause
from domain.chain_order import FactConfirmed, FactJudged
from domain.facts import StreamFact
from store.bulk import insert_many
from store.clock import now_micros
from store.columns import I128, U64
from store.log import Recorded
from store.schema import key_text, metadata

WAITING, READ, UNKNOWN = "waiting", "read", "unknown"
UNTOLD: Final = text("state = 'read' AND told_at IS NULL")
MOST_AT_ONCE: Final = 500

# `event_id`: of the pause; `closed_at`: unix seconds, when its ledger closed. `state`: waiting, read,
# unknown (with the reason, which may stand while waiting too). `due_at`: when to try (again).
# `claimable`, `withdrawn`: base units of `token` when the ledger closed, the latter since the stream's
# beginning, NULL where it was not read. `told_at`: when it was handed to those who tell people.
# `position`: of the pause in the log, NULL in rows from before it was kept.
pause_claimable = Table(
    "pause_claimable",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("contract_id", key_text(), nullable=False),
    Column("stream_id", U64, nullable=False),
    Column("ledger", BigInteger, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("state", key_text(), nullable=False),
    Column("reason", Text),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("token", Text),
    Column("claimable", I128),
    Column("withdrawn", I128),
    Column("told_at", BigInteger),
    Column("position", BigInteger),
    Index("ix_pause_claimable_state_due_at", "state", "due_at"),
    Index("ix_pause_claimable_stream", "contract_id", "stream_id", "closed_at"),
    Index("ix_pause_claimable_untold", "event_id", postgresql_where=UNTOLD, sqlite_where=UNTOLD),
)
_COLUMNS: Final = tuple(column.name for column in pause_claimable.columns)

# event_id, contract_id, stream_id, ledger, closed_at, tries
Due = Row[str, str, int, int, int, int]


class Claimable(NamedTuple):
    """Base units of a token (a contract id) that the employee could have taken, and had taken before."""

    amount: int
    token: str
    withdrawn: int | None = None


def note(conn: Connection, chunk: Sequence[Recorded]) -> None:
    """Remember the pauses of a chunk; one that is known already stays as it is."""
    now = now_micros()
    rows = {}
    for position, event, _ in chunk:
        if isinstance(event, FactJudged | FactConfirmed) and begins_pause(event.fact):
            fact = event.fact
            if isinstance(fact, StreamFact):
                place = (fact.event_id, fact.contract_id, fact.stream_id, fact.ledger)
                waiting = (fact.closed_at, WAITING, None, 0, now, now)
                unread = (None, None, None, None)
                row = (*place, *waiting, *unread, position)
                rows[fact.contract_id, fact.stream_id] = row
    insert_many(conn, pause_claimable, _COLUMNS, list(rows.values()), on_conflict="nothing")


def due(conn: Connection, now: int) -> Sequence[Due]:
    """What should be tried now, the longest due first."""
    of = pause_claimable.c
    return conn.execute(
        select(of.event_id, of.contract_id, of.stream_id, of.ledger, of.closed_at, of.tries)
        .where(of.state == WAITING, of.due_at <= now)
        .order_by(of.due_at, of.event_id)
        .limit(MOST_AT_ONCE)
    ).all()


def keep(conn: Connection, event_id: str, found: Claimable) -> None:
    """What was read of one."""
    amounts = {"claimable": found.amount, "withdrawn": found.withdrawn}
    _change(conn, [event_id], state=READ, reason=None, token=found.token, **amounts)


def settle(conn: Connection, event_ids: Sequence[str], reason: str) -> None:
    """Of these it cannot be known."""
    _change(conn, event_ids, state=UNKNOWN, reason=reason)


def postpone(conn: Connection, event_ids: Sequence[str], reason: str, due_at: int) -> None:
    """These are tried again at a time."""
    _change(conn, event_ids, reason=reason, due_at=due_at, tries=pause_claimable.c.tries + 1)


def _change(conn: Connection, event_ids: Sequence[str], **values: object) -> None:
    conn.execute(
        update(pause_claimable)
        .where(pause_claimable.c.event_id.in_(event_ids))
        .values(updated_at=now_micros(), **values)
    )
