"""The canary: once a minute news that travels as people's does; its times tell whether we can tell.

In: the newest ledger that was scanned. Out: a row of `canary_minute` a minute, whatever the number of
processes, that waits for planning and outlives what it plans. Next: canary_planning.py, in step 8.

It pretends that the newest known ledger held news, and that the log's head tells of it: a follower that
stands still makes it slow, as it makes people's news. No fact of it enters the log, no contract, stream,
inbox or digest knows of it (decisions 15 and 39).
"""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Select,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)

from notifier.running import run_until
from notifier.schema import attempt, delivery, notice
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.log import head
from store.schema import ledger_close, metadata
from store.wake import LOG, Bell

KEEP_DAYS = 92
DEADLINE_SECONDS = 300
_ROWS_SECONDS = 86_400  # the notice and its delivery are kept for looking at, then only their times
_LOOK_SECONDS = 1.0
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND

# One row per minute (unix time in minutes). `closed_at`: unix seconds, of the newest ledger known then.
# `waits_for`: the position that planning must have come to before it plans this; NULL: it has.
# `planned_at`: when it did, before that when this fell due. `told_at`: when it was accepted or delivered,
# NULL: not yet, or never. Times in microseconds.
canary_minute = Table(
    "canary_minute",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery_id", Uuid, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("planned_at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    Column("waits_for", BigInteger),
    Index("ix_canary_minute_delivery_id", "delivery_id"),
)
_TOLD_AT = func.coalesce(
    canary_minute.c.told_at, delivery.c.accepted_at, delivery.c.delivered_at
).label("told_at")


class Canary:
    """Has canaries fall due; any number of processes may run one, a minute has one."""

    def __init__(self, database: Database, *, clock: Callable[[], int] = now_micros) -> None:
        self._database = database
        self._clock = clock
        self._done_minute = 0

    def step(self) -> int:
        """See to this minute's, unless it was; returns 0: there is nothing more to do until the next."""
        now = self._clock()
        if now // _MINUTE > self._done_minute:
            with self._database.begin() as conn:
                _settle(conn)
                _forget(conn, now)
                if fall_due(conn, self._database.bell, now):
                    self._done_minute = now // _MINUTE
        return 0

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(_LOOK_SECONDS), role="canary")


def fall_due(conn: Connection, bell: Bell, now: int) -> bool:
    """Have the minute's canary wait for planning, once; False: no ledger is known yet."""
    newest = select(func.max(ledger_close.c.ledger)).scalar_subquery()
    closed_at = conn.scalar(select(ledger_close.c.closed_at).where(ledger_close.c.ledger == newest))
    if closed_at is None:
        return False
    row = (now // _MINUTE, uuid4(), closed_at, now, head(conn))
    columns = ("minute", "delivery_id", "closed_at", "planned_at", "waits_for")
    if insert_many(conn, canary_minute, columns, [row], on_conflict="nothing"):
        bell.ring(conn, LOG)
    return True


def recent(*, since: int, most: int) -> Select[Any]:
    """Canaries of since then (microseconds), the newest first: `closed_at`, `planned_at`, `told_at`."""
    return (
        select(
            canary_minute.c.minute, canary_minute.c.closed_at, canary_minute.c.planned_at, _TOLD_AT
        )
        .outerjoin_from(
            canary_minute, delivery, delivery.c.delivery_id == canary_minute.c.delivery_id
        )
        .where(canary_minute.c.planned_at >= since)
        .order_by(canary_minute.c.minute.desc())
        .limit(most)
    )


def first_minute() -> Select[Any]:
    """The minute of the first canary that is known."""
    return select(func.min(canary_minute.c.minute))


def _settle(conn: Connection) -> None:
    """Keep the times of canaries that have arrived, before their deliveries are forgotten."""
    told_at = (
        select(func.coalesce(delivery.c.accepted_at, delivery.c.delivered_at))
        .where(delivery.c.delivery_id == canary_minute.c.delivery_id)
        .scalar_subquery()
    )
    newest = select(func.max(canary_minute.c.minute)).scalar_subquery()
    unsettled = canary_minute.c.minute >= newest - DEADLINE_SECONDS // 60 - 10
    conn.execute(
        update(canary_minute)
        .where(canary_minute.c.told_at.is_(None), unsettled)
        .values(told_at=told_at)
    )


def _forget(conn: Connection, now: int) -> None:
    old = (
        select(delivery.c.delivery_id, delivery.c.notice_id)
        .where(delivery.c.planned_at < now - _ROWS_SECONDS * _SECOND)
        .join_from(delivery, canary_minute, canary_minute.c.delivery_id == delivery.c.delivery_id)
        .order_by(delivery.c.planned_at)
        .limit(100)
    )
    rows = conn.execute(old).all()
    if rows:
        deliveries = [row.delivery_id for row in rows]
        conn.execute(delete(attempt).where(attempt.c.delivery_id.in_(deliveries)))
        conn.execute(delete(delivery).where(delivery.c.delivery_id.in_(deliveries)))
        conn.execute(delete(notice).where(notice.c.notice_id.in_([row.notice_id for row in rows])))
    oldest = now // _MINUTE - KEEP_DAYS * 24 * 60
    conn.execute(delete(canary_minute).where(canary_minute.c.minute < oldest))
