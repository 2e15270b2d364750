"""The table of pauses that last: whom to remind, and when next."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Uuid, func, select

from store.columns import U64
from store.schema import key_text, metadata

# One row per stream, or contract, that is paused as far as planning knows. `cause`: the event that keys
# what is told of the pause. `told`: the number of the newest reminder that was told, or need not be.
# `due_at`: when the next one is, microseconds. `after_stream`: of a contract's, the last stream served.
lasting_pause = Table(
    "lasting_pause",
    metadata,
    Column("originator_id", Uuid, primary_key=True),
    Column("contract_id", key_text(), nullable=False),
    Column("stream_id", U64),
    Column("cause", key_text(), nullable=False),
    Column("told", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("after_stream", U64),
    Index("ix_lasting_pause_due_at", "due_at"),
)

# Planning and reminding lock these rows and bundles, in different orders: one of them at a time does so.
PAUSES_THAT_LAST = "lasting_pause"


class Lasting(NamedTuple):
    """How many streams and contracts are paused.

    `due_since`: when the oldest reminder that is due became so, microseconds; None: none is due.
    """

    pauses: int
    due_since: int | None


def standing(conn: Connection, now: int) -> Lasting:
    """As planning and reminding have left it. `now`: microseconds."""
    pauses = conn.scalar(select(func.count()).select_from(lasting_pause))
    due_since = conn.scalar(
        select(func.min(lasting_pause.c.due_at)).where(lasting_pause.c.due_at <= now)
    )
    return Lasting(pauses or 0, due_since)
