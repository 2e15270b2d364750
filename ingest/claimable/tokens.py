"""What is known of the tokens that streams pay in: a table beside the log.

In: tokens of pauses whose pay was read (wanted.py). Out: rows of `token`, read or unknown with the reason.
Next: told.py tells people in their token's own units.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, select, update

from ingest.claimable.metadata import Metadata
from ingest.claimable.wanted import READ, UNKNOWN, WAITING
from store.bulk import insert_many
from store.clock import now_micros
from store.schema import key_text, metadata

MOST_AT_ONCE: Final = 100

# `token_id`: a contract id. `state`: waiting, read, unknown (with the reason, which may stand while waiting
# too). `due_at`: when to try (again). `decimals`: of how many digits the base unit is.
token = Table(
    "token",
    metadata,
    Column("token_id", key_text(), primary_key=True),
    Column("state", key_text(), nullable=False),
    Column("reason", Text),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("symbol", Text),
    Column("decimals", Integer),
    Index("ix_token_state_due_at", "state", "due_at"),
)
_COLUMNS: Final = tuple(column.name for column in token.columns)


def note(conn: Connection, token_id: str) -> None:
    """Remember a token; one that is known already stays as it is."""
    now = now_micros()
    row = (token_id, WAITING, None, 0, now, now, None, None)
    insert_many(conn, token, _COLUMNS, [row], on_conflict="nothing")


def due(conn: Connection, now: int) -> Sequence[tuple[str, int]]:
    """(token, tries so far) of what should be tried now, the longest due first."""
    query = (
        select(token.c.token_id, token.c.tries)
        .where(token.c.state == WAITING, token.c.due_at <= now)
        .order_by(token.c.due_at, token.c.token_id)
        .limit(MOST_AT_ONCE)
    )
    return [(row.token_id, row.tries) for row in conn.execute(query)]


def keep(conn: Connection, token_id: str, found: Metadata) -> None:
    """What was read of one."""
    _change(conn, [token_id], state=READ, reason=None, **found._asdict())


def settle(conn: Connection, token_ids: Sequence[str], reason: str) -> None:
    """Of these it cannot be known."""
    _change(conn, token_ids, state=UNKNOWN, reason=reason)


def postpone(conn: Connection, token_ids: Sequence[str], reason: str, due_at: int) -> None:
    """These are tried again at a time."""
    _change(conn, token_ids, reason=reason, due_at=due_at, tries=token.c.tries + 1)


def _change(conn: Connection, token_ids: Sequence[str], **values: object) -> None:
    conn.execute(
        update(token)
        .where(token.c.token_id.in_(token_ids))
        .values(updated_at=now_micros(), **values)
    )
