"""8 Plan: which recorded events somebody should know about, and that they will.

In: chunks of the log, each exactly once (the follower `plan`). Out: notices and deliveries, the outbox.
Next: 8a late_news.py for revisions, 8b notices.py writes, 8c fanout.py for whole contracts, 9 relay.py.

Facts on time tell what status they led to. Late and refused facts tell nothing by themselves: the
revision that follows them does. An event that cannot be understood is parked; the others go on. Each
minute's canary is planned in the same step (canary_planning.py), also when the log tells nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.chain_order import (
    APPLIED,
    FactConfirmed,
    FactJudged,
    HistoryRevised,
    Placed,
    Step,
)
from domain.contract import RangeFilled
from domain.facts import ContractPauseSet, StreamActorNamed, StreamFact
from notifier import fanout, guard, late_news
from notifier.actor_news import actor_told, tell_actors
from notifier.canary_planning import CanaryPlans
from notifier.histories import Histories, concerns_stream
from notifier.lasting import Changed, Lasting, note_contract, note_stream
from notifier.news import News, listeners, status_news, stream_kind
from notifier.notices import NoticeWriter
from notifier.reminder_schema import PAUSES_THAT_LAST
from store.alone import alone
from store.clock import now_micros
from store.engine import Database
from store.follower import Follower
from store.killpoint import reached
from store.log import Recorded
from store.schema import tracking
from store.wake import BACKLOG, OUTBOX, Bell

FOLLOWER = "plan"


def planned_to(conn: Connection) -> int:
    """Up to which position planning has come."""
    return conn.scalar(select(tracking.c.position).where(tracking.c.name == FOLLOWER)) or 0


def keep_planned(conn: Connection) -> int:
    """The same, and keep it there until this transaction ends."""
    of_planning = select(tracking.c.position).where(tracking.c.name == FOLLOWER)
    return conn.scalar(of_planning.with_for_update()) or 0


def build_follower(  # noqa: PLR0913 # what planning is wired from; a class would only rename it
    database: Database,
    writer: NoticeWriter,
    *,
    chunk_events: int,
    poll_seconds: float,
    lasting: Lasting | None = None,
    canaries: CanaryPlans | None = None,
    clock: Callable[[], int] = now_micros,
) -> Follower:
    """The planning follower; durable, since what it plans is not fetched again.

    `lasting`: keeps note of pauses that last; None: nobody is reminded of them. `canaries`: plans
    those that wait; None: there are none.
    """
    return Follower(
        database,
        name=FOLLOWER,
        apply=Planner(writer, database.bell, clock, lasting=lasting, canaries=canaries).apply,
        chunk_events=chunk_events,
        durable=True,
        poll_seconds=poll_seconds,
        killpoint="in_plan",
        after=lambda _: reached("after_plan"),
        beside=None
        if canaries is None
        else lambda conn, at: canaries.are_waiting(conn, at, clock()),
    )


class _Met(NamedTuple):
    """What a chunk has met. `named`: who made a pause, be it learned late, by the pause's event id."""

    named: dict[str, Actor]
    changed: Changed


