"""The bare loops beside our channels: each sends the same words by the library that one would take.

No database, no broker, no record: what such a loop forgets in a crash is lost. Eight connections: the most
at which httpx is fast, and what Apprise's threads can fill.
"""

import asyncio
import base64
import hmac
import importlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from uuid import uuid4

import aiohttp
import apprise
import httpx

from benchmarks import places
from notifier.content import TEMPLATE_VERSION, Rendered
from notifier.rendering import Renderer
from tests.fakes.planned import content

CONNECTIONS = 8

Post = Callable[[int], Awaitable[None]]


def by_apprise(url: str, sends: int) -> float:
    """Messages a second through Apprise, one address each; `{}` in `url` is a number of its own."""
    apprise.Apprise().add(url.format(0))  # its plugins load at the first address
    words, facts = Renderer(), content()

    def send(number: int) -> None:
        said = words.render(facts, "push", "en", TEMPLATE_VERSION)
        service = apprise.Apprise()
        service.add(url.format(number))
        if not service.notify(title=said.subject, body=said.text):
            raise SystemExit("Apprise could not send")

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, range(sends)))
    return sends / (time.perf_counter() - began)


def signed(port: int, sends: int) -> float:
    """Webhooks a second, each signed by Standard Webhooks, through httpx."""
    return asyncio.run(_by_httpx(partial(_signed, port), sends))


def texted(port: int, sends: int) -> float:
    """SMS a second through httpx, as Twilio takes them."""
    return asyncio.run(_by_httpx(partial(_texted, port), sends))


def pushed(port: int, sends: int) -> float:
    """Web pushes a second through pywebpush over one session, each encrypted and signed."""
    return asyncio.run(_pushed(port, sends))


async def _by_httpx(post: Callable[[httpx.AsyncClient, int], Awaitable[None]], sends: int) -> float:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits) as client:
        return await _in_lanes(partial(post, client), sends)


async def _in_lanes(post: Post, sends: int) -> float:
    numbers = iter(range(sends))

    async def lane(left: Iterator[int]) -> None:
        for number in left:
            await post(number)

    began = time.perf_counter()
    await asyncio.gather(*(lane(numbers) for _ in range(CONNECTIONS)))
    return sends / (time.perf_counter() - began)


async def _signed(port: int, client: httpx.AsyncClient, number: int) -> None:
    body = json.dumps({"type": "stream.paused", "data": {"stream_id": str(number)}}).encode()
    identity, at = str(uuid4()), str(int(time.time()))
    mac = hmac.digest(b"k" * 32, f"{identity}.{at}.".encode() + body, "sha256")
    headers = {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    answer = await client.post(places.hook(port, number), content=body, headers=headers)
    answer.raise_for_status()


async def _texted(port: int, client: httpx.AsyncClient, number: int) -> None:
    form = {"To": places.phone(number), "From": places.SENDER, "Body": _said("sms").text}
    answer = await client.post(
        f"http://127.0.0.1:{port}/2010-04-01/Accounts/{places.ACCOUNT}/Messages.json",
        data=form,
        auth=(places.ACCOUNT, places.TOKEN),
    )
    answer.raise_for_status()


async def _pushed(port: int, sends: int) -> float:
    webpush_async = importlib.import_module("pywebpush").webpush_async  # from `make tools`
    async with aiohttp.ClientSession() as session:

        async def post(number: int) -> None:
            said = _said("push")
            await webpush_async(
                json.loads(places.subscription(port, number)),
                json.dumps({"title": said.subject, "body": said.text}),
                vapid_private_key=places.VAPID_KEY,
                vapid_claims={"sub": places.SUBJECT},
                ttl=3600,
                aiohttp_session=session,
            )

        return await _in_lanes(post, sends)


@cache
def _words() -> Renderer:
    return Renderer()


def _said(channel: str) -> Rendered:
    return _words().render(content(), channel, "en", TEMPLATE_VERSION)
