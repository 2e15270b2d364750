"""8f Gather: what was held of a bundle becomes one message a place, or none where it answers itself.

In: held deliveries whose window is over. Out: one pending delivery a place, a digest that carries the
others; what a reader need not know any more is cancelled. All of a bundle in one transaction, under its
lock. Next: 9 relay.py.

What has not left yet is taken along, whatever it waits for: a provider that is away for an hour leaves one
digest behind, not sixty. Of a stream the newest news is told, and only where the reader has it otherwise.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import Connection, literal_column, select

from notifier import bundles, digests, guard, spending, storm
from notifier.beliefs import must_leave
from notifier.bundles import Last, Told
from notifier.places import MICROS
from notifier.restraint import GATHERED, windows_of
from notifier.running import run_until
from notifier.schema import delivery
from notifier.states import HELD
from notifier.waiting import Waiting, waiting_in
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.wake import OUTBOX

BUNDLES_GATHERED = "bundles_gathered"
GATHERING_FAILED = "gathering_failed"
BUNDLES_PER_STEP = 20
_FORGET_SECONDS = 3600

# As the partial index has it: a parameter would hide it from SQLite.
_IS_HELD = delivery.c.state == literal_column(f"'{HELD}'")


class Gatherer:
    """Gathers; any number of processes may, each bundle is one's at a time."""

    def __init__(
        self,
        database: Database,
        *,
        window_seconds: float,
        poll_seconds: float,
        reminders_seconds: float = 0,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._windows = windows_of(window_seconds, reminders_seconds)
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._forget_at = 0
        self._log = structlog.get_logger()

    def step(self) -> int:
        """Gather some bundles that are due; returns how many."""
        now = self._clock()
        with self._database.read() as conn:
            due = _due(conn, now)
        if not due:
            self._forget(now)
            return 0
        with self._database.begin() as conn:
            told = bundles.lock(conn, due, wait=False)
            for name, kinds in told.items():
                self._gather(conn, name, kinds)
            bundles.save(conn, told, windows=self._windows, now=now)
            self._database.bell.ring(conn, OUTBOX)
            reached("in_gather")
        if told:
            self._log.debug(BUNDLES_GATHERED, bundles=len(told))
        return len(told)

    def run(self, stop: threading.Event) -> None:
        """Gather until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="gather")

    def _gather(self, conn: Connection, name: str, told: Told) -> None:
        """One bundle; where that fails, what is due of it leaves as it is: late words beat none."""
        try:
            with conn.begin_nested():
                gather(conn, name, told, self._clock)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            self._log.error(GATHERING_FAILED, bundle=name, error=type(error).__name__)
            now = self._clock()
            due = (delivery.c.bundle == name) & (delivery.c.available_at <= now)
            digests.release(conn, due, now)

    def _forget(self, now: int) -> None:
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_SECONDS * MICROS
        with self._database.begin() as conn:
            bundles.forget(conn, now)
            storm.forget(conn, now)
            spending.forget(conn, now)


def gather(conn: Connection, bundle: str, told: Told, clock: Callable[[], int]) -> None:
    """Decide on all that waits of a bundle. `told`: its kinds, changed in place."""
    waiting = sorted(waiting_in(conn, [bundle], locked=True), key=lambda each: each.place)
    # Read after them: what somebody planned a moment ago is told along, and not let go before that.
    now = clock()
    before = dict(told)
    for _, at_place in groupby(waiting, key=lambda each: each.place):
        rows = list(at_place)
        if any(_is_due(each, now) for each in rows):
            _gather_place(conn, rows, before, told, now)


def _gather_place(
    conn: Connection, rows: Sequence[Waiting], before: Told, told: Told, now: int
) -> None:
    leaving: list[Waiting] = []
    over_cap = False
    turns = [(each, _waits_until(each, before, now)) for each in _subjects(rows)]
    going = [subject for subject, until in turns if until is None]
    taken = {each.delivery_id for subject in going for each in subject}
    for subject, until in turns:
        if until is not None:
            _wait_on(conn, subject, taken, until, now)
    for subject in going:
        digests.take_back(conn, subject, now)
        newest = [subject[-1]] if must_leave(conn, subject) else []
        answered = [each for each in subject if each not in newest]
        digests.cancel(conn, [each.delivery_id for each in answered], digests.ANSWERED, now)
        _unlead(told, answered)
        leaving += newest
        over_cap = over_cap or any(each.over_cap for each in subject)
    if leaving:
        digests.carry(conn, leaving, now, over_cap=over_cap)
    told |= dict.fromkeys({each.kind for each in leaving}, Last(now, led=False))


def _wait_on(
    conn: Connection, subject: Sequence[Waiting], taken: Collection[UUID], until: int, now: int
) -> None:
    """Not yet. `taken`: what is told anew, and then carries nothing of this subject."""
    loose = [each for each in subject if each.carried_by in taken]
    digests.take_back(conn, loose, now)
    due = [each for each in subject if _is_due(each, now)]
    digests.hold_on(conn, [each.delivery_id for each in (*due, *loose)], until, now)


def _subjects(rows: Sequence[Waiting]) -> Iterable[list[Waiting]]:
    """The rows by subject, each in the order of what happened."""
    by_subject: dict[object, list[Waiting]] = {}
    for each in rows:
        by_subject.setdefault(each.subject, []).append(each)
    return by_subject.values()


def _waits_until(subject: Sequence[Waiting], told: Told, now: int) -> int | None:
    """Until when nothing of a subject is told; None: now, also where its own window is not over yet.

    What waits for the end of quiet hours goes on waiting. What is of a kind that a digest told a moment ago
    does too; only a first news, which left alone, may be followed before its window ends.
    """
    quiet = [
        each.available_at
        for each in subject
        if each.state == HELD and each.reason != GATHERED and not _is_due(each, now)
    ]
    newest = subject[-1]
    last = told.get(newest.kind)
    if newest.state == HELD and last is not None and not last.led:
        quiet.append(newest.available_at)
    until = max(quiet, default=now)
    return until if until > now else None


def _is_due(waiting: Waiting, now: int) -> bool:
    return waiting.state == HELD and waiting.available_at <= now


def _unlead(told: Told, answered: Sequence[Waiting]) -> None:
    """A first news that was to leave now and did not: the next one of its kind is the first."""
    for each in answered:
        if told.get(each.kind) == Last(each.available_at, led=True):
            del told[each.kind]


def _due(conn: Connection, now: int) -> list[str]:
    query = (
        select(delivery.c.bundle)
        .where(_IS_HELD, delivery.c.available_at <= now, delivery.c.bundle.is_not(None))
        .order_by(delivery.c.available_at)
        .limit(BUNDLES_PER_STEP * 50)
    )
    return list(dict.fromkeys(conn.scalars(query)))[:BUNDLES_PER_STEP]
