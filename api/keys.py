"""API keys: made here, shown once, kept as a hash; each opens the scopes it was given.

A key reads `pw_<id>_<secret>`: the id finds its row, the secret is 32 random bytes. A plain sha256 is
enough for a secret of that size. A key with the scope `employee` is bound to one account; one that is
limited to contracts reads, and keeps webhooks about, their streams only.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from api.caller import Caller
from domain.errors import InvalidValue
from domain.values import account_id, contract_id
from store.clock import now_micros
from store.query import Query
from store.schema import key_text, metadata

STREAMS_READ: Final = "streams:read"
EMPLOYEE: Final = "employee"
OPERATOR: Final = "operator"
WEBHOOKS_WRITE: Final = "webhooks:write"
AUDIT_READ: Final = "audit:read"

SCOPES: Final = {
    STREAMS_READ: "read streams, their pauses and timelines, and contracts",
    EMPLOYEE: "read the own inbox; the key is bound to one account",
    OPERATOR: "see and redrive deliveries, see latencies",
    WEBHOOKS_WRITE: "keep outgoing webhooks",
    AUDIT_READ: "read the tamper-evident log and its proofs",
}
USE_GRAIN_MICROS: Final = 600 * 1_000_000  # `last_used_at` is written at most every ten minutes

_IDS_AT_ONCE: Final = 500  # SQLite takes at most 999 parameters in old builds
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_LONGEST_NAME: Final = 100
_MOST_CONTRACTS: Final = 50  # a page of streams asks for each of them
_BY_CONTRACT: Final = frozenset({STREAMS_READ, WEBHOOKS_WRITE})  # what a limit can be kept for
_KEY: Final = re.compile(r"pw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")

# `scopes`, `contracts`: separated by one space. Times in microseconds.
api_key = Table(
    "api_key",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("key_sha256", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("account_id", key_text()),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("requests_per_minute", Integer),
    Column("contracts", Text),
)

_BY_ID: Final = select(api_key).where(api_key.c.id == bindparam("id"))


class CreatedKey(NamedTuple):
    """A new key; `key` is shown this once."""

    id: str
    key: str
    scopes: tuple[str, ...]
    account_id: str | None
    contracts: tuple[str, ...] | None


class KeyRow(NamedTuple):
    """A key as operators list it; times in microseconds. `contracts` None: not limited."""

    id: str
    name: str
    scopes: tuple[str, ...]
    account_id: str | None
    contracts: tuple[str, ...] | None
    created_at: int
    revoked_at: int | None
    last_used_at: int | None


def create_key(
    conn: Connection,
    *,
    name: str,
    scopes: Sequence[str],
    account: str | None = None,
    contracts: Sequence[str] = (),
    requests_per_minute: int | None = None,
) -> CreatedKey:
    """Make a key; `requests_per_minute`: instead of the usual limit. Raises InvalidValue with the field."""
    given = _checked_scopes(scopes, account)
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidValue("name", name, f"give 1 to {_LONGEST_NAME} printable characters")
    limited_to = _checked_contracts(contracts, given)
    bound_to = None if account is None else account_id(account, "account")
    identity = secrets.token_hex(_ID_BYTES)
    key = f"pw_{identity}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    conn.execute(
        insert(api_key).values(
            id=identity,
            key_sha256=_digest(key),
            name=name.strip(),
            scopes=" ".join(given),
            account_id=bound_to,
            created_at=now_micros(),
            requests_per_minute=requests_per_minute,
            contracts=None if limited_to is None else " ".join(limited_to),
        )
    )
    return CreatedKey(identity, key, given, bound_to, limited_to)


def list_keys(conn: Connection) -> list[KeyRow]:
    """Every key, revoked ones too, the oldest first."""
    found = conn.execute(select(api_key).order_by(api_key.c.created_at, api_key.c.id))
    return [
        KeyRow(
            id=row.id,
            name=row.name,
            scopes=tuple(row.scopes.split()),
            account_id=row.account_id,
            contracts=_listed(row.contracts),
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )
        for row in found
    ]


def revoke_key(conn: Connection, identity: str) -> bool:
    """Revoke at once and for good; False where there is no such key. Twice keeps the first time."""
    known = conn.execute(select(api_key.c.id).where(api_key.c.id == identity)).first() is not None
    conn.execute(
        update(api_key)
        .where(api_key.c.id == identity, api_key.c.revoked_at.is_(None))
        .values(revoked_at=now_micros())
    )
    return known


def revoke_keys_of(conn: Connection, account: str) -> int:
    """Revoke the keys that are bound to an account, and forget whose they were; returns how many."""
    theirs = update(api_key).where(api_key.c.account_id == account)
    at = func.coalesce(api_key.c.revoked_at, now_micros())
    return conn.execute(theirs.values(account_id=None, revoked_at=at)).rowcount


def note_use(conn: Connection, identity: str, now: int) -> None:
    """Remember that a key is in use, to within ten minutes."""
    conn.execute(
        update(api_key)
        .where(
            api_key.c.id == identity,
            api_key.c.last_used_at.is_(None) | (api_key.c.last_used_at < now - USE_GRAIN_MICROS),
        )
        .values(last_used_at=now)
    )


def key_query(key: str) -> Query | None:
    """The query for a presented key's row; None where the text cannot be a key."""
    parts = _KEY.fullmatch(key)
    return None if parts is None else Query(_BY_ID, {"id": parts[1]})


def valid_keys(conn: Connection, identities: Collection[str]) -> set[str]:
    """Which of these keys are not revoked."""
    wanted = list(identities)
    found: set[str] = set()
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = wanted[start : start + _IDS_AT_ONCE]
        query = select(api_key.c.id).where(api_key.c.id.in_(some), api_key.c.revoked_at.is_(None))
        found.update(conn.scalars(query))
    return found


def caller_of(key: str, row: Row[Any] | None) -> Caller | None:
    """Who presents the key, if it is the one that was made and is not revoked."""
    stored = _digest("") if row is None else row.key_sha256
    if not hmac.compare_digest(_digest(key), stored) or row is None or row.revoked_at is not None:
        return None
    return Caller(
        row.id,
        frozenset(row.scopes.split()),
        row.account_id,
        row.last_used_at,
        row.requests_per_minute,
        _listed(row.contracts),
    )


def _checked_scopes(scopes: Sequence[str], account: str | None) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(scopes))
    for scope in given:
        if scope not in SCOPES:
            raise InvalidValue("scope", scope, f"give one of {', '.join(SCOPES)}")
    if not given:
        raise InvalidValue("scope", None, f"give at least one of {', '.join(SCOPES)}")
    if EMPLOYEE in given and account is None:
        raise InvalidValue("account", None, f"the scope {EMPLOYEE} needs the account it is for")
    return given


def _checked_contracts(contracts: Sequence[str], scopes: Sequence[str]) -> tuple[str, ...] | None:
    if not contracts:
        return None
    for scope in scopes:
        if scope not in _BY_CONTRACT:
            problem = (
                f"the scope {scope} cannot be limited to contracts; make a key of its own for it"
            )
            raise InvalidValue("contract", None, problem)
    given = tuple(sorted({contract_id(each, "contract") for each in contracts}))
    if len(given) > _MOST_CONTRACTS:
        raise InvalidValue("contract", None, f"give at most {_MOST_CONTRACTS}")
    return given


def _listed(contracts: str | None) -> tuple[str, ...] | None:
    return None if contracts is None else tuple(contracts.split())


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
