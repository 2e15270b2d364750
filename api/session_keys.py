"""The keys that sign sessions: in the database, sealed, so that all API processes share them.

The newest signs; it and the one before are accepted. Rotating twice therefore ends every session that
is older than the first of the two.
"""

import secrets
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    Select,
    Table,
    delete,
    insert,
    select,
)

from notifier.privacy import Vault
from store.schema import key_text, metadata

ACCEPTED: Final = 2
_ID_BYTES: Final = 6
_KEY_BYTES: Final = 32  # of HMAC-SHA256, RFC 7518 §3.2

# `sealed`: under the master key, bound to its row. Times in microseconds.
session_key = Table(
    "session_key",
    metadata,
    Column("kid", key_text(), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


class SigningKey(NamedTuple):
    """A key in clear."""

    kid: str
    secret: bytes


def signing_key(conn: Connection, vault: Vault, now: int) -> SigningKey:
    """The key that signs; the first call makes it."""
    row = conn.execute(_newest(1)).first()
    if row is None:
        return _make(conn, vault, now)
    return SigningKey(row.kid, open_key(vault, row.kid, row.sealed))


def rotate(conn: Connection, vault: Vault, now: int) -> str:
    """Make the next key; the one before stays accepted, older ones go. Returns the new key's id."""
    made = _make(conn, vault, now)
    kept = [row.kid for row in conn.execute(_newest(ACCEPTED))]
    conn.execute(delete(session_key).where(session_key.c.kid.not_in(kept)))
    return made.kid


def open_key(vault: Vault, kid: str, sealed: bytes) -> bytes:
    """A stored key in clear."""
    return vault.unseal(sealed, _row(kid))


def _make(conn: Connection, vault: Vault, now: int) -> SigningKey:
    made = SigningKey(secrets.token_hex(_ID_BYTES), secrets.token_bytes(_KEY_BYTES))
    newest = conn.execute(_newest(1)).first()
    at = now if newest is None else max(now, newest.created_at + 1)  # a clock behind must not lose
    sealed = vault.seal(made.secret, _row(made.kid))
    conn.execute(insert(session_key).values(kid=made.kid, sealed=sealed, created_at=at))
    return made


def _newest(count: int) -> Select[tuple[str, bytes, int]]:
    return (
        select(session_key)
        .order_by(session_key.c.created_at.desc(), session_key.c.kid)
        .limit(count)
    )


def _row(kid: str) -> str:
    return f"session_key:{kid}"
