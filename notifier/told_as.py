"""How a delivery was told: by itself, or by the digest that carries it.

For whoever shows people what became of a notice: a delivery that a digest carries is where the digest is.
"""

from typing import Any, Final

from sqlalchemy import FromClause, func

from notifier.schema import delivery

_carrier = delivery.alias("carrier")
DELIVERIES: Final[FromClause] = delivery.outerjoin(
    _carrier, _carrier.c.delivery_id == delivery.c.carried_by
)
STATE: Final = func.coalesce(_carrier.c.state, delivery.c.state).label("state")
ACCEPTED_AT: Final = func.coalesce(_carrier.c.accepted_at, delivery.c.accepted_at).label(
    "accepted_at"
)
DELIVERED_AT: Final = func.coalesce(_carrier.c.delivered_at, delivery.c.delivered_at).label(
    "delivered_at"
)


def told_columns() -> tuple[Any, ...]:
    """What became of it, where its carrier is the one that counts."""
    return STATE, ACCEPTED_AT, DELIVERED_AT
