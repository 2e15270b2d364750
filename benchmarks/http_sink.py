"""A provider behind HTTP in a process of its own: takes whatever is posted, and answers as each would.

`/…/Messages.json` answers as Twilio, `/send/…` as a push service does to a web push, `/hook…` as a receiver
of webhooks, and `/` as ntfy. It keeps nothing but how many requests it took.
"""

import asyncio
import itertools
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from aiohttp import web

_START_SECONDS = 30
_STOP_SECONDS = 10


@contextmanager
def running() -> Iterator[int]:
    """The port of a provider that stands for the length of the block."""
    spawned = multiprocessing.get_context("spawn")
    ours, far_end = spawned.Pipe()
    process = spawned.Process(target=serve, args=(far_end,), daemon=True)
    process.start()
    try:
        if not ours.poll(_START_SECONDS):
            raise TimeoutError("the provider did not start")
        yield ours.recv()
    finally:
        ours.close()
        process.join(_STOP_SECONDS)
        process.kill()


def serve(pipe: Connection) -> None:
    """The provider's process: ends when the other end of the pipe is closed."""
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    application = web.Application()
    numbers = itertools.count(1)

    async def take(request: web.Request) -> web.Response:
        await request.read()
        number = next(numbers)
        if request.path.endswith("/Messages.json"):
            return web.json_response({"sid": f"SM{number:032x}", "status": "queued"}, status=201)
        if request.path.startswith("/send/"):
            return web.Response(status=201, headers={"Location": f"/message/{number}"})
        return web.json_response({"id": f"m{number}", "event": "message"})

    application.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pipe.send(runner.addresses[0][1])
    try:
        await asyncio.to_thread(pipe.recv)
    except EOFError:
        await runner.cleanup()
