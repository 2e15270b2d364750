"""Of which pauses somebody was told."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, select

from notifier.schema import delivery, notice
from projections.pauses import PauseRow

_TOLD: Final = (
    select(notice.c.cause_event_id)
    .join(delivery, delivery.c.notice_id == notice.c.notice_id)
    .where(
        notice.c.cause_event_id.in_(bindparam("causes", expanding=True)),
        delivery.c.state.in_(("accepted", "delivered")),
    )
    .distinct()
)


def told_of(conn: Connection, pauses: Iterable[PauseRow]) -> set[str]:
    """Ids of the pauses about which a message was accepted, or lies in an inbox."""
    by_cause = {row.start_cause_id or row.end_cause_id: row.id for row in pauses}
    if not by_cause:
        return set()
    return {by_cause[cause] for cause in conn.scalars(_TOLD, {"causes": list(by_cause)})}
