"""Serving one of the simulated network's applications for as long as the network runs."""

import contextlib

from aiohttp import web


async def serve(
    cleanup: contextlib.AsyncExitStack, application: web.Application, host: str, port: int
) -> int:
    """Serve until cleaned up; the port that was bound."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    cleanup.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, host, port).start()
    return int(runner.addresses[0][1])
