"""The API behind a real socket, and a client of its feed that parses as the standard says."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import httpx
import uvicorn
import uvloop
from fastapi import FastAPI

from cli.http_connection import HttpConnection
from cli.serving import QuietServer

PATIENCE = 30.0  # seconds; a test that waits longer has failed


class Event(NamedTuple):
    """What EventSource would dispatch. `id`: the last one received so far."""

    id: str
    event: str
    data: Any


@contextlib.contextmanager
def listening(app: FastAPI, *, send_buffer: int | None = None) -> Iterator[str]:
    """Serve on a free port in a thread; the address. `send_buffer`: of each connection, in bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server = QuietServer(
        uvicorn.Config(app, http=HttpConnection, log_level="warning", timeout_graceful_shutdown=5)
    )
    stop = threading.Event()

    async def serve() -> None:
        serving = asyncio.create_task(server.serve([listener]))
        await asyncio.to_thread(stop.wait)
        await app.state.feed.close()
        server.should_exit = True
        await serving

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()


class FeedClient:
    """One reader that remembers its last id across connections, as EventSource does."""

    def __init__(self, url: str, key: str, last_id: str = "", **filters: Any) -> None:
        self.url = url
        self.last_id = last_id
        self.comments = 0
        self._heard = asyncio.Event()
        self._headers = {"Authorization": f"Bearer {key}"}
        self._filters = filters

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Connect from the last id on; the events until the connection ends."""
        headers = self._headers | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        async with (
            httpx.AsyncClient(
                timeout=PATIENCE, verify=False
            ) as client,  # no context to make: plain HTTP
            client.stream(
                "GET", f"{self.url}/v1/feed", headers=headers, params=self._filters
            ) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            lines = answer.aiter_lines()
            # Connected is who has the stream's opening: what is recorded now will come.
            await self._opening(lines)
            yield self._events(lines)

    async def until(self, true: Callable[["FeedClient"], bool]) -> None:
        """Return once what was received makes this true; somebody must be reading the events."""
        while not true(self):
            self._heard.clear()
            await self._heard.wait()

    async def _opening(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            if not line:
                return
            self._note(line)

    def _note(self, line: str) -> None:
        name, _, value = line.partition(": ")
        if name == "id":
            self.last_id = value
        self.comments += line.startswith(":")
        self._heard.set()

    async def _events(self, lines: AsyncIterator[str]) -> AsyncIterator[Event]:
        event, data = "message", []
        async for line in lines:
            name, _, value = line.partition(": ")
            self._note(line)
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif not line:
                if data:
                    yield Event(self.last_id, event, json.loads("\n".join(data)))
                event, data = "message", []
