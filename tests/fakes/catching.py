"""A catcher of the simulator, served over a real socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from simulator.catchers.caught import Caught


@asynccontextmanager
async def catching(
    add: Callable[[web.Application, Caught], None], path: Path
) -> AsyncIterator[tuple[str, Caught]]:
    """Yields the catcher's address and its record."""
    caught = Caught(path)
    application = web.Application()
    add(application, caught)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", caught
    finally:
        await runner.cleanup()
        caught.close()
