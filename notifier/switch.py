"""The sending switch: while it says paused, planning and in-app go on and nothing is handed off.

It is a row, read in the transaction of every claim of the relay and of every hand-off mark, so each
process obeys with its next delivery.
"""

from typing import NamedTuple

from sqlalchemy import Connection, select

from notifier.schema import switch
from store.bulk import upsert_many
from store.wake import Bell

SENDING = "sending"
ON = "on"
PAUSED = "paused"
_COLUMNS = ("name", "value", "changed_at", "reason")


class Sending(NamedTuple):
    """Whether letters leave. `changed_at`: microseconds, None if nobody ever turned the switch."""

    paused: bool
    changed_at: int | None
    reason: str | None


_SENDING = select(switch.c.value, switch.c.changed_at, switch.c.reason).where(
    switch.c.name == SENDING
)


def status(conn: Connection) -> Sending:
    """How the switch stands."""
    row = conn.execute(_SENDING).one_or_none()
    if row is None:
        return Sending(paused=False, changed_at=None, reason=None)
    return Sending(row.value == PAUSED, row.changed_at, row.reason)


def pause(conn: Connection, *, reason: str | None, now: int) -> None:
    """Hand nothing off from now on."""
    _turn(conn, PAUSED, reason, now)


def resume(conn: Connection, bell: Bell, *, now: int) -> None:
    """Hand off again, starting at once."""
    _turn(conn, ON, None, now)
    bell.ring(conn, "outbox")


def _turn(conn: Connection, value: str, reason: str | None, now: int) -> None:
    upsert_many(conn, switch, ("name",), _COLUMNS, [(SENDING, value, now, reason)])
