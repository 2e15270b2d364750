"""The minute's canary is planned as news is: in planning's own step, once it has come to where it waits.

In: rows of `canary_minute` that wait, and how far planning has come. Out: a notice and a delivery each.
Next: 9 relay.py, as for any other.

Planning that hangs, backs off or has much before it makes canaries late, then missed, as it does people's
news. A canary is not to stop planning: what is wrong with it stays with it.
"""

from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Row, Select, exists, insert, select, update

from notifier import guard
from notifier.canary import DEADLINE_SECONDS, canary_minute
from notifier.content import EMPLOYEE, TEMPLATE_VERSION, Content, encode_content
from notifier.schema import delivery, notice
from notifier.states import CANARY, PENDING

CANARY_NOT_PLANNED = "canary_not_planned"
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND


class CanaryPlans:
    """Plans canaries within planning's transactions. `channel`: how they travel."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def are_waiting(self, conn: Connection, position: int, now: int) -> bool:
        """Whether one waits that planning, come to this position, should plan."""
        return bool(conn.scalar(select(exists(_due(position, now)))))

    def plan(self, conn: Connection, position: int, now: int) -> None:
        """Plan those that wait; whose deadline has passed stays untold. Raises what the store raises."""
        # Whoever holds a row keeps its times (canary.py): planning does not wait for that.
        waiting = conn.execute(_due(position, now).with_for_update(skip_locked=True)).all()
        if not waiting:
            return
        try:
            with conn.begin_nested():
                for row in waiting:
                    self._plan(conn, row, now)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            structlog.get_logger().error(CANARY_NOT_PLANNED, reason=guard.place_of(error))

    def _plan(self, conn: Connection, row: Row[Any], now: int) -> None:
        notice_id = uuid4()
        conn.execute(insert(notice).values(_notice(notice_id, row, now)))
        conn.execute(insert(delivery).values(_delivery(notice_id, row, self._channel, now)))
        conn.execute(
            update(canary_minute)
            .where(canary_minute.c.minute == row.minute)
            .values(waits_for=None, planned_at=now)
        )


def _due(position: int, now: int) -> Select[Any]:
    since = now - DEADLINE_SECONDS * _SECOND
    return select(canary_minute).where(
        canary_minute.c.minute >= since // _MINUTE,
        canary_minute.c.planned_at > since,
        canary_minute.c.waits_for <= position,
    )


def _notice(notice_id: UUID, row: Row[Any], now: int) -> dict[str, Any]:
    """Addressed to nobody: no account has this recipient's id."""
    content = Content(
        kind=CANARY,
        role=EMPLOYEE,
        contract_id="-",
        stream_id=None,
        happened_at=row.closed_at,
        learned_at=row.planned_at // _SECOND,
        reference=notice_id.hex[:8].upper(),
    )
    return {
        "notice_id": notice_id,
        "recipient_id": CANARY,
        "kind": CANARY,
        "cause_event_id": f"{CANARY}:{row.minute}",
        "position": 0,
        "contract_id": "-",
        "stream_id": None,
        "late": False,
        "content": encode_content(content),
        "template_version": TEMPLATE_VERSION,
        "language": "en",
        "closed_at": row.closed_at,
        "observed_at": row.planned_at,
        "recorded_at": row.planned_at,
        "planned_at": now,
    }


def _delivery(notice_id: UUID, row: Row[Any], channel: str, now: int) -> dict[str, Any]:
    return {
        "delivery_id": row.delivery_id,
        "notice_id": notice_id,
        "channel": channel,
        "endpoint": CANARY,
        "contact_id": None,
        "state": PENDING,
        "generation": 0,
        "priority": 1,
        "available_at": now,
        "deadline_at": row.planned_at + DEADLINE_SECONDS * _SECOND,
        "attempts": 0,
        "possible_duplicate": False,
        "planned_at": now,
        "updated_at": now,
    }