class Planner:
    """Plans chunks of the log within the follower's transaction."""

    def __init__(
        self,
        writer: NoticeWriter,
        bell: Bell,
        clock: Callable[[], int] = now_micros,
        *,
        lasting: Lasting | None = None,
        canaries: CanaryPlans | None = None,
    ) -> None:
        self._writer = writer
        self._lasting = lasting
        self._canaries = canaries
        self._clock = clock
        self._bell = bell
        self._histories = Histories()

    def apply(self, conn: Connection, chunk: Sequence[Recorded]) -> None:
        """Plan a chunk; where that fails, plan its events one by one and park those at fault."""
        now = self._clock()
        if self._lasting is not None:
            alone(conn, PAUSES_THAT_LAST)
        try:
            with conn.begin_nested():
                self._plan(conn, chunk, now)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            for recorded in chunk:
                with guard.contained(conn, recorded.position, now):
                    self._plan(conn, [recorded], now)
        self._histories.trim()
        if self._canaries is not None:
            self._canaries.plan(conn, planned_to(conn), now)
        self._ring(conn, chunk)

    def plan_alone(self, conn: Connection, recorded: Recorded, now: int) -> None:
        """Plan an event out of its turn, one that was parked. Raises what that meets."""
        if self._lasting is not None:
            alone(conn, PAUSES_THAT_LAST)
        self._histories = Histories()
        self._plan(conn, [recorded], now)
        self._ring(conn, [recorded])

    def _ring(self, conn: Connection, chunk: Sequence[Recorded]) -> None:
        """Wake who goes on with it; the backlog for what concerns whole contracts, or a job's streams."""
        self._bell.ring(conn, OUTBOX)
        if not all(concerns_stream(recorded.event) for recorded in chunk):
            self._bell.ring(conn, BACKLOG)

    def _plan(self, conn: Connection, chunk: Sequence[Recorded], now: int) -> None:
        self._histories.load(conn, chunk)
        told: list[News] = []
        met = _Met({}, {})
        for recorded in chunk:
            event = recorded.event
            if isinstance(event, FactJudged):
                news = self._judged(conn, recorded, event, now, met)
                if news is not None:
                    told.append(news)
            elif isinstance(event, HistoryRevised | FactConfirmed | RangeFilled):
                # A revision may withdraw what this chunk has just told: that must be written first.
                self._tell(conn, told, met, now)
                told = []
                self._late(conn, recorded, now, met)
        self._tell(conn, told, met, now)
        tell_actors(conn, met.named)

    def _tell(self, conn: Connection, told: Sequence[News], met: _Met, now: int) -> None:
        """Write the news; before it, that a pause is over: what was to be reminded of it is taken back."""
        self._settle(conn, met, now)
        self._writer.write(conn, told, now)

    def _settle(self, conn: Connection, met: _Met, now: int) -> None:
        if self._lasting is not None and met.changed:
            self._lasting.settle(conn, met.changed, now)
        met.changed.clear()

    def _judged(
        self,
        conn: Connection,
        recorded: Recorded,
        event: FactJudged,
        now: int,
        met: _Met,
    ) -> News | None:
        """What a fact on time tells a stream's parties; a contract's begins a fan-out."""
        fact = event.fact
        if isinstance(fact, StreamFact):
            before, after = self._histories.step(event)
            note_stream(met.changed, event, before, after)
            if isinstance(fact, StreamActorNamed):
                actor = actor_told(event, fact, before)
                if actor is not None:
                    met.named[fact.of_event] = actor
                return None
            kind = stream_kind(before, after, fact)
            if kind is None or event.late or event.verdict != APPLIED:
                return None
            step = Step(Placed(fact, fact.event_id), event.verdict, before, after)
            audience = listeners(event.employer, event.employee)
            return status_news(step, kind, recorded, late=False, audience=audience)
        if isinstance(fact, ContractPauseSet) and event.verdict == APPLIED and not event.late:
            note_contract(met.changed, event)
            fanout.begin(
                conn,
                cause=fact.event_id,
                position=recorded.position,
                contract_id=fact.contract_id,
                state=fanout.TELLING,
                now=now,
            )
        return None

    def _late(self, conn: Connection, recorded: Recorded, now: int, met: _Met) -> None:
        event = recorded.event
        if concerns_stream(event):
            note_stream(met.changed, event, *self._histories.step(event))
        elif isinstance(event, HistoryRevised):
            note_contract(met.changed, event)
        self._settle(conn, met, now)
        if isinstance(event, HistoryRevised):
            late_news.tell_revision(conn, self._writer, recorded, event, now)
        elif isinstance(event, RangeFilled):
            late_news.close_job(conn, event, recorded.position)
