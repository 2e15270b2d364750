"""The feed: what is recorded of streams and contracts, sent on as soon as the read models show it.

In:   connections, each with a position and filters.
Out:  every message beyond the position that the filters let through, each once, in order.
Next: feed_tail.py reads the log once for all of them, feed_reader.py sends to one; feed_asides.py says
      what is not of the log.

A connection that takes no bytes between two heartbeats, or falls behind what is kept, is dropped: its
client comes back with its last id and misses nothing. One whose key was revoked ends within seconds.
"""

import asyncio
from typing import Final, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Connection
from starlette.types import Send

from api.callers import valid_callers
from api.feed_asides import Asides
from api.feed_messages import Batch, Wanted, followed_to, read_batch, resync
from api.feed_reach import FeedReach
from api.feed_reader import Ending, FeedResponse, Reader, opening
from api.feed_tail import BATCH_MESSAGES, Recent, Tail
from api.problems import FEED_FULL, UNAVAILABLE, Problem
from api.snapshot import snapshot_of
from projections.reach import Reach
from projections.reached import contracts_within
from projections.sets import active_set
from store.engine import Database
from store.errors import StoreError
from store.log import head

log = structlog.get_logger()

FEED_PAGE_FAILED: Final = "feed_page_failed"
KEYS_NOT_CHECKED: Final = "feed_keys_not_checked"
MOST_BEHIND: Final = 100_000
KEY_CHECK_SECONDS: Final = 2.0
_PAGES_AT_ONCE: Final = 4  # a restart is met by everybody at once: the database is not
_DROPPED: Final = ("slow", "revoked", "failed")


class Start(NamedTuple):
    """Where a stream begins: behind `position`, after `opening`; the read models stand at `followed`."""

    position: int
    followed: int
    opening: bytes


def reach_of(conn: Connection, reach: Reach) -> FeedReach | None:
    """What of the feed is within a reach as it stands; None: all."""
    if not reach.bounded:
        return None
    return FeedReach(reach, contracts_within(conn, active_set(conn), reach))


def start(conn: Connection, last_id: int | None) -> Start:
    """Where a caller goes on who was last sent this id; None: from now on."""
    followed, newest = followed_to(conn), head(conn)
    if last_id is None:
        return Start(followed, followed, opening(followed))
    if last_id > newest:
        return Start(followed, followed, opening() + resync(followed, "ahead"))
    if newest - last_id > MOST_BEHIND:
        return Start(followed, followed, opening() + resync(followed, "too_old"))
    return Start(last_id, followed, opening())


