"""An application served to processes beside this one, on a port that the system chooses."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp

from cli.http_connection import HttpConnection
from cli.serving import QuietServer

BACKLOG = 2048  # as many as may come at once

End = Callable[[], Awaitable[None]]


@contextmanager
def served(app: ASGIApp, *, ending: End, ended: End) -> Iterator[int]:
    """Serve on a thread for the length of the block; gives the port.

    `ending`: awaited before connections are closed, on the loop that serves; `ended`: after it.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    config = uvicorn.Config(
        app, http=HttpConnection, log_level="warning", lifespan="off", access_log=False
    )
    server = QuietServer(config)
    stop = threading.Event()

    async def serve() -> None:
        serving = asyncio.create_task(server.serve([listener]))
        await asyncio.to_thread(stop.wait)
        await ending()
        server.should_exit = True
        await serving
        await ended()

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        thread.join()
