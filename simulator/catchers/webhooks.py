"""A receiver of webhooks: `POST /webhooks/{name}` takes any body, records it and says 204.

Names: `gone-*` 410 · `fail500-*` 500 · `fail429-*` 429 with Retry-After · `moved-*` 302 to a record that
must stay empty · `slow-*` answers after three seconds · `cut-*` recorded, then the connection ends without
an answer. The record tells repeats apart by `webhook-id`, as a receiver should.
"""

import asyncio
import json
from typing import Any, cast

from aiohttp import web

from simulator.catchers.caught import Caught

RETRY_AFTER_SECONDS = 1
SLOW_SECONDS = 3.0
REFUSALS = {"gone": 410, "fail500": 500, "fail429": 429, "moved": 302}


def add_webhook_receiver(application: web.Application, caught: Caught) -> None:
    """Add the receiver."""

    async def receive(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        behaviour = name.partition("-")[0]
        if behaviour in REFUSALS:
            return _refused(REFUSALS[behaviour])
        caught.record(await _as_caught(request, name))
        if behaviour == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if behaviour == "cut":
            cast("asyncio.Transport", request.transport).abort()
        return web.Response(status=204)

    application.router.add_post("/webhooks/{name}", receive)


async def _as_caught(request: web.Request, name: str) -> dict[str, Any]:
    body = (await request.read()).decode("utf-8", "replace")
    return {
        "id": request.headers.get("webhook-id", ""),
        "to": name,
        "subject": _type(body),
        "text": body,
        "headers": dict(request.headers),
    }


def _type(body: str) -> str:
    try:
        return str(json.loads(body)["type"])
    except (ValueError, KeyError, TypeError):
        return ""


def _refused(status: int) -> web.Response:
    headers = {}
    if status == 429:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 302:
        headers["Location"] = "/webhooks/followed-a-redirect"
    return web.Response(status=status, headers=headers, text="as the name asks")
