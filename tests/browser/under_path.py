"""A reverse proxy that serves a site under a path, as people put it before their deployments."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientTimeout, web

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-encoding"})


@dataclass
class Under:
    """Where the site is reached; `strays`: requests that left the path."""

    url: str
    strays: list[str] = field(default_factory=list)


@contextmanager
def under_path(target: str, prefix: str, *, cuts: bool) -> Iterator[Under]:
    """`cuts`: the prefix is cut off before a request is passed on."""
    ready, under, ends = threading.Event(), Under(""), []

    async def serve() -> None:
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        async with ClientSession(timeout=ClientTimeout(total=None)) as session:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", _passing(session, target, prefix, cuts, under))
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            under.url = f"http://127.0.0.1:{runner.addresses[0][1]}{prefix}"
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30), "the proxy does not start"
    try:
        yield under
    finally:
        loop, stop = ends[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


def _passing(session, target, prefix, cuts, under):
    async def passed_on(request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        if path != prefix and not path.startswith((f"{prefix}/", f"{prefix}?")):
            under.strays.append(path)
            return web.Response(status=404)
        if cuts:
            path = path.removeprefix(prefix) or "/"
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        body = await request.read()
        async with session.request(
            request.method, target + path, headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    return passed_on
