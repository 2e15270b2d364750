"""Sessions of people who proved an address: a signed token (JWT), and a row by which it can be ended.

The token says who and until when; the row is asked each time, so that ending a session, or all of an
account, counts at once on every API process. No account stands in a row: it is found by a keyed hash.
"""

import secrets
from collections.abc import Collection
from typing import Any, Final, NamedTuple

import jwt
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from api.session_keys import Rotated, open_key, rotate, session_key, signing_key
from notifier.privacy import Vault
from store import bulk
from store.query import Query
from store.schema import key_text, metadata

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "pausewire"
_LONGEST_TOKEN: Final = 1_500
_ID_BYTES: Final = 16
_PREFIX: Final = "session_"
_SECOND: Final = 1_000_000
_KEPT_AFTER: Final = 86_400 * _SECOND  # ended sessions and met challenges, for clocks that differ
_NEEDED: Final = ("exp", "iat", "iss", "aud", "sub", "jti")

# Times in microseconds; `account_lookup`: keyed hash (hex) of the account.
session = Table(
    "session",
    metadata,
    Column("session_id", key_text(), primary_key=True),
    Column("account_lookup", key_text(), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("ix_session_account_lookup", "account_lookup"),
    Index("ix_session_expires_at", "expires_at"),
)

# Challenges that were met: none is taken twice. `challenge`: its random part.
met_challenge = Table(
    "met_challenge",
    metadata,
    Column("challenge", key_text(), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_met_challenge_expires_at", "expires_at"),
)

_BY_TOKEN: Final = (
    select(session, session_key.c.sealed, session_key.c.kid)
    .join_from(session, session_key, session_key.c.kid == bindparam("kid"))
    .where(session.c.session_id == bindparam("session_id"))
)


class Session(NamedTuple):
    """A session that stands. `session_id` begins with `session_`."""

    session_id: str
    account: str


class Opened(NamedTuple):
    """A new session; `expires_at` in unix seconds."""

    session_id: str
    token: str
    expires_at: int


def meet(conn: Connection, challenge: str, expires_at: int, now: int) -> bool:
    """Note that a challenge was met; False: it was before. `expires_at`: unix seconds."""
    conn.execute(delete(met_challenge).where(met_challenge.c.expires_at < now - _KEPT_AFTER))
    row = (challenge, expires_at * _SECOND)
    columns = ("challenge", "expires_at")
    return bool(bulk.insert_many(conn, met_challenge, columns, [row], on_conflict="nothing"))


def open_session(
    conn: Connection, vault: Vault, account: str, *, issuer: str, seconds: int, now: int
) -> Opened:
    """Begin a session of an account that was proven. `now`: microseconds."""
    conn.execute(delete(session).where(session.c.expires_at < now - _KEPT_AFTER))
    key = signing_key(conn, vault, now)
    session_id = f"{_PREFIX}{secrets.token_hex(_ID_BYTES)}"
    begun = now // _SECOND
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": account,
        "jti": session_id,
        "iat": begun,
        "exp": begun + seconds,
    }
    conn.execute(
        insert(session).values(
            session_id=session_id,
            account_lookup=vault.account_lookup(account),
            created_at=now,
            expires_at=(begun + seconds) * _SECOND,
        )
    )
    token = jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid})
    return Opened(session_id, token, begun + seconds)


def session_query(token: str) -> Query | None:
    """The query for a presented token's row and key; None where the text cannot be a token."""
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    try:
        unproven = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError):
        return None
    values = {"session_id": unproven["payload"].get("jti"), "kid": unproven["header"].get("kid")}
    if not all(isinstance(value, str) and value.isprintable() for value in values.values()):
        return None
    return Query(_BY_TOKEN, values)


def session_of(
    token: str, row: Row[Any] | None, vault: Vault, *, issuer: str, now: int
) -> Session | None:
    """Whose session the token is, if we signed it and it has not ended. `now`: microseconds."""
    if row is None or row.ended_at is not None or row.expires_at <= now:
        return None
    try:
        claims = jwt.decode(
            token,
            open_key(vault, row.kid, row.sealed),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            options={"require": list(_NEEDED), "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return None
    account = str(claims["sub"])
    if claims["jti"] != row.session_id or vault.account_lookup(account) != row.account_lookup:
        return None
    return Session(row.session_id, account)


def is_session(identity: str) -> bool:
    """Whether a caller's id is a session's, not a key's."""
    return identity.startswith(_PREFIX)


def end_session(conn: Connection, session_id: str, now: int) -> int:
    """End one session; returns how many ended by that: 0 or 1."""
    return _end(conn, session.c.session_id == session_id, now)


def end_sessions_of(conn: Connection, lookup: str, now: int) -> int:
    """End every session of an account, found by its keyed hash; returns how many ended."""
    return _end(conn, session.c.account_lookup == lookup, now)


def rotate_keys(
    conn: Connection, vault: Vault, now: int, *, at_once: bool = False
) -> tuple[Rotated, int]:
    """Sign with a new key from now on; returns what became of the keys, and how many sessions ended.

    Nobody is signed out, unless `at_once`: then everybody is, for a key that somebody else may have.
    """
    ended = _end(conn, true(), now) if at_once else 0
    oldest = select(func.min(session.c.created_at)).where(
        session.c.ended_at.is_(None), session.c.expires_at > now
    )
    rotated = rotate(conn, vault, now, standing_since=conn.scalar(oldest), at_once=at_once)
    return rotated, ended


def standing(conn: Connection, session_ids: Collection[str], now: int) -> set[str]:
    """Which of these sessions have not ended."""
    found = select(session.c.session_id).where(
        session.c.session_id.in_(session_ids),
        session.c.ended_at.is_(None),
        session.c.expires_at > now,
    )
    return set(conn.scalars(found))


def _end(conn: Connection, which: Any, now: int) -> int:
    ended = (
        update(session)
        .where(which, session.c.ended_at.is_(None), session.c.expires_at > now)
        .values(ended_at=now)
        .returning(session.c.session_id)
    )
    return len(conn.scalars(ended).all())
