"""13 The sweeper: nothing unfinished outlives its lease, and nothing is sent past its deadline.

In: deliveries whose lease, waiting time, patience or deadline is over. Out: queued and claimed ones pending
again (nothing left), handed-off ones unknown (something may have), late ones expired. Next: 13c doubts.py,
of those that stay unknown.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select, update

from notifier import buckets, doubts
from notifier.pacing import Pacing
from notifier.places import MICROS
from notifier.push_places import WEB_PUSH
from notifier.retry import Outcome
from notifier.running import run_until
from notifier.schema import attempt, delivery
from notifier.spending import COST_CAP
from notifier.states import (
    CLAIMED,
    EXPIRED,
    HANDED_OFF,
    HELD,
    PENDING,
    PLANNED,
    QUEUED,
    RETRY_WAIT,
    UNKNOWN,
    move_all,
)
from notifier.step_release import IS_STEP, release_steps
from notifier.storm import UNBRAKED, Brake
from notifier.webhooks import health
from notifier.webhooks.subscriptions import WEBHOOK
from store.clock import now_micros
from store.engine import Database
from store.wake import OUTBOX

DELIVERIES_SWEPT = "deliveries_swept"
MOST_ROWS = 1000
# Whose far side knows the same id: a repeat is harmless, nothing is left unknown. A webhook's receiver
# knows the delivery; so does a browser (push-worker.js), whose service keeps one message of a Topic.
KNOWS_REPEATS = (WEBHOOK, WEB_PUSH)

_NO_CLAIM = {"token": None, "lease_until": None}


class Sweeper:
    """Sweeps; any number of processes may, each row is swept once."""

    def __init__(  # noqa: PLR0913 # what a sweep must heed
        self,
        database: Database,
        *,
        sweep_seconds: float,
        disable_after_days: float = 5.0,
        patience_seconds: float = 0,
        pacing: Pacing | None = None,
        providers: Mapping[str, str] | None = None,
        brake: Brake = UNBRAKED,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._sweep_seconds = sweep_seconds
        self._disable_after_days = disable_after_days
        self._patience = int(patience_seconds * MICROS)
        self._pacing = pacing or Pacing()
        self._providers = providers or {}
        self._brake = brake
        self._clock = clock
        self._log = structlog.get_logger()

    def step(self) -> int:
        """One sweep of at most 1,000 rows of each kind; returns how many moved."""
        now = self._clock()
        with self._database.begin() as conn:
            reclaimed = _reclaim(conn, now)
            swept = {
                "reclaimed": len(reclaimed),
                "released": _release(conn, now) + release_steps(conn, self._brake, now),
                "unknown": _give_up(conn, now),
                "unresolved": doubts.give_up(conn, self._patience, now),
                "expired": _expire(conn, now),
            }
            health.disable_failing(conn, after_days=self._disable_after_days, now=now)
            if swept["reclaimed"] or swept["released"]:
                self._database.bell.ring(conn, OUTBOX)
            # Last, as by everybody who changes buckets (buckets.py).
            buckets.forget(conn, now)
            self._pacing.give_back(conn, reclaimed, self._providers, now)
        if any(swept.values()):
            self._log.info(DELIVERIES_SWEPT, **swept)
        return sum(swept.values())

    def run(self, stop: threading.Event) -> None:
        """Sweep until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._sweep_seconds), role="sweep")


def _reclaim(conn: Connection, now: int) -> list[Row[Any]]:
    """A lost message or a dead worker: nothing has left."""
    origin = frozenset({QUEUED, CLAIMED})
    where = _some(origin, delivery.c.lease_until < now)
    return move_all(conn, where, origin=origin, to=PENDING, now=now, changes=_NO_CLAIM)


def _release(conn: Connection, now: int) -> int:
    """Held deliveries whose time has come; those of a bundle are gathered, steps pass the brake.

    What may have left before is gathered with nothing (waiting.py).
    """
    origin = frozenset({HELD})
    single = delivery.c.bundle.is_(None) | delivery.c.possible_duplicate
    alone = single & (delivery.c.purpose.is_(None) | ~IS_STEP)
    where = _some(origin, (delivery.c.available_at <= now) & alone)
    changes = {"released_at": now}
    return len(move_all(conn, where, origin=origin, to=PENDING, now=now, changes=changes))


def _give_up(conn: Connection, now: int) -> int:
    """A worker died with the bytes on their way. The token stays: a late answer still counts.

    Where the far side knows a repeat by its id, it is tried again instead; one that a person may have seen
    is flagged, so that nobody takes it back.
    """
    origin = frozenset({HANDED_OFF})
    overdue = delivery.c.lease_until < now
    changes: dict[str, Any] = {"lease_until": None, "reason": "lease_expired"}
    known = or_(
        delivery.c.channel.in_(KNOWS_REPEATS),
        func.coalesce(delivery.c.provider, "").in_(KNOWS_REPEATS),
    )
    flag = or_(delivery.c.possible_duplicate, delivery.c.channel != WEBHOOK)
    moved = move_all(
        conn, _some(origin, overdue & ~known), origin=origin, to=UNKNOWN, now=now, changes=changes
    )
    moved += move_all(
        conn,
        _some(origin, overdue & known),
        origin=origin,
        to=RETRY_WAIT,
        now=now,
        changes=changes | {"token": None, "available_at": now, "possible_duplicate": flag},
    )
    if moved:
        conn.execute(
            update(attempt)
            .where(
                attempt.c.delivery_id.in_([row.delivery_id for row in moved]),
                attempt.c.result.is_(None),
            )
            .values(result=Outcome.UNKNOWN.value, ended_at=now, detail="the worker's lease expired")
        )
    return len(moved)


def _expire(conn: Connection, now: int) -> int:
    """Too late to be of use: in-app only."""
    origin = frozenset({PLANNED, HELD, PENDING, RETRY_WAIT})
    where = _some(origin, delivery.c.deadline_at <= now)
    # Who waited for a turn, or for money, says so: the limit was too low for this news.
    slow = delivery.c.reason.in_((buckets.RATE, COST_CAP))
    reason = case((slow, delivery.c.reason), else_="deadline")
    changes = _NO_CLAIM | {"reason": reason}
    return len(move_all(conn, where, origin=origin, to=EXPIRED, now=now, changes=changes))


def _some(origin: frozenset[str], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """A bounded number of rows, those that another process is moving left out."""
    rows = (
        select(delivery.c.delivery_id)
        .where(delivery.c.state.in_(sorted(origin)), condition)
        .limit(MOST_ROWS)
        .with_for_update(skip_locked=True)
    )
    return delivery.c.delivery_id.in_(rows)
