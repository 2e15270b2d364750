"""8f' The release of steps: what was held until its step passes the storm brake, as first news does.

In: held steps (ways.py) whose time has come, those of bundles aside (8f gather.py), in the sweeper's
transaction. Out: pending, or held on by the brake, reason `storm`, for its time or until an operator's
word; what it has held once is not counted again.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select, update

from notifier import states
from notifier.schema import delivery
from notifier.states import HELD, PENDING
from notifier.storm import STORM, Brake, employers_of
from notifier.ways import STEPS

_MOST_STEPS = 500
IS_STEP = or_(*(delivery.c.purpose == each for each in STEPS))


def release_steps(conn: Connection, brake: Brake, now: int) -> int:
    """Let some leave; returns how many."""
    due = conn.execute(
        select(delivery.c.delivery_id, delivery.c.notice_id, _IS_WAVED.label("waved"))
        .where(
            delivery.c.state == HELD,
            delivery.c.bundle.is_(None),
            IS_STEP,
            delivery.c.available_at <= now,
        )
        .order_by(delivery.c.available_at, delivery.c.delivery_id)
        .limit(_MOST_STEPS)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return 0
    asking = [row for row in due if not row.waved]
    employers = employers_of(conn, {row.notice_id for row in asking})
    admitted = brake.admits(conn, [employers[row.notice_id] for row in asking], now)
    stopped = [row for row, may in zip(asking, admitted, strict=True) if not may]
    _hold_on(conn, stopped, brake.hold, now)
    leaving = [row for row in due if row not in stopped]
    moved = states.move_all(
        conn,
        _among(leaving),
        origin=frozenset({HELD}),
        to=PENDING,
        now=now,
        changes={"released_at": now, "reason": None},
    )
    return len(moved)


# The brake has held it for its time, or an operator has let it go.
_IS_WAVED = or_(delivery.c.reason == STORM, delivery.c.released_at.is_not(None))


def _hold_on(conn: Connection, rows: Sequence[Row[Any]], hold: int, now: int) -> None:
    if rows:
        conn.execute(
            update(delivery)
            .where(_among(rows))
            .values(
                reason=STORM,
                available_at=delivery.c.available_at + hold,
                deadline_at=delivery.c.deadline_at + hold,
                updated_at=now,
            )
        )


def _among(rows: Sequence[Row[Any]]) -> ColumnElement[bool]:
    return delivery.c.delivery_id.in_([row.delivery_id for row in rows])
