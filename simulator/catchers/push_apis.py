"""Push services of the internet, each under a path of its own name: FCM, Pushover, Gotify and rooms.

Each answers in its own shapes. What a destination's last part begins with asks for trouble: `Gone` no such
place · `Later` 429 · `Fail` 500 · `Slow` answers after three seconds · `Cut` recorded, then the connection
ends without an answer.
Sources: those of the services' own references.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

from aiohttp import web

from simulator.catchers.caught import Caught

SLOW_SECONDS = 3.0
RETRY_AFTER_SECONDS = 1
TROUBLES = ("Gone", "Later", "Fail", "Slow", "Cut")


class Pushed(NamedTuple):
    """One message, as its service takes it; `place` shows how it ends."""

    place: str
    title: str
    text: str
    more: dict[str, Any]


class Service(NamedTuple):
    """A service's own words: what it is sent, and what it says to that."""

    name: str
    path: str
    read: Callable[[web.Request], Awaitable[Pushed]]
    taken: Callable[[str], web.Response]
    gone: Callable[[], web.Response]
    later: Callable[[], web.Response]


def add_push_apis(application: web.Application, caught: Caught, *services: Service) -> None:
    """Add services."""
    for service in services:
        application.router.add_post(service.path, _answering(service, caught))


def _answering(
    service: Service, caught: Caught
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        pushed = await service.read(request)
        trouble = next((each for each in TROUBLES if pushed.place.startswith(each)), None)
        refused = {"Gone": service.gone, "Later": service.later, "Fail": failed}
        if trouble in refused:
            return refused[trouble]()
        identity = secrets.token_hex(8)
        caught.record(
            {
                "id": identity,
                "service": service.name,
                "to": pushed.place,
                "title": pushed.title,
                "message": pushed.text,
                **pushed.more,
            }
        )
        if trouble == "Slow":
            await asyncio.sleep(SLOW_SECONDS)
        if trouble == "Cut":
            cast("asyncio.Transport", request.transport).abort()
        return service.taken(identity)

    return answer


def failed() -> web.Response:
    """A service that is broken."""
    return web.Response(status=500, text="internal error")


def as_json(status: int, body: dict[str, Any], **headers: str) -> web.Response:
    """An answer in JSON."""
    return web.json_response(body, status=status, headers=headers)


async def form_of(request: web.Request) -> dict[str, str]:
    """A form's fields."""
    return {name: str(value) for name, value in (await request.post()).items()}


async def json_of(request: web.Request) -> dict[str, Any]:
    """A body's JSON object, empty where it is none."""
    try:
        found = json.loads(await request.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
