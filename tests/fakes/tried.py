"""Attempts as the notifier leaves them."""

from uuid import UUID

from sqlalchemy import Connection, insert

from notifier.schema import attempt


def tried(
    conn: Connection, delivery_id: UUID, n: int, *, result: str | None, ended_at: int | None
) -> None:
    """One try by SMTP; `ended_at` None: not over yet."""
    values = {"delivery_id": delivery_id, "n": n, "provider": "smtp", "phase": "sending"}
    values |= {"result": result, "started_at": 1, "ended_at": ended_at, "worker": "test"}
    conn.execute(insert(attempt).values(values))
