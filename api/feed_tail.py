"""The one reader of the log's end in this process, and what it read last.

In:   the log, as far as the read models have followed it; woken by the bell, a poll is the net.
Out:  batches of messages, each handed to the event loop once the one before was passed on there.
Next: feed.py wakes its readers, who take from `Recent` what they want.

However many connections there are, each event is read and written out once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import structlog

from api.feed_messages import Batch, followed_to, read_batch
from store.engine import Database
from store.errors import Transient
from store.wake import READ_MODELS

log = structlog.get_logger()

FEED_BACKED_OFF: Final = "feed_backed_off"
FEED_FAILED: Final = "feed_failed"

BATCH_MESSAGES: Final = 100  # about 60 KB: what a connection that takes nothing may hold at most
_KEPT_MESSAGES: Final = 5_000  # about 3 MB a process
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Recent:
    """The newest messages: everything beyond `floor` and up to `position`."""

    def __init__(self, position: int, most: int = _KEPT_MESSAGES) -> None:
        self.floor = position
        self.position = position
        self._most = most
        self._count = 0
        self._batches: deque[Batch] = deque()

    def add(self, batch: Batch) -> None:
        """Take the next batch, and forget the oldest beyond what is kept."""
        self.position = batch.up_to
        if not batch.messages:
            return
        self._batches.append(batch)
        self._count += len(batch.messages)
        while self._count > self._most and len(self._batches) > 1:
            oldest = self._batches.popleft()
            self._count -= len(oldest.messages)
            self.floor = oldest.up_to

    def beyond(self, position: int) -> Iterator[Batch]:
        """The batches that have something beyond a position, which is at least the floor."""
        newer: list[Batch] = []
        for batch in reversed(self._batches):
            if batch.up_to <= position:
                break
            newer.append(batch)
        return reversed(newer)


class Tail:
    """A thread that reads on from a position until it is closed."""

    def __init__(
        self,
        database: Database,
        *,
        position: int,
        poll_seconds: float,
        publish: Callable[[Batch], Awaitable[None]],
        failed: Callable[[], None],
    ) -> None:
        self._database = database
        self._position = position
        self._poll_seconds = poll_seconds
        self._publish = publish
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop reading; returns when the thread has ended."""
        self._stopped.set()
        self._database.bell.strike((READ_MODELS,))
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.is_set():
            try:
                batch = self._next()
            except Transient as error:
                pause = min(pause * 2 or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
                log.warning(FEED_BACKED_OFF, reason=type(error).__name__, pause_seconds=pause)
                self._stopped.wait(pause)
                continue
            except Exception:
                # Every connection ends, the next one starts anew: no reader waits for a dead thread.
                log.exception(FEED_FAILED)
                self._loop.call_soon_threadsafe(self._failed)
                return
            pause = 0.0
            if batch.up_to == self._position:
                self._database.bell.wait(READ_MODELS, self._poll_seconds)
                continue
            self._position = batch.up_to
            asyncio.run_coroutine_threadsafe(self._hand_over(batch), self._loop).result()

    async def _hand_over(self, batch: Batch) -> None:
        await self._publish(batch)

    def _next(self) -> Batch:
        with self._database.read() as conn:
            up_to = max(followed_to(conn), self._position)
            return read_batch(conn, self._position, up_to=up_to, limit=BATCH_MESSAGES)
