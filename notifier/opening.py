"""Opening the vault: the database knows which master key it belongs to, and no other is taken.

With another key every account would look new, without contacts: nobody would be told, and nothing would
fail. So the first process to open the vault leaves the key's fingerprint, and the others must match it.
"""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, select

from notifier.errors import WrongMasterKey
from notifier.privacy import Vault
from store import bulk
from store.clock import now_micros
from store.engine import Database
from store.schema import metadata

# One row: which master key wraps the recipients' keys, told apart by a hash that says nothing of it.
master_key = Table(
    "master_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
_ROW = 1


def open_vault(database: Database, key: bytes) -> Vault:
    """The vault under this master key. Raises WrongMasterKey where the database has another."""
    vault = Vault(key)
    with database.begin() as conn:
        row = (_ROW, vault.fingerprint, now_micros())
        columns = ("id", "fingerprint", "created_at")
        bulk.insert_many(conn, master_key, columns, [row], on_conflict="nothing")
        known = conn.scalars(select(master_key.c.fingerprint)).one()
    if known != vault.fingerprint:
        raise WrongMasterKey
    return vault
