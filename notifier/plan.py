"""8 Plan: which recorded events somebody should know about, and that they will.

In: chunks of the log, each exactly once (the follower `plan`). Out: notices and deliveries, the outbox.
Next: 8a late_news.py for revisions, 8b notices.py writes, 8c fanout.py for whole contracts, 9 relay.py.

Facts on time tell what status they led to. Late and refused facts tell nothing by themselves: the
revision that follows them does. An event that cannot be understood is parked; the others go on.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

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
from notifier.histories import Histories, concerns_stream
from notifier.news import News, listeners, status_news, stream_kind
from notifier.notices import NoticeWriter
from store.clock import now_micros
from store.engine import Database
from store.follower import Follower
from store.killpoint import reached
from store.log import Recorded
from store.wake import OUTBOX, Bell

FOLLOWER = "plan"


def build_follower(
    database: Database,
    writer: NoticeWriter,
    *,
    chunk_events: int,
    poll_seconds: float,
    clock: Callable[[], int] = now_micros,
) -> Follower:
    """The planning follower; durable, since what it plans is not fetched again."""
    return Follower(
        database,
        name=FOLLOWER,
        apply=Planner(writer, database.bell, clock).apply,
        chunk_events=chunk_events,
        durable=True,
        poll_seconds=poll_seconds,
        killpoint="in_plan",
        after=lambda _: reached("after_plan"),
    )


class Planner:
    """Plans chunks of the log within the follower's transaction."""

    def __init__(
        self, writer: NoticeWriter, bell: Bell, clock: Callable[[], int] = now_micros
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._bell = bell
        self._histories = Histories()

    def apply(self, conn: Connection, chunk: Sequence[Recorded]) -> None:
        """Plan a chunk; where that fails, plan its events one by one and park those at fault."""
        now = self._clock()
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
        self._bell.ring(conn, OUTBOX)

    def _plan(self, conn: Connection, chunk: Sequence[Recorded], now: int) -> None:
        self._histories.load(conn, chunk)
        told: list[News] = []
        named: dict[str, Actor] = {}
        for recorded in chunk:
            event = recorded.event
            if isinstance(event, FactJudged):
                news = self._judged(conn, recorded, event, now, named)
                if news is not None:
                    told.append(news)
            elif isinstance(event, HistoryRevised | FactConfirmed | RangeFilled):
                # A revision may withdraw what this chunk has just told: that must be written first.
                self._writer.write(conn, told, now)
                told = []
                self._late(conn, recorded, now)
        self._writer.write(conn, told, now)
        tell_actors(conn, named)

    def _judged(
        self,
        conn: Connection,
        recorded: Recorded,
        event: FactJudged,
        now: int,
        named: dict[str, Actor],
    ) -> News | None:
        """What a fact on time tells a stream's parties; a contract's begins a fan-out.

        `named`: takes in who made a pause, be it learned late.
        """
        fact = event.fact
        if isinstance(fact, StreamFact):
            before, after = self._histories.step(event)
            if isinstance(fact, StreamActorNamed):
                actor = actor_told(event, fact, before)
                if actor is not None:
                    named[fact.of_event] = actor
                return None
            kind = stream_kind(before, after, fact)
            if kind is None or event.late or event.verdict != APPLIED:
                return None
            step = Step(Placed(fact, fact.event_id), event.verdict, before, after)
            audience = listeners(event.employer, event.employee)
            return status_news(step, kind, recorded, late=False, audience=audience)
        if isinstance(fact, ContractPauseSet) and event.verdict == APPLIED and not event.late:
            fanout.begin(
                conn,
                cause=fact.event_id,
                position=recorded.position,
                contract_id=fact.contract_id,
                state=fanout.TELLING,
                now=now,
            )
        return None

    def _late(self, conn: Connection, recorded: Recorded, now: int) -> None:
        event = recorded.event
        if concerns_stream(event):
            self._histories.step(event)
        if isinstance(event, HistoryRevised):
            late_news.tell_revision(conn, self._writer, recorded, event, now)
        elif isinstance(event, RangeFilled):
            late_news.close_job(conn, event, recorded.position)
