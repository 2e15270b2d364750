"""The guard around one event in planning: what it cannot understand is parked with an alarm.

Everything written for that event is undone, the position is kept in `plan_parked`, and planning goes on.
What the database cannot do is no fault of the event: that passes through.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Connection

from notifier.schema import plan_parked
from store import bulk
from store.errors import StoreError, translate

PLAN_PARKED = "plan_parked"


@contextmanager
def contained(conn: Connection, position: int, now: int) -> Iterator[None]:
    """Undo and park what fails inside. Raises what the store raises."""
    try:
        with conn.begin_nested():
            yield
    except Exception as error:
        if not is_defect(error):
            raise
        reason = place_of(error)
        row = (position, reason, now)
        columns = ("position", "reason", "parked_at", "ending")
        bulk.upsert_many(conn, plan_parked, ("position",), columns, [(*row, None)])
        structlog.get_logger().error(PLAN_PARKED, position=position, reason=reason)


def is_defect(error: Exception) -> bool:
    """Whether an event or our code is at fault, not the database's state."""
    return not isinstance(error, StoreError) and translate(error) is None


def place_of(error: Exception) -> str:
    """Which error, and where: its text might name a person."""
    frames = traceback.extract_tb(error.__traceback__)
    place = [frame for frame in frames if "site-packages" not in frame.filename][-1]
    return f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno} {place.name}"
