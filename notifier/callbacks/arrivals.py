"""Callbacks on arrival: each event of a proven request becomes one row, however often it comes.

In: events split by their provider. Out: rows that wait, and a bell. Next: working.py.
Twice: the row's id is made of the provider's name and the event's key; the second copy adds nothing, on
any node and after any restart.
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from notifier.callbacks.tidings import Event
from notifier.privacy import Vault
from notifier.schema import callback
from store import bulk
from store.wake import CALLBACKS, Bell

WAITING = "waiting"
DONE = "done"
DEAD = "dead"
STATES = (WAITING, DONE, DEAD)

_COLUMNS = (
    "callback_id",
    "provider",
    "kind",
    "message_id",
    "delivery_id",
    "payload",
    "state",
    "tries",
    "due_at",
    "happened_at",
    "received_at",
)


def callback_id(provider: str, key: str) -> UUID:
    """The id of what a provider tells under this key."""
    return UUID(bytes=hashlib.sha256(f"{provider}\0{key}".encode()).digest()[:16])


def keep(
    conn: Connection, vault: Vault, bell: Bell, provider: str, events: Sequence[Event], now: int
) -> int:
    """Store what is new of these; returns how many were. `now`: microseconds."""
    rows = {}
    for event in events:
        identity = callback_id(provider, event.key)
        rows[identity] = (
            identity,
            provider,
            event.kind,
            event.message_id,
            event.delivery_id,
            vault.seal(event.payload, row_name(identity)),
            WAITING,
            0,
            now,
            event.happened_at,
            now,
        )
    ordered = [
        rows[identity] for identity in sorted(rows)
    ]  # rivals wait for each other in one order
    new = bulk.insert_many(conn, callback, _COLUMNS, ordered, on_conflict="nothing")
    if new:
        bell.ring(conn, CALLBACKS)
    return new


def row_name(identity: UUID) -> str:
    """What a payload's seal is bound to."""
    return f"callback:{identity}"
