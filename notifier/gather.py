"""8f Gather: what was held of a bundle becomes one message a place, or none where it answers itself.

In: held deliveries whose window is over. Out: one pending delivery a place, a digest that carries the
others; what a reader need not know any more is cancelled. All of a bundle in one transaction, under its
lock, and some bundles together: planning waits for as many as it needs of them. Next: 9 relay.py.

What has not left yet is taken along, whatever it waits for: a provider that is away for an hour leaves one
digest behind, not sixty. Of a stream the newest news is told, and only where the reader has it otherwise.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import structlog
from sqlalchemy import Connection, literal_column, select

from notifier import bundles, digests, guard, spending, storm, taken_apart
from notifier.beliefs import believed, must_leave
from notifier.bundles import Last, Told
from notifier.digests import Message
from notifier.places import MICROS
from notifier.restraint import TAKEN_ALONG, windows_of
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
BUNDLES_PER_STEP = 50
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
            bundles.save(conn, self._gathered(conn, told), windows=self._windows, now=now)
            self._database.bell.ring(conn, OUTBOX)
            reached("in_gather")
        if told:
            self._log.debug(BUNDLES_GATHERED, bundles=len(told))
        return len(told)

    def run(self, stop: threading.Event) -> None:
        """Gather until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="gather")

    def _gathered(self, conn: Connection, told: Mapping[str, Told]) -> Mapping[str, Told]:
        """What they were told then. Where that fails, each by itself.

        What is due of the one at fault leaves as it is: late words beat none.
        """
        if not told:
            return told
        try:
            with conn.begin_nested():
                return gather(conn, told, self._clock)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            if len(told) > 1:
                each = (self._gathered(conn, {name: kinds}) for name, kinds in told.items())
                return {name: kinds for one in each for name, kinds in one.items()}
            for name in told:
                self._release(conn, name, error)
        return told

    def _release(self, conn: Connection, name: str, error: Exception) -> None:
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


@dataclass(frozen=True, slots=True)
class _Decisions:
    """What becomes of what waits: all of it is written at once, whatever the number of bundles."""

    now: int
    taken_back: list[Waiting] = field(default_factory=list)
    held_on: list[tuple[Waiting, int]] = field(default_factory=list)
    answered: list[UUID] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def write(self, conn: Connection) -> None:
        """In this order: what is told anew has been taken back."""
        passed_on = digests.pass_on(conn, self.messages, self.now)
        taken_back = [each for each in self.taken_back if each.delivery_id not in passed_on]
        digests.take_back(conn, taken_back, self.now)
        taken_apart.lighten(conn, self.taken_back, self.now)
        digests.hold_on(conn, self.held_on, self.now)
        digests.cancel(conn, self.answered, digests.ANSWERED, self.now)
        digests.carry(conn, self.messages, self.now)


def gather(
    conn: Connection, told: Mapping[str, Told], clock: Callable[[], int]
) -> Mapping[str, Told]:
    """Decide on all that waits of some bundles. `told`: what each was told; returned as it is then."""
    by_place = attrgetter("bundle", "place")
    waiting = sorted(waiting_in(conn, told, locked=True), key=by_place)
    # Read after them: what somebody planned a moment ago is told along, and not let go before that.
    decisions = _Decisions(now=clock())
    places = [_Place(list(rows), told, decisions.now) for _, rows in groupby(waiting, by_place)]
    due = [each for each in places if each.is_due]
    beliefs = believed(conn, (subject for place in due for subject in place.going))
    after = {name: dict(kinds) for name, kinds in told.items()}
    for place in due:
        _decide(place, beliefs, after[place.bundle], decisions)
    decisions.write(conn)
    return after


class _Place:
    """What waits of one bundle at one place. `waits`: subjects whose turn comes later, and when."""

    def __init__(self, rows: Sequence[Waiting], told: Mapping[str, Told], now: int) -> None:
        self.bundle = rows[0].bundle
        self.is_due = any(_is_due(each, now) for each in rows)
        turns = [(each, _waits_until(each, told[self.bundle], now)) for each in _subjects(rows)]
        self.going = [subject for subject, until in turns if until is None]
        self.waits = [(subject, until) for subject, until in turns if until is not None]


def _decide(place: _Place, beliefs: Mapping[UUID, str], told: Told, decisions: _Decisions) -> None:
    """On one place. `told`: its bundle's kinds, changed in place."""
    leaving: list[Waiting] = []
    taken = {each.delivery_id for subject in place.going for each in subject}
    for subject, until in place.waits:
        _wait_on(subject, taken, until, decisions)
    for subject in place.going:
        decisions.taken_back.extend(subject)
        newest = [subject[-1]] if must_leave(subject, beliefs) else []
        answered = [each for each in subject if each not in newest]
        decisions.answered.extend(each.delivery_id for each in answered)
        _unlead(told, answered)
        leaving += newest
    if leaving:
        over_cap = any(each.over_cap for subject in place.going for each in subject)
        decisions.messages.append(Message(leaving, over_cap))
    told |= dict.fromkeys({each.kind for each in leaving}, Last(decisions.now, led=False))


def _wait_on(
    subject: Sequence[Waiting], taken: Collection[UUID], until: int, decisions: _Decisions
) -> None:
    """Not yet. `taken`: what is told anew, and then carries nothing of this subject."""
    loose = [each for each in subject if each.carried_by in taken]
    decisions.taken_back.extend(loose)
    due = [each for each in subject if _is_due(each, decisions.now)]
    decisions.held_on.extend((each, until) for each in (*due, *loose))


def _subjects(rows: Sequence[Waiting]) -> Iterable[list[Waiting]]:
    """The rows by subject, each in the order of what happened."""
    by_subject: dict[object, list[Waiting]] = {}
    for each in rows:
        by_subject.setdefault(each.subject, []).append(each)
    return by_subject.values()


def _waits_until(subject: Sequence[Waiting], told: Told, now: int) -> int | None:
    """Until when nothing of a subject is told; None: now, also where its own window is not over yet.

    What waits for the end of quiet hours, or its step, goes on waiting. What is of a kind that a digest
    told a moment ago does too; only a first news, which left alone, may be followed before its window ends.
    """
    quiet = [
        each.available_at
        for each in subject
        if each.state == HELD and each.reason not in TAKEN_ALONG and not _is_due(each, now)
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
        .where(
            _IS_HELD,
            delivery.c.available_at <= now,
            delivery.c.bundle.is_not(None),
            delivery.c.possible_duplicate.is_(False),  # as in waiting.py
        )
        .order_by(delivery.c.available_at)
        .limit(BUNDLES_PER_STEP * 50)
    )
    return list(dict.fromkeys(conn.scalars(query)))[:BUNDLES_PER_STEP]
