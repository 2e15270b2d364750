"""8g Onward: where a channel came to nothing, the person's next one gets the news.

In: notices one of whose deliveries failed, expired, bounced or was suppressed (states.py puts them down),
or stayed unknown for too long (13c doubts.py).
Out: deliveries on the next channel in the person's order, or the step that waits there brought forward;
nothing where another channel carries it, it was read, or no longer holds. What a digest was to tell along
goes too (told_along.py). Next: 8f gather.py, 8g''' doubt_ends.py, 9 relay.py.

Twice: the row is taken in the transaction of what it leads to, and a delivery has the keys that any other
of its notice has on that channel; so it is made once, whatever fails again.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, delete, select

from notifier import doubt_ends, guard, storm, told_along, unpaid
from notifier.doubt_ends import Found
from notifier.doubts import NO_OTHER_WAY, NOT_NEEDED, TOLD_ELSEWHERE
from notifier.next_way import (
    Next,
    bring_forward,
    doubts_of,
    is_carried,
    is_overtaken,
    mail_again_at,
    next_way,
    standing,
)
from notifier.places import MICROS, PlannedDelivery
from notifier.privacy import Vault
from notifier.purpose_schema import onward
from notifier.recipients import Recipient, Roster
from notifier.running import run_until
from notifier.schema import delivery, notice
from notifier.spending import UNCOUNTED, Spending
from notifier.states import PENDING
from notifier.storm import UNBRAKED, Brake
from notifier.told_along import About
from store import bulk
from store.clock import now_micros
from store.engine import Database
from store.wake import OUTBOX

WENT_ONWARD = "deliveries_went_onward"
ONWARD_FAILED = "onward_failed"
AT_ONCE = 50
_COLUMNS = PlannedDelivery._fields


class Onward:
    """Works off what came to nothing; any number of processes may run one."""

    def __init__(  # noqa: PLR0913 # whom it serves, and what it must heed
        self,
        database: Database,
        vault: Vault,
        freshness_seconds: Mapping[str, int],
        *,
        poll_seconds: float,
        window_seconds: float = 0,
        brake: Brake = UNBRAKED,
        spending: Spending = UNCOUNTED,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._roster = Roster(vault)
        self._freshness = freshness_seconds
        self._poll_seconds = poll_seconds
        self._window = int(window_seconds * MICROS)
        self._brake = brake
        self._spending = spending
        self._clock = clock
        self._log = structlog.get_logger()

    def step(self) -> int:
        """Look at some notices; returns how many."""
        now = self._clock()
        with self._database.begin() as conn:
            due = conn.scalars(
                select(onward.c.notice_id)
                .order_by(onward.c.created_at)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            ).all()
            told_along.lock(conn, due)
            found = [each for notice_id in due for each in self._contained(conn, notice_id, now)]
            went = sum(each.went for each in found)
            went += doubt_ends.conclude(conn, found, self._brake, now)
            conn.execute(delete(onward).where(onward.c.notice_id.in_(due)))
            if went:
                self._database.bell.ring(conn, OUTBOX)
        if went:
            self._log.info(WENT_ONWARD, deliveries=went)
        return len(due)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="onward")

    def _contained(self, conn: Connection, notice_id: UUID, now: int) -> list[Found]:
        """One notice; what is wrong with it stays with it: its dead delivery is there to be redriven."""
        try:
            with conn.begin_nested():
                told, along = told_along.together(conn, notice_id, now)
                return [self._go(conn, each, now, along=along) for each in told]
        except Exception as error:
            if not guard.is_defect(error):
                raise
            reason = guard.place_of(error)
            self._log.error(ONWARD_FAILED, notice_id=str(notice_id), reason=reason)
            return []

    def _go(self, conn: Connection, notice_id: UUID, now: int, *, along: bool) -> Found:
        row = conn.execute(select(notice).where(notice.c.notice_id == notice_id)).one_or_none()
        there = standing(conn, notice_id)
        found = Found(notice_id, doubts=doubts_of(there), outcome=NOT_NEEDED)
        person = self._reader(conn, row)
        if row is None or person is None:
            return found
        if not self._holds(row, there, now):
            return found._replace(outcome=NO_OTHER_WAY)
        affordable = self._spending.affordable(conn, self._freshness, now)
        way = next_way(row, there, person, affordable, now)
        if (way is None and not found.doubts) or is_overtaken(conn, row):
            return found
        if way is None:
            if is_carried(there):
                return found._replace(outcome=TOLD_ELSEWHERE)
            again_at = mail_again_at(row, person, affordable, now)
            return found._replace(outcome=NO_OTHER_WAY, again_at=again_at)
        went = self._goes(conn, row, way, _bundle_of(there), now, along=along)
        unpaid.withdraw(conn, notice_id, now)
        return found._replace(went=went, outcome=TOLD_ELSEWHERE)

    def _reader(self, conn: Connection, row: Row[Any] | None) -> Recipient | None:
        """Who has not seen this notice; None: nobody is to be told any more."""
        if row is None or row.content is None or row.read_at is not None:
            return None
        return self._roster.by_id(conn, row.recipient_id)

    def _goes(
        self,
        conn: Connection,
        row: Row[Any],
        found: Next,
        bundle: str | None,
        now: int,
        *,
        along: bool,
    ) -> int:
        """As any news does that is about to leave: through the storm brake, or gathered first."""

        def turn(of: Any) -> int:
            place, about = (of.channel, of.endpoint), About(bundle, row.kind)
            return told_along.turn(conn, place, about, self._window, now)

        if found.step is not None:
            until = turn(found.step)
            with_others = found.daily or (bundle if along or until > now else None)
            return bring_forward(conn, found.step, max(found.at, until), with_others, now)
        made = []
        for each in found.made:
            if each.bundle is not None:  # it waits for the daily digest
                made.append(each)
                continue
            until = turn(each)
            made.append(told_along.restrained(each, bundle, until, along=along))
        braked = self._braked(conn, row.notice_id, made, now)
        return bulk.insert_many(conn, delivery, _COLUMNS, braked, on_conflict="nothing")

    def _braked(
        self, conn: Connection, notice_id: UUID, made: Sequence[PlannedDelivery], now: int
    ) -> Sequence[PlannedDelivery]:
        leaving = [each for each in made if each.state == PENDING]
        if not leaving:
            return made
        employer = storm.employers_of(conn, [notice_id])[notice_id]
        admitted = iter(self._brake.admits(conn, [employer] * len(leaving), now))
        return [
            each if each.state != PENDING or next(admitted) else self._brake.held(each)
            for each in made
        ]

    def _holds(self, row: Row[Any], there: Sequence[Row[Any]], now: int) -> bool:
        """Whether the news is of use on any channel: as long as it would be on the most patient one.

        What was held, over quiet hours say, was fresh when it was let go.
        """
        longest = max(self._freshness.values(), default=0)
        since = max([row.closed_at * MICROS, *(each.let_go_at or 0 for each in there)])
        return bool(now < since + longest * MICROS)


def _bundle_of(there: Sequence[Row[Any]]) -> str | None:
    return next((each.bundle for each in there if each.bundle is not None), None)
