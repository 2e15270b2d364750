"""What became of deliveries and of the work around them, counted for the objectives.

In: the rows of the notifier since a time. Out: tallies. News that was late already when we learned it
(a backfill, a healed gap) tells nothing of how well we tell, and is left out.
"""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, case, func, select

from notifier.callbacks.arrivals import DEAD, DONE
from notifier.latency import IN_APP
from notifier.objectives import Tally
from notifier.retry import Outcome
from notifier.schema import attempt, callback, delivery, notice, plan_parked
from notifier.states import (
    ACCEPTED,
    BOUNCED,
    CANARY,
    CLAIMED,
    COMPLAINED,
    DELIVERED,
    EXPIRED,
    FAILED,
    HANDED_OFF,
    PENDING,
    QUEUED,
    RETRY_WAIT,
    UNKNOWN,
)

TAKEN = (ACCEPTED, DELIVERED, COMPLAINED)
LOST = (BOUNCED, UNKNOWN, FAILED, EXPIRED)
UNDER_WAY = (PENDING, QUEUED, CLAIMED, HANDED_OFF, RETRY_WAIT)
_MICROS = 1_000_000
_TOLD_AT = func.coalesce(delivery.c.accepted_at, delivery.c.delivered_at)


def delivered(conn: Connection, since: int) -> Tally:
    """Deliveries planned since then that ended: taken by a provider, or not, by channel and reason.

    What was withdrawn on purpose (cancelled, suppressed) should not have left, and is not counted.
    """
    state, reason = delivery.c.state, delivery.c.reason
    query = (
        select(delivery.c.channel, state, reason, func.count())
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(_counted(since), state.in_(TAKEN + LOST))
        .group_by(delivery.c.channel, state, reason)
    )
    good, bad = 0, Counter[str]()
    for channel, ended, why, count in conn.execute(query):
        if ended in TAKEN:
            good += count
        else:
            bad[f"{channel} {ended}" + (f": {why}" if why else "")] += count
    return Tally(good, bad)


def punctual(conn: Connection, since: int, *, now: int, seconds: float) -> Tally:
    """Deliveries that a provider took within so many seconds of ledger close, or did not, by channel.

    One that is still under way when the time is over is as late as one that was taken later. What was
    held on purpose counts from when it was let go.
    """
    limit = int(seconds * _MICROS)
    closed = func.coalesce(delivery.c.released_at, notice.c.closed_at * _MICROS)
    in_time = func.sum(case((closed + limit >= _TOLD_AT, 1), else_=0), type_=Integer)
    taken = and_(delivery.c.state.in_(TAKEN), _TOLD_AT.is_not(None))
    overdue = and_(delivery.c.state.in_(UNDER_WAY), closed + limit < now)
    query = (
        select(delivery.c.channel, in_time, func.count())
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(_counted(since), taken | overdue)
        .group_by(delivery.c.channel)
    )
    good, bad = 0, Counter[str]()
    for channel, kept, count in conn.execute(query):
        good += kept
        bad[f"{channel} after {seconds:g} s"] += count - kept
    return Tally(good, bad)


def worked(conn: Connection, since: int) -> Tally:
    """Attempts, callbacks and planned notices since then: done, or ended by a defect of ours."""
    tries: dict[str, int] = {row[0]: row[1] for row in conn.execute(_tries(since))}
    answers: dict[str, int] = {row[0]: row[1] for row in conn.execute(_callbacks(since))}
    notices = conn.scalar(
        select(func.count())
        .select_from(notice)
        .where(notice.c.planned_at >= since, notice.c.kind != CANARY)
    )
    parked = conn.scalar(
        select(func.count()).select_from(plan_parked).where(plan_parked.c.parked_at >= since)
    )
    bad = {
        "attempts ended by a defect": tries.pop(Outcome.DEFECT.value, 0),
        "callbacks dead": answers.get(DEAD, 0),
        "events that planning parked": parked or 0,
    }
    return Tally(sum(tries.values()) + answers.get(DONE, 0) + (notices or 0), bad)


def _counted(since: int) -> Any:
    return and_(
        delivery.c.planned_at >= since,
        delivery.c.channel != IN_APP,
        delivery.c.endpoint != CANARY,
        notice.c.late.is_(False),
    )


def _tries(since: int) -> Select[Any]:
    return (
        select(attempt.c.result, func.count())
        .join_from(delivery, attempt, attempt.c.delivery_id == delivery.c.delivery_id)
        .where(
            delivery.c.planned_at >= since,
            delivery.c.endpoint != CANARY,
            attempt.c.result.is_not(None),
        )
        .group_by(attempt.c.result)
    )


def _callbacks(since: int) -> Select[Any]:
    return (
        select(callback.c.state, func.count())
        .where(callback.c.received_at >= since)
        .group_by(callback.c.state)
    )
