"""One connection to the feed: what it was sent, what it is owed, and when it is given up.

A reader holds a position and nothing else; its messages are everybody's. It takes the past from the
log, page by page, until it meets what the process keeps of the end; from there on it is only woken.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.feed_messages import Batch, Wanted
from api.feed_tail import Recent

Ending = Literal["gone", "slow", "revoked", "closing", "failed"]
PagesBeyond = Callable[[int, int], Awaitable[Batch]]

MEDIA_TYPE: Final = "text/event-stream"
HEADERS: Final = {"X-Accel-Buffering": "no"}  # nginx: pass each message on at once
_RETRY_MILLISECONDS: Final = (1_000, 4_000)  # apart, so that a restart is not met by all at once
_GRACE_SECONDS: Final = 1.0
_DEPARTURE_SECONDS: Final = 30.0


class Reader:
    """Where one connection stands. `live`: it waits for what the process reads next.

    `account`: whose inbox it is told of, by a keyed hash; None: of none.
    """

    def __init__(
        self,
        key_id: str,
        wanted: Wanted,
        position: int,
        opening: bytes,
        account: str | None = None,
    ) -> None:
        self.key_id = key_id
        self.account = account
        self.position = position
        self.live = False
        self.ended: Ending | None = None
        self.sending_since: float | None = None
        self._wanted = wanted
        self._opening = opening
        self._told = position
        self._beat = False
        self._said: dict[str, bytes] = {}
        self._to_say: dict[str, bytes] = {}
        self._woken = asyncio.Event()
        self._limit: asyncio.Timeout | None = None

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def beat(self) -> None:
        """Say that the connection lives, and how far it has come."""
        self._beat = True
        self._woken.set()

    def say(self, kind: str, wire: bytes) -> None:
        """Tell a state of this kind unless it was told last; of several unsent ones the newest counts."""
        if self._said.get(kind) != wire:
            self._said[kind] = self._to_say[kind] = wire
            self._woken.set()

    def was_told(self, kind: str) -> bool:
        """Whether a state of this kind was ever told here."""
        return kind in self._said

    def end(self, why: Ending) -> None:
        """Send nothing more; a send that stands still is broken off."""
        if self.ended is not None:
            return
        self.ended = why
        self._woken.set()
        if self._limit is not None:
            grace = 0.0 if why == "slow" else _GRACE_SECONDS
            self._limit.reschedule(asyncio.get_running_loop().time() + grace)

    async def follow(self, send: Send, recent: Recent, read: PagesBeyond) -> None:
        """Send what is beyond the position, then what comes, until ended."""
        async with self._until_ended():
            await self._send(send, self._opening)
            while self.ended is None:
                await self._say_aside(send)
                self.live = self.position >= recent.floor
                if self.live:
                    await self._pass_on(send, recent)
                else:
                    await self._take(send, await read(self.position, recent.position))

    async def catch_up(self, send: Send, up_to: int, read: PagesBeyond) -> None:
        """Send what is beyond the position and up to another one."""
        async with self._until_ended():
            await self._send(send, self._opening)
            while self.ended is None and self.position < up_to:
                await self._take(send, await read(self.position, up_to))
            if self.ended is None and self.position != self._told:
                await self._send(send, self._heartbeat())

    @asynccontextmanager
    async def _until_ended(self) -> AsyncIterator[None]:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as self._limit:
                    yield
        finally:
            self._limit = None

    async def _pass_on(self, send: Send, recent: Recent) -> None:
        """Send what is new, or wait for it."""
        self._woken.clear()
        read_to = recent.position
        for batch in recent.beyond(self.position):
            await self._take(send, batch)
            if self.ended is not None:
                return
        self.position = max(self.position, read_to)
        if self._beat:
            self._beat = False
            await self._send(send, self._heartbeat())
        await self._woken.wait()

    async def _take(self, send: Send, batch: Batch) -> None:
        wanted = batch.beyond(self.position, self._wanted)
        self.position = max(self.position, batch.up_to)
        if wanted.messages:
            self._told = wanted.messages[-1].position
            await self._send(send, wanted.wire)

    async def _say_aside(self, send: Send) -> None:
        while self._to_say:
            await self._send(send, self._to_say.popitem()[1])

    def _heartbeat(self) -> bytes:
        """A comment; with the position where that has moved past what the filters let through."""
        if self.position == self._told:
            return b": alive\n\n"
        self._told = self.position
        return f": alive\nid: {self.position}\n\n".encode()

    async def _send(self, send: Send, chunk: bytes) -> None:
        self.sending_since = asyncio.get_running_loop().time()
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self.sending_since = None


class FeedResponse(Response):
    """Streams to a reader until it is ended or its peer is gone."""

    media_type = MEDIA_TYPE

    def __init__(self, run: Callable[[Send], Awaitable[None]], gone: Callable[[], None]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["Content-Length"]
        self._run = run
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as ASGI has it."""
        del scope
        if self.background is not None:
            await self.background()  # now: the connection may last for days
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        watching = asyncio.create_task(self._watch(receive))
        try:
            await self._run(send)
        finally:
            watching.cancel()
        with suppress(TimeoutError):  # who takes nothing is waited for, then cut off
            async with asyncio.timeout(_DEPARTURE_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, receive: Receive) -> None:
        with suppress(HTTPException):  # a body beyond any limit: as good as gone
            while (await receive())["type"] != "http.disconnect":
                pass
        self._gone()


def opening(position: int | None = None) -> bytes:
    """How a stream begins: how long to wait before coming back and, unless known, from where."""
    told = "" if position is None else f"id: {position}\n"
    return f"retry: {random.randint(*_RETRY_MILLISECONDS)}\n{told}\n".encode()
