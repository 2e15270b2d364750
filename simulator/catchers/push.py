"""A push provider shaped like ntfy: publish to a topic by POST, get the message back as JSON.

Source: docs.ntfy.sh/publish. Topics: `fail429-*` 429 with Retry-After · `fail500-*` 500 · `slow-*`
answers after three seconds · `cut-*` recorded, then the connection ends without an answer.
"""

import asyncio
import json
import re
import secrets
import string
import time
from typing import Any, cast

from aiohttp import web

from simulator.catchers.caught import Caught

SLOW_SECONDS = 3.0
RETRY_AFTER_SECONDS = 1
_CACHE_SECONDS = 12 * 3600
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_LETTERS = string.ascii_letters + string.digits
_PRIORITIES = {
    **{str(number): number for number in range(1, 6)},
    "min": 1,
    "low": 2,
    "default": 3,
    "high": 4,
    "max": 5,
    "urgent": 5,
}
_DEFAULT_PRIORITY = 3
_SHOWN = ("id", "topic", "title", "message", "sequence_id")


def add_push_provider(application: web.Application, caught: Caught) -> None:
    """Add publishing: `POST` or `PUT /{topic}`, and JSON to `/`."""
    provider = _PushProvider(caught)
    application.router.add_post("/", provider.publish_json)
    application.router.add_post("/{topic}", provider.publish)
    application.router.add_put("/{topic}", provider.publish)


class _PushProvider:
    def __init__(self, caught: Caught) -> None:
        self._caught = caught

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Message in the body, the rest in headers."""
        body = (await request.read()).decode("utf-8", "replace")
        fields: dict[str, Any] = {"message": body}
        for name in ("title", "priority", "tags", "click"):
            value = request.headers.get(name) or request.headers.get(f"x-{name}")
            if value is not None:
                fields[name] = value
        if "tags" in fields:
            fields["tags"] = fields["tags"].split(",")
        return await self._accept(request, request.match_info["topic"], fields)

    async def publish_json(self, request: web.Request) -> web.StreamResponse:
        """Everything in one JSON object."""
        try:
            fields = json.loads(await request.read())
            topic = fields.pop("topic")
        except (ValueError, KeyError, AttributeError, TypeError):
            return _error(400, 40024, "request body must be valid JSON")
        return await self._accept(request, str(topic), fields)

    async def _accept(
        self, request: web.Request, topic: str, fields: dict[str, Any]
    ) -> web.StreamResponse:
        if not _TOPIC.fullmatch(topic):
            return _error(400, 40009, "invalid request: topic invalid")
        if topic.startswith("fail429-"):
            return _error(429, 42901, "limit reached: too many requests")
        if topic.startswith("fail500-"):
            return _error(500, 50001, "internal server error")
        priority = _PRIORITIES.get(str(fields.pop("priority", _DEFAULT_PRIORITY)))
        if priority is None:
            return _error(400, 40007, "invalid request: priority invalid")
        now = int(time.time())
        published: dict[str, Any] = {
            "id": "".join(secrets.choice(_LETTERS) for _ in range(12)),
            "time": now,
            "expires": now + _CACHE_SECONDS,
            "event": "message",
            "topic": topic,
            **{
                name: fields[name]
                for name in ("title", "message", "tags", "click")
                if name in fields
            },
            **_sequence(request, fields),
        }
        if priority != _DEFAULT_PRIORITY:
            published["priority"] = priority
        shown = {name: published.get(name, "") for name in _SHOWN}
        self._caught.record({**shown, "headers": dict(request.headers)})
        if topic.startswith("slow-"):
            await asyncio.sleep(SLOW_SECONDS)
        if topic.startswith("cut-"):
            cast("asyncio.Transport", request.transport).abort()
        return web.json_response(published)


def _sequence(request: web.Request, fields: dict[str, Any]) -> dict[str, str]:
    """Whose place the message takes on a device, if it says so."""
    wanted = fields.get("sequence_id") or request.headers.get("X-Sequence-ID")
    return {} if wanted is None else {"sequence_id": str(wanted)}


def _error(status: int, code: int, message: str) -> web.Response:
    link = "https://ntfy.sh/docs/publish/#limitations" if status == 429 else None
    body = {"code": code, "http": status, "error": message, **({"link": link} if link else {})}
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if link else {}
    return web.json_response(body, status=status, headers=headers)
