"""What a stranger sends before a request is whole, and who learns that a connection is lost."""

import asyncio
import threading
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from cli.http_connection import MOST_HEAD_BYTES
from tests.fakes.listening import PATIENCE, listening

HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
FOR_EVER = b"GET /for-ever HTTP/1.1\r\nhost: a\r\n\r\n"


class Answering:
    """Answers at once, but for one path where it waits until nobody listens."""

    def __init__(self):
        self.state = SimpleNamespace(feed=self)
        self.listeners = 0
        self.left = threading.Event()

    async def close(self):
        pass

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/for-ever":
            self.listeners += 1
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            self.listeners -= 1
            self.left.set()
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.body", "body": b"done"})


async def flooded(url, begin, chunk):
    """Send for as long as the server takes it, up to a hundred times as much as a head may have."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    sent = 0
    try:
        writer.write(begin)
        while sent < 100 * MOST_HEAD_BYTES and not reader.at_eof():
            writer.write(chunk)
            sent += len(chunk)
            await asyncio.sleep(0.001)
            await writer.drain()
    except ConnectionError:
        return True
    finally:
        writer.close()
    return reader.at_eof()


@pytest.mark.parametrize(
    ("begin", "chunk"),
    [
        (HEAD, b"x-a: b\r\n" * 1000),
        (HEAD + b"x-a: ", b"b" * 8000),
        (b"GET /", b"b" * 8000),
        (CHUNKED + b"0\r\n", b"x-a: b\r\n" * 1000),
        (CHUNKED + b"1;a=", b"b" * 8000),
    ],
)
async def test_a_head_that_does_not_end_ends_the_connection(begin, chunk):
    with listening(Answering()) as url:
        async with asyncio.timeout(PATIENCE):
            assert await flooded(url, begin, chunk)


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        (HEAD + b"x-a: ", [b"b" * 8000] * 6 + [b"\r\n\r\n"]),
        (HEAD.replace(b"GET", b"POST") + b"content-length: 800000\r\n\r\n", [b"b" * 8000] * 100),
        (CHUNKED, [b"1f40\r\n" + b"b" * 8000 + b"\r\n"] * 100 + [b"0\r\n\r\n"]),
        (b"", [HEAD + b"\r\n"] * 500),
    ],
)
async def test_long_bodies_and_many_requests_are_answered(begin, rest):
    with listening(Answering()) as url:
        place = urlsplit(url)
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.writelines([begin, *rest])
            told = b""
            while told.count(b"done") < (1 if begin else len(rest)):
                more = await reader.read(65536)
                assert more, told[-100:]
                told += more
            writer.close()
    assert b" 400 " not in told


@pytest.mark.parametrize("behind", [b"", HEAD + b"\r\n"])
async def test_who_is_answered_learns_that_nobody_listens(behind):
    app = Answering()
    with listening(app) as url:
        place = urlsplit(url)
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(FOR_EVER + behind)
            await reader.readuntil(b"begun")
            assert app.listeners == 1
            writer.close()
            await asyncio.to_thread(app.left.wait, PATIENCE)
            assert app.listeners == 0
