"""The canary: once a minute a delivery that travels as people's do; its times tell whether we can tell.

In: the newest ledger that was scanned. Out: one notice and delivery a minute, whatever the number of
processes, and a row of `canary_minute` that outlives them. Next: 9 relay.py, as for any other.

It pretends that the newest known ledger held news: a follower that stands still makes it slow, as it makes
people's news. No fact of it enters the log, no contract, stream, inbox or digest knows of it (decision
15).
"""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

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
    insert,
    select,
    update,
)

from notifier.content import EMPLOYEE, TEMPLATE_VERSION, Content, encode_content
from notifier.running import run_until
from notifier.schema import attempt, delivery, notice
from notifier.states import CANARY, PENDING
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.schema import ledger_close, metadata
from store.wake import OUTBOX, Bell

KEEP_DAYS = 92
DEADLINE_SECONDS = 300
_ROWS_SECONDS = 86_400  # the notice and its delivery are kept for looking at, then only their times
_LOOK_SECONDS = 1.0
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND

# One row per minute (unix time in minutes). `closed_at`: unix seconds, of the newest ledger known then.
# `told_at`: when it was accepted or delivered, NULL: not yet, or never. Times in microseconds.
canary_minute = Table(
    "canary_minute",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery_id", Uuid, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("planned_at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    Index("ix_canary_minute_delivery_id", "delivery_id"),
)
_TOLD_AT = func.coalesce(
    canary_minute.c.told_at, delivery.c.accepted_at, delivery.c.delivered_at
).label("told_at")


class Canary:
    """Sends canaries; any number of processes may run one, a minute has one. `channel`: how they travel."""

    def __init__(
        self, database: Database, *, channel: str, clock: Callable[[], int] = now_micros
    ) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock
        self._done_minute = 0

    def step(self) -> int:
        """Send this minute's, unless it was; returns 0: there is nothing more to do until the next."""
        now = self._clock()
        if now // _MINUTE > self._done_minute:
            with self._database.begin() as conn:
                _settle(conn)
                _forget(conn, now)
                if send(conn, self._database.bell, self._channel, now):
                    self._done_minute = now // _MINUTE
        return 0

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(_LOOK_SECONDS), role="canary")


def send(conn: Connection, bell: Bell, channel: str, now: int) -> bool:
    """Plan the minute's canary; False: no ledger is known yet. Twice in a minute plans one."""
    newest = conn.execute(
        select(ledger_close.c.ledger, ledger_close.c.closed_at)
        .order_by(ledger_close.c.ledger.desc())
        .limit(1)
    ).first()
    if newest is None:
        return False
    minute, notice_id, delivery_id = now // _MINUTE, uuid4(), uuid4()
    row = (minute, delivery_id, newest.closed_at, now)
    columns = ("minute", "delivery_id", "closed_at", "planned_at")
    if insert_many(conn, canary_minute, columns, [row], on_conflict="nothing"):
        conn.execute(insert(notice).values(_notice(notice_id, minute, newest, now)))
        conn.execute(insert(delivery).values(_delivery(delivery_id, notice_id, channel, now)))
        bell.ring(conn, OUTBOX)
    return True


def recent(*, since: int, most: int) -> Select[Any]:
    """Canaries sent since then (microseconds), the newest first: `closed_at`, `planned_at`, `told_at`."""
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


def _notice(notice_id: UUID, minute: int, newest: Any, now: int) -> dict[str, Any]:
    """Addressed to nobody: no account has this recipient's id."""
    content = Content(
        kind=CANARY,
        role=EMPLOYEE,
        contract_id="-",
        stream_id=None,
        happened_at=newest.closed_at,
        learned_at=now // _SECOND,
        reference=notice_id.hex[:8].upper(),
    )
    return {
        "notice_id": notice_id,
        "recipient_id": CANARY,
        "kind": CANARY,
        "cause_event_id": f"{CANARY}:{newest.ledger}:{minute}",
        "position": 0,
        "contract_id": "-",
        "stream_id": None,
        "late": False,
        "content": encode_content(content),
        "template_version": TEMPLATE_VERSION,
        "language": "en",
        "closed_at": newest.closed_at,
        "observed_at": now,
        "recorded_at": now,
        "planned_at": now,
    }


def _delivery(delivery_id: UUID, notice_id: UUID, channel: str, now: int) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "notice_id": notice_id,
        "channel": channel,
        "endpoint": CANARY,
        "contact_id": None,
        "state": PENDING,
        "generation": 0,
        "priority": 1,
        "available_at": now,
        "deadline_at": now + DEADLINE_SECONDS * _SECOND,
        "attempts": 0,
        "possible_duplicate": False,
        "planned_at": now,
        "updated_at": now,
    }


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
