"""Who read what: a row for each question that a known key or session asked, for those who check on us.

Rows are added and, when they are old enough, deleted; none is ever changed, but that those of an erased
person lose the address that they came from. A caller is its key's or session's id; a person is a keyed
hash, as everywhere. What was answered is not kept, only how it ended.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    delete,
    select,
    tuple_,
    update,
)

from store import bulk
from store.columns import U64
from store.schema import key_text, metadata

_DELETED_AT_ONCE: Final = 5_000

# `at`: microseconds. `actor`: a key's or session's id. `account_lookup`: keyed hash of the account that a
# session, or a key bound to one, acts for. `contract_id`, `stream_id`: of the path, or the list's filter.
# `about`: other ids of the path. `status`: HTTP's.
read_log = Table(
    "read_log",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", key_text(), nullable=False),
    Column("account_lookup", key_text()),
    Column("route", Text, nullable=False),
    Column("contract_id", key_text()),
    Column("stream_id", U64),
    Column("about", Text),
    Column("status", Integer, nullable=False),
    Column("client", Text),
    Index("ix_read_log_at", "at", "entry_id"),
    Index("ix_read_log_actor_at", "actor", "at", "entry_id"),
    Index("ix_read_log_account_lookup_at", "account_lookup", "at", "entry_id"),
    Index("ix_read_log_stream_at", "contract_id", "stream_id", "at", "entry_id"),
)


class Read(NamedTuple):
    """One question that was answered, in the order of the columns behind `entry_id`."""

    at: int
    actor: str
    account_lookup: str | None
    route: str
    contract_id: str | None
    stream_id: int | None
    about: str | None
    status: int
    client: str | None


class Asked(NamedTuple):
    """Which reads are asked for; they add up, None asks for all. `since`: microseconds."""

    since: int | None = None
    actor: str | None = None
    account_lookup: str | None = None
    contract_id: str | None = None
    stream_id: int | None = None


class Place(NamedTuple):
    """Where a page ends: the last entry's keys."""

    at: int
    entry_id: UUID


def add(conn: Connection, reads: Sequence[Read]) -> None:
    """Write what was read."""
    rows = [(_entry_id(read.at), *read) for read in reads]
    bulk.insert_many(conn, read_log, ("entry_id", *Read._fields), rows, on_conflict="error")


def page(asked: Asked, *, limit: int, after: Place | None = None) -> Select[Any]:
    """Reads, the newest first."""
    table = read_log
    query = select(table).where(*_conditions(asked))
    if after is not None:
        types = [table.c.at.type, table.c.entry_id.type]
        query = query.where(tuple_(table.c.at, table.c.entry_id) < tuple_(*after, types=types))
    return query.order_by(table.c.at.desc(), table.c.entry_id.desc()).limit(limit)


def forget(conn: Connection, before: int) -> int:
    """Delete some of the reads from before a time, microseconds; returns how many: 0 when none is left."""
    old = select(read_log.c.entry_id).where(read_log.c.at < before).limit(_DELETED_AT_ONCE)
    return conn.execute(delete(read_log).where(read_log.c.entry_id.in_(old))).rowcount


def forget_wherefrom(conn: Connection, account_lookup: str) -> int:
    """Take from an account's own reads the address that each came from; returns how many."""
    theirs = update(read_log).where(
        read_log.c.account_lookup == account_lookup, read_log.c.client.is_not(None)
    )
    return conn.execute(theirs.values(client=None)).rowcount


def _conditions(asked: Asked) -> Iterator[ColumnElement[bool]]:
    if asked.since is not None:
        yield read_log.c.at >= asked.since
    for column in ("actor", "account_lookup", "contract_id", "stream_id"):
        value = getattr(asked, column)
        if value is not None:
            yield read_log.c[column] == value


def _entry_id(at: int) -> UUID:
    """Random behind the time, so that new rows stand together in the index."""
    return UUID(bytes=(at // 1_000).to_bytes(6, "big") + os.urandom(10))
