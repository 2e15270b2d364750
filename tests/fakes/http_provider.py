"""A real HTTP server that answers as it is scripted, the truth or not, shaped like Twilio and ntfy."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ENDLESS_BYTES = 32_000_000  # an endless answer's end, for whoever would read it to there


@dataclass
class Scripted:
    """The next answer; `cut` closes the connection without one, `slow_seconds` waits first.

    `early`: before the body is read, so that nothing arrives. `is_kept`: what is said to be taken is.
    `raw`: bytes in the answer's place, a pause after each; `again`: the last of them, over and over.
    """

    status: int = 200
    body: str | bytes = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    slow_seconds: float = 0.0
    early: bool = False
    is_kept: bool = True
    raw: tuple[bytes, ...] = ()
    pause_seconds: float = 0.0
    again: bool = False
    content_type: str = "application/json"


class HttpProvider:
    """`asked`: how often it was called; `requests`: what arrived; `by_path`: where else than `answer`."""

    def __init__(self) -> None:
        self.answer = Scripted()
        self.by_path: dict[str, Scripted] = {}
        self.asked = 0
        self.written = 0
        self.requests: list[dict[str, Any]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        answer = self.by_path.get(request.path, self.answer)
        if not answer.early:
            body = (await request.read()).decode("utf-8", "replace")
            if answer.is_kept:
                self.requests.append(
                    {
                        "path": request.path,
                        "query": dict(request.query),
                        "headers": dict(request.headers),
                        "body": body,
                        "peer": request.transport and request.transport.get_extra_info("peername"),
                    }
                )
        await asyncio.sleep(answer.slow_seconds)
        if answer.raw:
            await self.write(request.transport, answer)
        elif answer.cut and request.transport is not None:
            request.transport.abort()
        return web.Response(
            status=answer.status,
            body=answer.body.encode() if isinstance(answer.body, str) else answer.body,
            headers=answer.headers,
            content_type=answer.content_type,
        )

    async def write(self, transport: Any, answer: Scripted) -> None:
        pieces = list(answer.raw)
        while pieces and not transport.is_closing() and self.written < ENDLESS_BYTES:
            if transport.get_write_buffer_size() > 1_000_000:
                await asyncio.sleep(0.001)
                continue
            piece = pieces[0] if answer.again and len(pieces) == 1 else pieces.pop(0)
            transport.write(piece)
            self.written += len(piece)
            await asyncio.sleep(answer.pause_seconds)
        transport.close()


@contextmanager
def http_provider() -> Iterator[HttpProvider]:
    """Runs the server on a thread with a loop of its own."""
    provider = HttpProvider()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", provider.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        provider.url = f"http://127.0.0.1:{port}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
