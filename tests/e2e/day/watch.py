"""A look at the deployment now and then: what is held and why, and whether all has come to rest."""

import time
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from cli.quiet import UNDER_WAY, standing
from notifier.callbacks.arrivals import WAITING
from notifier.plan import planned_to
from notifier.schema import callback, delivery
from notifier.states import HELD, PENDING, RETRY_WAIT, UNKNOWN
from notifier.turns import OPEN
from simulator.truth import read_truth
from store import log
from store.clock import now_micros
from tests.e2e.day.people import MICROS
from tests.e2e.harness import Site


class Seen(NamedTuple):
    """What was ever seen so: why each was held, and of which nobody knew the end."""

    held: dict[UUID, str]
    unknown: set[UUID]


_SOON = 30 * MICROS  # what is due later than this waits longer than the run
_LOOK_SECONDS = 0.5
_BEHIND = 100  # events not planned


class Watch:
    """`seen`: since the run began."""

    def __init__(self, site: Site) -> None:
        self.seen = Seen({}, set())
        self._site = site
        self._next_look = 0.0

    def look(self) -> None:
        """Remember what is held, and what is unknown."""
        began = time.monotonic()
        if began < self._next_look:
            return
        columns = (delivery.c.delivery_id, delivery.c.state, delivery.c.reason, delivery.c.purpose)
        query = select(*columns).where(delivery.c.state.in_((HELD, UNKNOWN)))
        with self._site.database.read() as conn:
            for row in conn.execute(query):
                if row.state == UNKNOWN:
                    self.seen.unknown.add(row.delivery_id)
                else:
                    why = row.reason or row.purpose or "quiet hours"
                    self.seen.held.setdefault(row.delivery_id, why)
        took = time.monotonic() - began
        self._next_look = began + max(_LOOK_SECONDS, 5 * took)

    def is_busy(self, most: int) -> bool:
        """Whether planning, or what is under way, is far behind."""
        with self._site.database.read() as conn:
            behind = log.head(conn) - planned_to(conn)
            return behind > _BEHIND + most or _due(conn) > most

    def is_at_work(self) -> bool:
        """Whether there is anything that a killed process could lose."""
        with self._site.database.read() as conn:
            return _due(conn) > 0

    def is_at_rest(self) -> bool:
        """Whether all that is due soon has come to its end."""
        events = len(read_truth(self._site.network.truth_path))
        with self._site.database.read() as conn:
            now = standing(conn, self._site.network.contract_id)
            if not now.caught_up or now.events != events or _due(conn):
                return False
            waiting = select(func.count()).select_from(callback).where(callback.c.state == WAITING)
            return not conn.scalar(waiting)


def _due(conn: Connection) -> int:
    return conn.scalar(select(func.count()).select_from(delivery).where(_is_due())) or 0


def _is_due() -> ColumnElement[bool]:
    """Under way, or held or waiting for less than a moment; behind another of its lane nothing is due."""
    earlier = delivery.alias("earlier")
    is_first = ~exists().where(
        earlier.c.lane == delivery.c.lane,
        earlier.c.lane_position < delivery.c.lane_position,
        earlier.c.state.in_(OPEN),
    )
    soon = delivery.c.available_at <= now_micros() + _SOON
    at_once = [each for each in UNDER_WAY if each not in (PENDING, RETRY_WAIT)]
    waits = delivery.c.state.in_((PENDING, RETRY_WAIT, HELD))
    in_turn = or_(delivery.c.lane.is_(None), is_first)
    return or_(delivery.c.state.in_(at_once), and_(waits, soon, in_turn))
