"""The keys that sign sessions: in the database, sealed, so that all API processes share them.

The newest signs; every key that is here is accepted. A rotation leaves those that a session which still
stands may be signed with, so that it signs nobody out, however often it comes.
"""

import secrets
from itertools import pairwise
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

# So far apart may the clocks of a session's and a key's maker be: sessions signed with a key may look so
# much younger than the key that came next.
CLOCKS_DIFFER: Final = 86_400_000_000
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


class Rotated(NamedTuple):
    """The new key's id, how many keys are accepted beside it, and how many are no more."""

    kid: str
    kept: int
    ended: int


def rotate(
    conn: Connection,
    vault: Vault,
    now: int,
    *,
    standing_since: int | None,
    at_once: bool = False,
) -> Rotated:
    """Make the next key. The one before stays accepted, older ones while a session may need them.

    `standing_since`: when the oldest session that stands began, microseconds; None: there is none.
    `at_once`: no key but the new one is accepted from now on.
    """
    made = _make(conn, vault, now)
    rows = conn.execute(_newest(None)).all()
    kept = [made.kid]
    for later, row in pairwise(rows):
        needed = standing_since is not None and standing_since < later.created_at + CLOCKS_DIFFER
        if not at_once and (later.kid == made.kid or needed):
            kept.append(row.kid)
    conn.execute(delete(session_key).where(session_key.c.kid.not_in(kept)))
    return Rotated(made.kid, len(kept) - 1, len(rows) - len(kept))


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


def _newest(count: int | None) -> Select[tuple[str, bytes, int]]:
    return (
        select(session_key)
        .order_by(session_key.c.created_at.desc(), session_key.c.kid)
        .limit(count)
    )


def _row(kid: str) -> str:
    return f"session_key:{kid}"