class FeedMetrics:
    """What Prometheus is told of the feed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge(
            "pausewire_feed_connections", "Connections to the feed.", registry=registry
        )
        self._dropped = Counter(
            "pausewire_feed_dropped",
            "Connections to the feed that we ended.",
            ("reason",),
            registry=registry,
        )
        for reason in _DROPPED:
            self._dropped.labels(reason)

    def left(self, why: Ending | None) -> None:
        """A connection has ended."""
        self.connections.dec()
        if why in _DROPPED:
            self._dropped.labels(why).inc()


class Feed:
    """The connections of this process."""

    def __init__(
        self,
        database: Database,
        metrics: FeedMetrics,
        *,
        heartbeat_seconds: float,
        poll_seconds: float,
        most_connections: int,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._heartbeat_seconds = heartbeat_seconds
        self._poll_seconds = poll_seconds
        self._most_connections = most_connections
        self._readers: set[Reader] = set()
        self._closing = False
        self._recent = Recent(0)
        self._tail: Tail | None = None
        self._minding: asyncio.Task[None] | None = None
        self._asides = Asides(database, self._readers, every_seconds=poll_seconds)
        self._pages = asyncio.Semaphore(_PAGES_AT_ONCE)

    def answer(
        self,
        key_id: str,
        wanted: Wanted,
        start: Start,
        *,
        follow: bool,
        account: str | None = None,
    ) -> FeedResponse:
        """Stream from where the caller stands; `follow` False: up to now, then the answer ends.

        `account`: whose inbox is told of, by a keyed hash. Raises Problem where this process takes no more
        connections.
        """
        if self._closing:
            raise Problem(UNAVAILABLE, "this process is stopping", headers={"Retry-After": "1"})
        if len(self._readers) >= self._most_connections:
            detail = f"{self._most_connections} connections to the feed are open in this process"
            raise Problem(FEED_FULL, detail, headers={"Retry-After": "5"})
        reader = Reader(key_id, wanted, start.position, start.opening, account)

        async def run(send: Send) -> None:
            self._enter(reader)
            try:
                if follow:
                    await reader.follow(send, self._read_from(start.followed), self._page)
                else:
                    await reader.catch_up(send, start.followed, self._page)
            except StoreError as error:
                log.warning(FEED_PAGE_FAILED, reason=type(error).__name__)
                reader.end("failed")
            finally:
                self._readers.discard(reader)
                self._metrics.left(reader.ended)

        return FeedResponse(run, lambda: reader.end("gone"))

    def inbox_changed(self, account: str) -> None:
        """Something was marked as read here. `account`: by a keyed hash."""
        self._asides.changed(account)

    async def close(self) -> None:
        """End every connection and stop reading; twice is once."""
        self._closing = True
        for reader in list(self._readers):
            reader.end("closing")
        tail, self._tail = self._tail, None
        if tail is not None:
            await tail.close()
        await self._asides.close()

    def _enter(self, reader: Reader) -> None:
        self._readers.add(reader)
        self._metrics.connections.inc()
        if self._closing:
            reader.end("closing")
        if self._minding is None or self._minding.done():
            self._minding = asyncio.create_task(self._mind())
        self._asides.begin()

    def _read_from(self, followed: int) -> Recent:
        """What is kept of the end; reading it begins with the first connection."""
        if self._tail is None and not self._closing:
            self._recent = Recent(followed)
            self._tail = Tail(
                self._database,
                position=followed,
                poll_seconds=self._poll_seconds,
                publish=self._publish,
                failed=self._failed,
            )
        return self._recent

    async def _page(self, after: int, up_to: int) -> Batch:
        async with self._pages:
            return await snapshot_of(self._database).read(
                lambda conn: read_batch(conn, after, up_to=up_to, limit=BATCH_MESSAGES)
            )

    async def _publish(self, batch: Batch) -> None:
        self._recent.add(batch)
        if not batch.messages:
            return
        for reader in list(self._readers):
            stands_still = reader.live and reader.sending_since is not None
            if stands_still and reader.position < self._recent.floor:
                reader.end("slow")
            reader.wake()
        await asyncio.sleep(0)  # their turn, before the next batch is read

    def _failed(self) -> None:
        self._tail = None
        for reader in list(self._readers):
            reader.end("failed")

    async def _mind(self) -> None:
        """Heartbeats, connections that stand still, and keys that were revoked."""
        loop = asyncio.get_running_loop()
        next_beat = loop.time() + self._heartbeat_seconds
        while self._readers:
            await asyncio.sleep(min(KEY_CHECK_SECONDS, self._heartbeat_seconds))
            await self._end_revoked()
            if loop.time() < next_beat:
                continue
            next_beat = loop.time() + self._heartbeat_seconds
            for reader in list(self._readers):
                since = reader.sending_since
                if since is not None and since < loop.time() - self._heartbeat_seconds:
                    reader.end("slow")
                reader.beat()

    async def _end_revoked(self) -> None:
        asked = {reader.key_id for reader in self._readers}
        try:
            valid = await snapshot_of(self._database).read(lambda conn: valid_callers(conn, asked))
        except StoreError as error:
            log.warning(KEYS_NOT_CHECKED, reason=type(error).__name__)
            return
        for reader in list(self._readers):
            if reader.key_id in asked - valid:
                reader.end("revoked")
