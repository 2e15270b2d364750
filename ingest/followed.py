"""Contracts that were added while running: a table beside the settings, which every process reads.

What the settings name is always followed; `pausewire contracts add` and `remove` change the table, and the
active indexer takes it in within seconds. Nobody else's cursor is touched.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, insert, select

from store.clock import now_micros
from store.schema import key_text, metadata

# `start_ledger` NULL: the oldest one that the RPC has when it is taken in.
followed_contract = Table(
    "followed_contract",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("profile", Text, nullable=False),
    Column("start_ledger", BigInteger),
    Column("added_at", BigInteger, nullable=False),
)


class Followed(NamedTuple):
    """One contract that is followed beside those of the settings."""

    contract_id: str
    profile: str
    start_ledger: int | None


Wanted: TypeAlias = Callable[[Connection], Mapping[str, int | None]]


def added(conn: Connection) -> Iterator[Followed]:
    """All that were added and not removed."""
    query = select(followed_contract).order_by(followed_contract.c.contract_id)
    for row in conn.execute(query):
        yield Followed(row.contract_id, row.profile, row.start_ledger)


def add(conn: Connection, contract: Followed) -> bool:
    """Follow a contract; False where it is followed already, and then nothing changes."""
    known = select(followed_contract.c.contract_id).where(
        followed_contract.c.contract_id == contract.contract_id
    )
    if conn.scalar(known) is not None:
        return False
    conn.execute(insert(followed_contract).values(**contract._asdict(), added_at=now_micros()))
    return True


def remove(conn: Connection, contract_id: str) -> bool:
    """Follow it no longer; what was recorded stays. False where it had not been added."""
    gone = conn.execute(
        delete(followed_contract).where(followed_contract.c.contract_id == contract_id)
    )
    return gone.rowcount == 1
