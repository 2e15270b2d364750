"""What providers and receivers said of each try goes after some time; how the try ended stays.

Their words can name people where ours never do. Deliveries are walked in the order of planning, by an index
that is there already; what has no end yet, or none that anybody knows, keeps its words for who decides.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select, tuple_, update

from notifier.schema import attempt, delivery
from notifier.states import UNKNOWN
from notifier.turns import OPEN
from store.engine import Database
from store.forgetting import MOST_ROWS

_FIRST: Final = UUID(int=0)
_LOOK_BACK_MICROS: Final = 30 * 86_400_000_000  # what was open then may have ended since
_KEEPS_ITS_WORDS: Final = frozenset({*OPEN, UNKNOWN})


class OldDetails:
    """Walks from the beginning, then on from where it ended; every so many walks a month of it anew."""

    def __init__(self, walks_between: int = 24) -> None:
        self._place = (0, _FIRST)
        self._walks = self._walks_between = walks_between

    def forget(self, database: Database, before: int) -> int:
        """Clear the words of deliveries planned before a time; how many it went through, 0: none left."""
        columns = (delivery.c.planned_at, delivery.c.delivery_id)
        beyond = tuple_(*columns) > tuple_(*self._place, types=[each.type for each in columns])
        page = (
            select(*columns, delivery.c.state)
            .where(delivery.c.planned_at < before, beyond)
            .order_by(*columns)
            .limit(MOST_ROWS)
        )
        with database.read() as conn:
            rows = conn.execute(page).all()
        if not rows:
            self._walks -= 1
            if self._walks <= 0:
                self._walks = self._walks_between
                self._place = (min(self._place[0], before) - _LOOK_BACK_MICROS, _FIRST)
            return 0
        ended = [row.delivery_id for row in rows if row.state not in _KEEPS_ITS_WORDS]
        words = attempt.c.detail.is_not(None) & attempt.c.delivery_id.in_(ended)
        with database.read() as conn:
            found = conn.execute(select(attempt.c.delivery_id).where(words).limit(1)).first()
        if found is not None:
            with database.begin() as conn:
                conn.execute(update(attempt).where(words).values(detail=None))
        self._place = (rows[-1].planned_at, rows[-1].delivery_id)
        return len(rows)
