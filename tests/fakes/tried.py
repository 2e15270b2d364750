"""Attempts as the notifier leaves them."""

from uuid import UUID

from sqlalchemy import Connection, insert

from notifier.schema import attempt


def tried(
    conn: Connection,
    delivery_id: UUID,
    n: int,
    *,
    result: str | None,
    ended_at: int | None,
    cost: int | None = None,
) -> None:
    """One try by SMTP; `ended_at` None: not over yet; `cost` None: no price was set."""
    values = {"delivery_id": delivery_id, "n": n, "provider": "smtp", "phase": "sending"}
    values |= {"result": result, "started_at": 1, "ended_at": ended_at, "worker": "test"}
    values |= {"cost": cost}
    conn.execute(insert(attempt).values(values))
