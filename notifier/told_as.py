"""How a delivery was told: by itself, or by the digest that carries it.

For whoever shows people what became of a notice: a delivery that a digest carries is where the digest is.
"""

from typing import Any, Final

from sqlalchemy import FromClause, case, func

from notifier.doubts import is_doubted
from notifier.schema import delivery
from notifier.states import CAME_TO_NOTHING

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
# As what it ended: also what was to be told along by a digest that came to nothing.
ENDED_AS: Final = case(
    (_carrier.c.state.in_(sorted(CAME_TO_NOTHING)), _carrier.c.state), else_=delivery.c.state
).label("state")
# The letter that may have told it, where nobody told in time what became of that; NULL: it is not in doubt.
DOUBT: Final = case(
    (is_doubted(_carrier), _carrier.c.delivery_id), (is_doubted(), delivery.c.delivery_id)
).label("doubt")
CHANGED_AT: Final = func.coalesce(_carrier.c.updated_at, delivery.c.updated_at)


_released_at = func.coalesce(_carrier.c.released_at, delivery.c.released_at)
_deadline_at = func.coalesce(_carrier.c.deadline_at, delivery.c.deadline_at)
# When it was let go, and when it was handed over, or its digest was.
RELEASED_AT: Final = func.coalesce(
    _carrier.c.released_at, delivery.c.released_at, delivery.c.planned_at
)
# Of what was held: when it was let go, in time; NULL: it never was. Its freshness counts from then.
LET_GO_AT: Final = case(
    (_released_at < _deadline_at, _released_at), (_released_at.is_not(None), _deadline_at)
).label("let_go_at")
HANDED_OFF_AT: Final = func.coalesce(_carrier.c.handed_off_at, delivery.c.handed_off_at)


def told_columns() -> tuple[Any, ...]:
    """What became of it, where its carrier is the one that counts."""
    return STATE, ACCEPTED_AT, DELIVERED_AT
