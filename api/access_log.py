"""Who did or read what about people, when and from where: the rows that accounts and operators look into.

No destination stands here, and an account by its keyed hash only. A row is written in the transaction of
what it tells of, or, for reads, right behind it.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Select,
    Table,
    Text,
    Uuid,
    or_,
    select,
    tuple_,
    update,
)

from store import bulk
from store.schema import key_text, metadata

SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out"
ERASED: Final = "erased"
_COLUMNS: Final = ("entry_id", "at", "account_lookup", "actor", "action", "about", "client")

# `at`: microseconds. `account_lookup`: keyed hash of the account concerned, NULL: of nobody in
# particular. `actor`: a key's or session's id, or who else it was. `about`: ids, never a destination.
access_log = Table(
    "access_log",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("account_lookup", key_text()),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text),
    Column("client", Text),
    Index("ix_access_log_account_lookup_at", "account_lookup", "at", "entry_id"),
    Index("ix_access_log_at", "at", "entry_id"),
)


class Access(NamedTuple):
    """One thing that was done or read. `client`: the address that it came from."""

    action: str
    actor: str
    account_lookup: str | None
    client: str | None
    about: str | None = None


class AccessPlace(NamedTuple):
    """Where a page ends: the last entry's keys. `at`: microseconds."""

    at: int
    entry_id: UUID


def note(conn: Connection, at: int, *accesses: Access) -> None:
    """Write what was done."""
    rows = [
        (uuid4(), at, each.account_lookup, each.actor, each.action, each.about, each.client)
        for each in accesses
    ]
    bulk.insert_many(conn, access_log, _COLUMNS, rows, on_conflict="error")


def forget_wherefrom(conn: Connection, account_lookup: str) -> int:
    """Take from an account's rows the address that each came from, and its details; returns how many."""
    named = or_(access_log.c.client.is_not(None), access_log.c.about.is_not(None))
    theirs = update(access_log).where(access_log.c.account_lookup == account_lookup, named)
    return conn.execute(theirs.values(client=None, about=None)).rowcount


def page(
    *, limit: int, account_lookup: str | None = None, after: AccessPlace | None = None
) -> Select[Any]:
    """Entries, the newest first: of one account, or all."""
    query = (
        select(access_log)
        .order_by(access_log.c.at.desc(), access_log.c.entry_id.desc())
        .limit(limit)
    )
    if account_lookup is not None:
        query = query.where(access_log.c.account_lookup == account_lookup)
    if after is not None:
        place = tuple_(access_log.c.at, access_log.c.entry_id)
        query = query.where(
            place < tuple_(*after, types=[access_log.c.at.type, access_log.c.entry_id.type])
        )
    return query
