"""Profile conflicts: applied events that today's profile, or the code now known, would read otherwise.

The fact stands: people were told by it, and the log is never rewritten. A person has to look, so each is
a row, an alarm, and named by the certificate, until a profile reads the event as the fact says.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, delete, select

from ingest.coverage import LedgerRange
from ingest.cursors import window_end
from store import bulk
from store.clock import now_micros
from store.schema import key_text, metadata

_LOG = structlog.get_logger()

# `reading`: what it would read as; `profile`: name@version that says so. `noticed_at`: microseconds.
profile_conflict = Table(
    "profile_conflict",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("contract_id", key_text(), nullable=False),
    Column("reading", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("noticed_at", BigInteger, nullable=False),
    Index("ix_profile_conflict_contract_id_event_id", "contract_id", "event_id"),
)
_COLUMNS = tuple(column.name for column in profile_conflict.columns)


class ProfileConflict(NamedTuple):
    """One event: its fact says one thing, `profile` (name@version) reads another."""

    event_id: str
    contract_id: str
    reading: str
    profile: str


def standing(
    conn: Connection, contract_id: str, ledgers: LedgerRange | None = None
) -> list[ProfileConflict]:
    """The conflicts of a contract, or of its events between two ledgers, in chain order."""
    query = select(*list(profile_conflict.c)[:-1]).where(
        profile_conflict.c.contract_id == contract_id
    )
    if ledgers is not None:
        query = query.where(
            profile_conflict.c.event_id > window_end(ledgers.from_ledger - 1),
            profile_conflict.c.event_id <= window_end(ledgers.to_ledger),
        )
    rows = conn.execute(query.order_by(profile_conflict.c.event_id))
    return [ProfileConflict(*row) for row in rows]


def among(conn: Connection, event_ids: Sequence[str]) -> Mapping[str, ProfileConflict]:
    """Those that stand for these events, at most a slice of them."""
    query = select(*list(profile_conflict.c)[:-1]).where(profile_conflict.c.event_id.in_(event_ids))
    return {row.event_id: ProfileConflict(*row) for row in conn.execute(query)}


def write(conn: Connection, raised: Sequence[ProfileConflict], settled: Sequence[str]) -> None:
    """Raise conflicts, new or with another reading, and take back those that are settled."""
    now = now_micros()
    rows = [(*conflict, now) for conflict in raised]
    bulk.upsert_many(conn, profile_conflict, ("event_id",), _COLUMNS, rows)
    if settled:
        conn.execute(delete(profile_conflict).where(profile_conflict.c.event_id.in_(settled)))


def alarm(raised: Sequence[ProfileConflict], settled: Sequence[str]) -> None:
    """Say it in the process's log, once it is committed."""
    for conflict in raised:
        _LOG.error("profile_conflict", **conflict._asdict())
    for event_id in settled:
        _LOG.info("profile_conflict_settled", event_id=event_id)
