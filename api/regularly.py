"""Write again and again while the application serves, and once more at its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def regularly(write: Callable[[], Awaitable[None]], seconds: float) -> AsyncIterator[None]:
    """`write` is called every so many seconds; what it raises meanwhile is raised at the end."""

    async def go_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            await write()

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await write()
