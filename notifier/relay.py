"""9 The relay: due deliveries become messages, as many as the workers can soon take, urgent ones first.

In: pending and waiting deliveries whose time has come. Out: state `queued` with a lease, committed,
then one message (delivery id, generation) each. Next: 9a turns.py says which are due, 9b pacing.py
which of them must wait, 10 worker.py receives the messages.

Claim order is the priority order, so the queues are kept short: an urgent delivery overtakes all that
is not queued yet. A message that is lost costs its lease; a message that comes twice costs nothing.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Column, ColumnElement, Connection, Row, func, select

from notifier import circuit, switch, turns
from notifier.errors import BrokerUnavailable
from notifier.pacing import Pacing
from notifier.running import run_until
from notifier.schema import delivery
from notifier.states import PENDING, QUEUED, RETRY_WAIT, move_all
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.wake import OUTBOX

DELIVERIES_QUEUED = "deliveries_queued"
QUEUE_REFUSED = "queue_refused"

# A queued delivery waits for a thread, seconds at most: a message not claimed by then is lost.
QUEUE_LEASE_SECONDS = 30
# While queues are full nobody rings when there is room again: look this soon, then less and less often.
# Half of a queue is left when there is room, and outlasts the longest of these waits.
_FULL_QUEUE_SECONDS = (0.02, 0.03, 0.05)
_SECOND = 1_000_000
# Looked at in one step: enough that a crowd that must wait does not hide the others behind it.
_ROUNDS = 8
_AT_ONCE = 250

_URGENT_FIRST = (delivery.c.priority, delivery.c.available_at)
# To find out whether a provider is well: a letter that it refuses each time would say no for ever.
_UNTRIED_FIRST = (delivery.c.attempts, *_URGENT_FIRST)

# Composed once: it runs for each look.
_DEPTHS = (
    select(delivery.c.channel, func.count())
    .where(delivery.c.state == QUEUED)
    .group_by(delivery.c.channel)
)

Enqueue = Callable[[str, UUID, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """`providers`: channel to the provider that serves it. `queue_limit`: most queued per channel.

    `pacing`: how fast they may leave.
    """

    name: str
    providers: Mapping[str, str]
    queue_limit: int
    poll_seconds: float
    pacing: Pacing = field(default_factory=Pacing)


class Relay:
    """Queues due deliveries; any number of processes may run one."""

    def __init__(
        self,
        database: Database,
        enqueue: Enqueue,
        options: RelayOptions,
        *,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._enqueue = enqueue
        self._options = options
        self._clock = clock
        self._queues_full = False
        self._put_off = False
        self._looks = 0  # in vain, one after the other
        self._log = structlog.get_logger(relay=options.name)

    def step(self) -> int:
        """Queue what is due and has room; returns how many messages went out."""
        self._put_off = False
        room = self._room()
        if not room:
            return 0
        with self._database.begin() as conn:
            queued = [] if switch.status(conn).paused else self._claim(conn, room)
        reached("after_queue")
        return self._publish(queued)

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop, then take back what no worker has claimed yet."""

        def pause() -> None:
            if self._queues_full or self._put_off:
                stop.wait(_FULL_QUEUE_SECONDS[self._looks])
                self._looks = min(self._looks + 1, len(_FULL_QUEUE_SECONDS) - 1)
            else:
                self._database.bell.wait(OUTBOX, self._options.poll_seconds)

        run_until(stop, self.step, pause=pause, role="relay")

    def take_back(self) -> int:
        """Unqueue what this relay queued: an in-process broker's messages end with the process."""
        with self._database.begin() as conn:
            return self._unqueue(conn)

    def _room(self) -> dict[str, int]:
        """Channels where something waits and there is room, and how much.

        Refilled at half, so that steps are few and worth it. Most steps find no room, or nothing that
        waits: to ask either of all channels is one round trip, to try to claim of each is three apiece.
        """
        limit = self._options.queue_limit
        with self._database.read() as conn:
            depth: dict[str, int] = {row[0]: row[1] for row in conn.execute(_DEPTHS)}
            room = {channel: limit - depth.get(channel, 0) for channel in self._options.providers}
            enough = {channel: free for channel, free in room.items() if free * 2 >= limit}
            self._queues_full = len(enough) < len(room)
            if not enough:
                return {}
            waiting = turns.waiting(conn, enough, self._clock())
        return {channel: free for channel, free in enough.items() if channel in waiting}

    def _claim(self, conn: Connection, room: Mapping[str, int]) -> list[Row[Any]]:
        now = self._clock()
        queued: list[Row[Any]] = []
        # All of them before the first bucket: whoever changes buckets does so last.
        providers = sorted({self._options.providers[channel] for channel in room})
        allowance = {each: circuit.allowance(conn, each, now) for each in providers}
        for channel, free in room.items():
            provider = self._options.providers[channel]
            allowed = allowance[provider]
            if allowed is None:
                queued += self._claim_channel(conn, channel, now, limit=free, order=_URGENT_FIRST)
            elif allowed > 0:
                found = self._claim_channel(conn, channel, now, limit=allowed, order=_UNTRIED_FIRST)
                if found:
                    circuit.begin_try(conn, provider, now)
                    allowance[provider] = 0
                queued += found
        return queued

    def _claim_channel(
        self,
        conn: Connection,
        channel: str,
        now: int,
        *,
        limit: int,
        order: tuple[Column[int], ...],
    ) -> list[Row[Any]]:
        if channel in turns.LANED:
            due = turns.in_lanes(conn, channel, now, limit=limit, order=order)
            return self._queue(conn, delivery.c.delivery_id.in_(due), now)
        queued: list[Row[Any]] = []
        size = limit
        for _ in range(_ROUNDS):
            rows = conn.execute(turns.candidates(channel, now, limit=size, order=order)).all()
            found = self._options.pacing.choose(
                conn, rows, self._options.providers[channel], now=now, most=limit - len(queued)
            )
            if found.admitted:
                queued += self._queue(conn, delivery.c.delivery_id.in_(found.admitted), now)
            if len(rows) < size or len(queued) >= limit:
                return queued
            size = _AT_ONCE  # some were put off: who stands behind them?
        self._put_off = True
        return queued

    def _queue(self, conn: Connection, where: ColumnElement[bool], now: int) -> list[Row[Any]]:
        return move_all(
            conn,
            where,
            origin=frozenset({PENDING, RETRY_WAIT}),
            to=QUEUED,
            now=now,
            changes={
                "generation": delivery.c.generation + 1,
                "token": self._options.name,
                "lease_until": now + QUEUE_LEASE_SECONDS * _SECOND,
                "queued_at": now,
            },
        )

    def _publish(self, queued: list[Row[Any]]) -> int:
        try:
            for row in queued:
                self._enqueue(row.channel, row.delivery_id, row.generation)
        except BrokerUnavailable as error:
            self._log.warning(QUEUE_REFUSED, reason=str(error), deliveries=len(queued))
            self.take_back()
            self._queues_full = False  # wait a whole poll: the broker is away for all of them
            return 0
        if queued:
            self._looks = 0
            self._log.debug(DELIVERIES_QUEUED, deliveries=len(queued))
        return len(queued)

    def _unqueue(self, conn: Connection) -> int:
        now = self._clock()
        moved = move_all(
            conn,
            delivery.c.token == self._options.name,
            origin=frozenset({QUEUED}),
            to=PENDING,
            now=now,
            changes={"token": None, "lease_until": None},
        )
        self._options.pacing.give_back(conn, moved, self._options.providers, now)
        return len(moved)
