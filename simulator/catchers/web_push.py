"""A push service for browsers (RFC 8030) and the browser behind it, which really decrypts.

`GET /web-push/{name}` is a subscription, the same one each time; `POST` there pushes to it. Names:
`gone-*` 410 · `fail429-*` 429 with Retry-After · `fail500-*` 500 · `slow-*` answers after three seconds ·
`cut-*` recorded, then the connection ends without an answer. A subscription keeps to the first VAPID key
that it meets, as a browser's is bound to its own.
"""

import asyncio
import json
import re
import secrets
from typing import Any, cast

from aiohttp import web

from simulator.catchers.caught import Caught
from simulator.catchers.web_push_keys import (
    decrypted,
    public_key_of,
    subscription_keys,
)
from simulator.errors import Undecipherable

RETRY_AFTER_SECONDS = 1
SLOW_SECONDS = 3.0
MOST_BODY_BYTES = 4096
_TOPIC = re.compile("[A-Za-z0-9_-]{1,32}")
_URGENCIES = ("very-low", "low", "normal", "high")
_REFUSALS = {"gone": 410, "fail500": 500, "fail429": 429}
PATH = "/web-push/{name}"


def add_web_push(application: web.Application, caught: Caught) -> None:
    """Add subscribing and pushing."""
    service = _PushService(caught)
    application.router.add_get(PATH, service.subscription)
    application.router.add_post(PATH, service.push)


class _PushService:
    def __init__(self, caught: Caught) -> None:
        self._caught = caught
        self._bound: dict[str, str] = {}

    async def subscription(self, request: web.Request) -> web.Response:
        """A subscription as `PushSubscription.toJSON()` gives it."""
        name = request.match_info["name"]
        endpoint = f"{request.scheme}://{request.host}{PATH.format(name=name)}"
        keys = subscription_keys(name)
        return web.json_response({"endpoint": endpoint, "expirationTime": None, "keys": keys})

    async def push(self, request: web.Request) -> web.StreamResponse:
        """201 with the message's address."""
        name, body = request.match_info["name"], await request.read()
        behaviour = name.partition("-")[0]
        refused = self._refusal(request, name, behaviour) or _fault(request, body)
        if refused is not None:
            return _refused(*refused)
        identity = secrets.token_urlsafe(12)
        try:
            self._caught.record(_as_caught(request, name, identity, decrypted(body, name)))
        except Undecipherable as error:
            return _refused(400, str(error))
        if behaviour == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if behaviour == "cut":
            cast("asyncio.Transport", request.transport).abort()
        return web.Response(status=201, headers={"Location": f"/web-push/messages/{identity}"})

    def _refusal(self, request: web.Request, name: str, behaviour: str) -> tuple[int, str] | None:
        """Why this sender may not push, if it may not."""
        if behaviour in _REFUSALS:
            return _REFUSALS[behaviour], "as the name asks"
        given, origin = request.headers.get("Authorization", ""), str(request.url.origin())
        try:
            public = public_key_of(given, origin)
        except Undecipherable as error:
            return 401, str(error)
        if self._bound.setdefault(name, public) != public:
            return 403, "the subscription belongs to another key"
        return None


def _fault(request: web.Request, body: bytes) -> tuple[int, str] | None:
    """What a request breaks of RFC 8030 §5, if anything."""
    headers = request.headers
    topic = headers.get("Topic", "A")
    words = None
    if headers.get("Content-Encoding") != "aes128gcm":
        words = "Content-Encoding: aes128gcm is needed"
    elif not headers.get("TTL", "").isdecimal():
        words = "TTL is needed, in seconds"
    elif headers.get("Urgency", "normal") not in _URGENCIES:
        words = "Urgency is not one"
    elif not _TOPIC.fullmatch(topic):
        words = "Topic has at most 32 characters of base64url"
    if words is not None:
        return 400, words
    return (413, "too large") if len(body) > MOST_BODY_BYTES else None


def _as_caught(request: web.Request, name: str, identity: str, plain: bytes) -> dict[str, Any]:
    try:
        shown = json.loads(plain)
    except ValueError:
        shown = {}
    return {
        "id": identity,
        "to": name,
        "title": str(shown.get("title", "")),
        "message": str(shown.get("body", "")),
        "shown": shown,
        "ttl": int(request.headers["TTL"]),
        "urgency": request.headers.get("Urgency", "normal"),
        "collapse_key": request.headers.get("Topic", ""),
    }


def _refused(status: int, words: str) -> web.Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 429 else {}
    return web.Response(status=status, headers=headers, text=words)
