"""Callbacks as operators see and steer them: list, show, redrive."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, update

from notifier.callbacks.arrivals import DEAD, WAITING, row_name
from notifier.privacy import Vault
from notifier.schema import callback
from store.wake import CALLBACKS, Bell

# All but the payload, which may name a person.
_SHOWN = tuple(
    column for column in callback.c if column.name not in ("payload", "destination_lookup")
)


def listing(*, state: str | None, provider: str | None, limit: int) -> Select[Any]:
    """The newest first, without payloads."""
    wanted = {callback.c.state: state, callback.c.provider: provider}
    return (
        select(*_SHOWN)
        .where(*(column == value for column, value in wanted.items() if value is not None))
        .order_by(callback.c.received_at.desc(), callback.c.callback_id)
        .limit(limit)
    )


def shown(conn: Connection, vault: Vault, identity: UUID) -> dict[str, Any] | None:
    """One callback with its payload as text; the payload is None once erased."""
    row = conn.execute(
        select(*_SHOWN, callback.c.payload).where(callback.c.callback_id == identity)
    ).first()
    if row is None:
        return None
    found = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's public name for a row as a mapping
    if row.payload is not None:
        found["payload"] = vault.unseal(row.payload, row_name(identity)).decode(errors="replace")
    return found


def redrivable(identities: Sequence[UUID]) -> Select[Any]:
    """Which of these are dead; all that are where none is named."""
    return select(callback.c.callback_id).where(_dead(identities)).order_by(callback.c.received_at)


def redrive(conn: Connection, bell: Bell, identities: Sequence[UUID], *, now: int) -> list[UUID]:
    """Let dead ones be worked off anew; returns which. Done ones did what they do: they stay done."""
    revived = conn.scalars(
        update(callback)
        .where(_dead(identities))
        .values(state=WAITING, tries=0, due_at=now, processed_at=None)
        .returning(callback.c.callback_id)
    ).all()
    bell.ring(conn, CALLBACKS)
    return sorted(revived)


def unfinished(conn: Connection) -> dict[str, int]:
    """How many wait, and how many are dead."""
    counts = conn.execute(
        select(callback.c.state, func.count())
        .where(callback.c.state.in_((WAITING, DEAD)))
        .group_by(callback.c.state)
    )
    return {WAITING: 0, DEAD: 0} | {row[0]: row[1] for row in counts}


def _dead(identities: Sequence[UUID]) -> ColumnElement[bool]:
    dead = callback.c.state == DEAD
    return and_(dead, callback.c.callback_id.in_(identities)) if identities else dead
