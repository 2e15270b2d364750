"""How often a provider was tried for a delivery."""

from uuid import UUID

from sqlalchemy import Connection, func, select

from notifier.result import Result
from notifier.retry import Outcome
from notifier.schema import attempt


def tries_of(conn: Connection, delivery_id: UUID, result: Result, *, n: int) -> int:
    """Tries by this result's provider, the one numbered `n` included; 0 where they do not matter.

    They do where nothing was sent. A provider's own fault costs no try.
    """
    if result.outcome is not Outcome.NOT_SENT:
        return 0
    earlier = conn.scalar(
        select(func.count())
        .select_from(attempt)
        .where(
            attempt.c.delivery_id == delivery_id,
            attempt.c.n < n,
            attempt.c.provider == result.provider,
            attempt.c.result != Outcome.PROVIDER_FAULT.value,
        )
    )
    return 1 + (earlier or 0)
