"""Who sends an `Authorization: Bearer`: a key's holder or a person with a session, found in one query."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row

from api import keys, sessions
from api.caller import Caller
from api.keys import EMPLOYEE, STREAMS_READ
from notifier.privacy import Vault
from store.clock import now_micros
from store.query import Query

SESSION_SCOPES: Final = frozenset({EMPLOYEE, STREAMS_READ})


def caller_query(bearer: str) -> Query | None:
    """The query for what was sent; None where the text can be neither a key nor a token."""
    return keys.key_query(bearer) or sessions.session_query(bearer)


def caller_of(
    bearer: str, row: Row[Any] | None, vault: Vault, *, issuer: str, now: int
) -> Caller | None:
    """Who asks, by the query's row; None: not known, or not any more. `now`: microseconds."""
    if keys.key_query(bearer) is not None:
        return keys.caller_of(bearer, row)
    found = sessions.session_of(bearer, row, vault, issuer=issuer, now=now)
    if found is None:
        return None
    return Caller(found.session_id, SESSION_SCOPES, found.account, last_used_at=None)


def valid_callers(conn: Connection, identities: Collection[str]) -> set[str]:
    """Which of these keys and sessions still count."""
    people = {each for each in identities if sessions.is_session(each)}
    valid = keys.valid_keys(conn, set(identities) - people)
    return valid | sessions.standing(conn, people, now_micros()) if people else valid
