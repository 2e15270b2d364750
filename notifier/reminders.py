"""8i Reminders: whoever's pay stream stays paused hears of it again, at some times after the pause began.

In: pauses whose next reminder is due (8h lasting.py). Out: notices of the kinds `reminder.1`, `reminder.2`
and so on to whom the stream concerns now, planned as any other news is. Next: 9 relay.py.

Twice: the pause's event, the recipient and the number name a notice, so none is made a second time; the
row is locked while it is, and moves on in the same transaction. Of several that are due only the newest is
told: after an outage, or where a pause was learned late, nobody hears of it three times at once.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, Row, select

from domain.state import AggregateState
from domain.values import NetworkId
from notifier import fanout, guard
from notifier.content import EMPLOYEE, Money
from notifier.lasting import COLUMNS, MICROS
from notifier.news import REMINDER, STREAM_PAUSED, Listener, News, listeners
from notifier.notices import NoticeWriter
from notifier.pauses_before import take_up
from notifier.plan import planned_to
from notifier.reminder_schema import PAUSES_THAT_LAST, lasting_pause
from notifier.reminder_times import NEVER, Times
from notifier.running import run_until
from notifier.schema import notice
from notifier.still_paused import contract_now, lasts, streams_now
from store import bulk
from store.alone import alone
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.wake import OUTBOX

PEOPLE_REMINDED = "people_reminded"
REMINDING_FAILED = "reminding_failed"
PAUSES_PER_STEP = 200
_LATER = 60 * MICROS  # what the log knows and planning has not met yet is looked at again
_FAILED_LATER = 3600 * MICROS  # what cannot be read, when somebody may have seen to it


class _Turn(NamedTuple):
    """What a due pause comes to: what is told, if anything, and its row from now on."""

    news: News | None
    row: bulk.Row


class Reminders:
    """A role of `notify`; any number of processes may run one."""

    def __init__(
        self,
        database: Database,
        writer: NoticeWriter,
        times: Times,
        *,
        network: NetworkId,
        poll_seconds: float,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._writer = writer
        self._times = times
        self._network = network
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._has_begun = False
        self._log = structlog.get_logger()

    def run(self, stop: threading.Event) -> None:
        """Remind until told to stop, also of pauses from before anybody was."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="reminders")

    def step(self) -> int:
        """See to some pauses whose reminder is due; returns how many."""
        now = self._clock()
        if not self._has_begun:
            take_up(self._database, self._times, self._network, now)
            self._has_begun = True
        is_due = lasting_pause.c.due_at <= now
        with self._database.read() as conn:
            if conn.execute(select(lasting_pause.c.cause).where(is_due).limit(1)).first() is None:
                return 0
        with self._database.begin() as conn:
            alone(conn, PAUSES_THAT_LAST)
            due = conn.execute(
                select(lasting_pause)
                .where(is_due)
                .order_by(lasting_pause.c.due_at, lasting_pause.c.originator_id)
                .limit(PAUSES_PER_STEP)
                .with_for_update(skip_locked=True)
            ).all()
            turns = self._told(conn, self._contained(conn, due, now), due, now)
            rows = [each.row for each in turns]
            bulk.upsert_many(conn, lasting_pause, ("originator_id",), COLUMNS, rows)
            self._database.bell.ring(conn, OUTBOX)
            reached("in_plan")
        if turns:
            self._log.info(PEOPLE_REMINDED, pauses=len(turns))
        return len(turns)

    def _told(
        self, conn: Connection, turns: Sequence[_Turn], due: Sequence[Row[Any]], now: int
    ) -> list[_Turn]:
        """Write their news; where that fails, one by one, and what is at fault is put off with an error."""
        try:
            with conn.begin_nested():
                news = [each.news for each in turns if each.news is not None]
                self._writer.write(conn, news, now)
                return list(turns)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            if len(turns) > 1:
                return [one for turn in turns for one in self._told(conn, [turn], due, now)]
            (row,) = (each for each in due if each.originator_id == turns[0].row[0])
            return [self._put_off(row, error, now)]

    def _contained(self, conn: Connection, due: Sequence[Row[Any]], now: int) -> list[_Turn]:
        """What these come to; where one cannot be read it is put off with an error, the others go on."""
        try:
            with conn.begin_nested():
                return self._turns(conn, due, now)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            if len(due) > 1:
                return [turn for row in due for turn in self._contained(conn, [row], now)]
            return [self._put_off(due[0], error, now)]

    def _put_off(self, row: Row[Any], error: Exception, now: int) -> _Turn:
        place, reason = str(row.originator_id), guard.place_of(error)
        self._log.error(REMINDING_FAILED, originator_id=place, reason=reason)
        later = now + _FAILED_LATER
        return _Turn(None, self._row(row, row.told, later, after_stream=row.after_stream))

    def _turns(self, conn: Connection, due: Sequence[Row[Any]], now: int) -> list[_Turn]:
        streams = streams_now(
            conn, [each.originator_id for each in due if each.stream_id is not None]
        )
        money = _money_of(conn, [each.cause for each in due])
        position = planned_to(conn)
        turns: list[_Turn] = []
        contracts = [row for row in due if row.stream_id is None]
        # One in a step: it may concern as many people as all these streams.
        turns += [self._of_contract(conn, row, position, now) for row in contracts[:1]]
        for row in due:
            if row.stream_id is None:
                continue
            state = streams.get(row.originator_id)
            n = self._number(row, state, now)
            if n is None or state is None:
                turns.append(self._later(row, state, now))
                continue
            news = _news(row, state, n, position, now)._replace(
                audience=self._audience(listeners(state.employer, state.employee)),
                employer=state.employer,
                money=money.get(row.cause),
            )
            turns.append(_Turn(news, self._row(row, n, self._due(state, n + 1))))
        return turns

    def _of_contract(self, conn: Connection, row: Row[Any], position: int, now: int) -> _Turn:
        """A contract's people are reminded so many at a time; the row stays due until all are."""
        state = contract_now(conn, row.originator_id)
        n = self._number(row, state, now)
        if n is None or state is None:
            return self._later(row, state, now)
        streams = fanout.streams_after(conn, row.contract_id, row.after_stream)
        news = _news(row, state, n, position, now)._replace(
            audience=self._audience(fanout.audience_of(streams))
        )
        if len(streams) == fanout.STREAMS_PER_STEP:
            last = streams[-1].stream_id
            return _Turn(news, self._row(row, n - 1, row.due_at, after_stream=last))
        return _Turn(news, self._row(row, n, self._due(state, n + 1)))

    def _number(self, row: Row[Any], state: AggregateState | None, now: int) -> int | None:
        """Which reminder is told now; None: the pause is over, or none is due."""
        if state is None or not lasts(state, row.cause) or state.status_at is None:
            return None
        if row.after_stream is not None:
            return int(row.told) + 1  # half of the contract was told of this one
        n = self._times.newest(now // MICROS - state.status_at)
        return n if n > row.told else None

    def _later(self, row: Row[Any], state: AggregateState | None, now: int) -> _Turn:
        """Nothing to tell: planning will meet the pause's end, or the times are others now."""
        due_at = now + _LATER
        if state is not None and lasts(state, row.cause):
            due_at = max(self._due(state, row.told + 1), due_at)
        elif state is not None and state.status_at is not None:
            # Planning should meet the end soon; where it never does, ask ever more seldom.
            due_at = max(due_at, 2 * now - state.status_at * MICROS)
        return _Turn(None, self._row(row, row.told, due_at, after_stream=row.after_stream))

    def _due(self, state: AggregateState, n: int) -> int:
        wait = self._times.of(n)
        return NEVER if wait is None else ((state.status_at or 0) + wait) * MICROS

    def _row(
        self, row: Row[Any], told: int, due_at: int, *, after_stream: int | None = None
    ) -> bulk.Row:
        place = (row.originator_id, row.contract_id, row.stream_id)
        return (*place, row.cause, told, due_at, after_stream)

    def _audience(self, people: Sequence[Listener]) -> tuple[Listener, ...]:
        if self._times.employers:
            return tuple(people)
        return tuple(each for each in people if each.role == EMPLOYEE)


def _news(row: Row[Any], state: AggregateState, n: int, position: int, now: int) -> News:
    return News(
        f"{REMINDER}.{n}",
        row.cause,
        position,
        now,
        row.contract_id,
        row.stream_id,
        now // MICROS,
        start_known=state.status_start_known,
        paused_since=state.status_at,
    )


def _money_of(conn: Connection, causes: Sequence[str]) -> Mapping[str, Money]:
    """What was earned until these pauses, where their own notices say it."""
    key = notice.c.cause_event_id
    rows = bulk.select_many(conn, (key, notice.c.kind, notice.c.money), key, sorted(set(causes)))
    return {
        cause: msgspec.msgpack.decode(money, type=Money)
        for cause, kind, money in rows
        if kind == STREAM_PAUSED and money is not None
    }
