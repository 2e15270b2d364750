"""8g Onward: where a channel came to nothing, the person's next one gets the news.

In: notices one of whose deliveries failed, expired, bounced or was suppressed (states.py puts them down).
Out: deliveries on the next channel in the person's order, or the step that waits there brought forward;
nothing where another channel carries it, it was read, or no longer holds. Next: 9 relay.py.

Twice: the row is taken in the transaction of what it leads to, and a delivery has the keys that any other
of its notice has on that channel; so it is made once, whatever fails again.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Row, delete, select, update

from notifier import guard, states, storm, unpaid
from notifier.content import IN_APP
from notifier.places import (
    IN_APP_ONLY,
    MICROS,
    PUSH,
    Place,
    PlannedDelivery,
    places_for,
    sent_delivery,
)
from notifier.preferences import heed
from notifier.privacy import Vault
from notifier.purpose_schema import onward
from notifier.recipients import Recipient, Roster
from notifier.running import run_until
from notifier.schema import delivery, notice
from notifier.spending import COST_CAP, UNCOUNTED, Spending
from notifier.states import CANCELLED, HELD
from notifier.storm import UNBRAKED, Brake
from notifier.ways import INSTEAD_OF, STEPS, order_of
from notifier.webhooks.subscriptions import WEBHOOK
from store import bulk
from store.clock import now_micros
from store.engine import Database
from store.wake import OUTBOX

WENT_ONWARD = "deliveries_went_onward"
ONWARD_FAILED = "onward_failed"
AT_ONCE = 50
# Where news is carried, or was: nobody needs another way.
_CARRIED = frozenset(
    {
        *(states.PLANNED, states.PENDING, states.QUEUED, states.CLAIMED, states.HANDED_OFF),
        *(states.RETRY_WAIT, states.ACCEPTED, states.DELIVERED, states.COMPLAINED, states.UNKNOWN),
        # Its news no longer holds, or another message tells it.
        CANCELLED,
    }
)
_COLUMNS = PlannedDelivery._fields


class Next(NamedTuple):
    """The channel to go on with: the step that waits there, or new deliveries."""

    channel: str
    at: int
    step: Any | None
    made: tuple[PlannedDelivery, ...] = ()


class Onward:
    """Works off what came to nothing; any number of processes may run one."""

    def __init__(  # noqa: PLR0913 # whom it serves, and what it must heed
        self,
        database: Database,
        vault: Vault,
        freshness_seconds: Mapping[str, int],
        *,
        poll_seconds: float,
        brake: Brake = UNBRAKED,
        spending: Spending = UNCOUNTED,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._roster = Roster(vault)
        self._freshness = freshness_seconds
        self._poll_seconds = poll_seconds
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
            states.lock_all(conn, unpaid.concerned(due))
            went = sum(self._contained(conn, each, now) for each in due)
            conn.execute(delete(onward).where(onward.c.notice_id.in_(due)))
            if went:
                self._database.bell.ring(conn, OUTBOX)
        if went:
            self._log.info(WENT_ONWARD, deliveries=went)
        return len(due)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="onward")

    def _contained(self, conn: Connection, notice_id: Any, now: int) -> int:
        """One notice; what is wrong with it stays with it: its dead delivery is there to be redriven."""
        try:
            with conn.begin_nested():
                told, bundle = unpaid.take_apart(conn, notice_id, now)
                return sum(self._go(conn, each, bundle, now) for each in told)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            reason = guard.place_of(error)
            self._log.error(ONWARD_FAILED, notice_id=str(notice_id), reason=reason)
            return 0

    def _go(self, conn: Connection, notice_id: Any, bundle: str | None, now: int) -> int:
        row = conn.execute(select(notice).where(notice.c.notice_id == notice_id)).one_or_none()
        if row is None or row.content is None or row.read_at is not None:
            return 0
        there = conn.execute(
            select(delivery)
            .where(delivery.c.notice_id == notice_id)
            .order_by(delivery.c.updated_at)
        ).all()
        person = self._roster.by_id(conn, row.recipient_id)
        if person is None or not self._holds(row, now):
            return 0
        affordable = self._spending.affordable(conn, self._freshness, now)
        found = next_way(row, there, person, affordable, now)
        if found is None:
            return 0
        went = self._goes(conn, row, found, bundle, now)
        unpaid.withdraw(conn, notice_id, now)
        return went

    def _goes(
        self, conn: Connection, row: Row[Any], found: Next, bundle: str | None, now: int
    ) -> int:
        """Through the storm brake, as any news does that is about to leave; a bundle is gathered first."""
        if found.step is not None:
            return _bring_forward(conn, found.step, found.at, bundle)
        made = found.made
        if bundle is not None:
            made = tuple(unpaid.gathered(each, bundle) for each in made)
        elif found.at <= now:
            employer = storm.employers_of(conn, [row.notice_id])[row.notice_id]
            admitted = self._brake.admits(conn, [employer] * len(made), now)
            made = tuple(
                each if may else self._brake.held(each)
                for each, may in zip(made, admitted, strict=True)
            )
        return bulk.insert_many(conn, delivery, _COLUMNS, made, on_conflict="nothing")

    def _holds(self, row: Row[Any], now: int) -> bool:
        """Whether the news is of use on any channel: as long as it would be on the most patient one."""
        longest = max(self._freshness.values(), default=0)
        return bool(now < (row.closed_at + longest) * MICROS)


def next_way(
    row: Row[Any],
    there: Sequence[Row[Any]],
    person: Recipient,
    freshness: Mapping[str, int],
    now: int,
) -> Next | None:
    """Which channel comes next for this notice; None: none, or none is needed."""
    sent = [each for each in there if each.channel not in (IN_APP, WEBHOOK)]
    steps = {each.channel: each for each in sent if _is_step(each)}
    if row.kind in IN_APP_ONLY or any(_carries(each) for each in sent):
        return None
    failed = [each.channel for each in sent if each.channel not in steps]
    for channel in order_of(person.preferences):
        if channel in failed or channel not in freshness:
            continue
        wish = heed(person.preferences, row.kind, channel, now)
        if wish.withheld is not None:
            continue
        at = wish.held_until or now
        if channel in steps:
            return Next(channel, at, steps[channel])
        places = [
            place
            for place in places_for(row.kind, person.contacts, (channel,))
            if place.suppressed is None
        ]
        if places:
            made = [
                _made(row, place, failed, at=at, fresh=freshness[channel], now=now)
                for place in places
            ]
            return Next(channel, at, None, tuple(made))
    return None


def _made(
    row: Row[Any], place: Place, failed: Sequence[str], *, at: int, fresh: int, now: int
) -> PlannedDelivery:
    planned = sent_delivery(
        row.notice_id,
        row.kind,
        place,
        deadline_at=at + fresh * MICROS,
        now=now,
        held_until=at if at > now else None,
    )
    return planned._replace(purpose=INSTEAD_OF + (failed[-1] if failed else PUSH))


def _is_step(row: Row[Any]) -> bool:
    return row.state == HELD and row.purpose in STEPS and row.reason != COST_CAP


def _carries(row: Row[Any]) -> bool:
    if row.state == HELD:
        return (
            row.purpose not in STEPS and row.reason != COST_CAP
        )  # nor is what waits for money carried
    return row.state in _CARRIED


def _bring_forward(conn: Connection, step: Row[Any], at: int, bundle: str | None) -> int:
    """Let a step leave now, in quiet hours at their end: step_release.py does, or gather.py a bundle's."""
    mine = (delivery.c.delivery_id == step.delivery_id, delivery.c.state == HELD)
    return conn.execute(
        update(delivery).where(*mine).values(available_at=at, bundle=bundle)
    ).rowcount
