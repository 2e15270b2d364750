"""Slack's, Discord's and Telegram's rooms as their clients see them.

The trouble of push_apis.py shows in a webhook's token. Of Telegram's chats a number tells it: -100404 is
gone, -100429 asks for later, -100500 fails, -100003 is slow, -100020 cuts.
"""

from typing import Any

from aiohttp import web

from simulator.catchers.push_apis import (
    RETRY_AFTER_SECONDS,
    Pushed,
    Service,
    as_json,
    json_of,
)

RETRY_AFTER = str(RETRY_AFTER_SECONDS)
CHATS = {
    "-100404": "Gone",
    "-100429": "Later",
    "-100500": "Fail",
    "-100003": "Slow",
    "-100020": "Cut",
}


def _texts(found: Any) -> list[str]:
    """Every text of Slack's blocks, in order."""
    if isinstance(found, dict):
        own = [found["text"]] if isinstance(found.get("text"), str) else []
        return own + [text for value in found.values() for text in _texts(value)]
    return [text for each in found for text in _texts(each)] if isinstance(found, list) else []


async def _slack(request: web.Request) -> Pushed:
    title, *text = [*_texts(await json_of(request)), ""]
    return Pushed(request.match_info["secret"], title, "\n".join(text).strip(), {})


SLACK = Service(
    "slack",
    "/slack/services/{team}/{bot}/{secret}",
    _slack,
    lambda _identity: web.Response(text="ok"),
    lambda: web.Response(status=404, text="no_service"),
    lambda: web.Response(status=429, text="rate_limited", headers={"Retry-After": RETRY_AFTER}),
)


async def _discord(request: web.Request) -> Pushed:
    said = await json_of(request)
    more = {"allowed_mentions": said.get("allowed_mentions")}
    title, _, text = str(said.get("content", "")).partition("\n")
    return Pushed(request.match_info["secret"], title, text, more)


DISCORD = Service(
    "discord",
    "/discord/api/webhooks/{id}/{secret}",
    _discord,
    lambda identity: as_json(200, {"id": str(int(identity, 16))}),
    lambda: as_json(404, {"message": "Unknown Webhook", "code": 10015}),
    lambda: as_json(
        429,
        {"message": "You are being rate limited.", "retry_after": 1.0, "global": False},
        **{"Retry-After": RETRY_AFTER},
    ),
)


async def _telegram(request: web.Request) -> Pushed:
    said = await json_of(request)
    chat = str(said.get("chat_id", ""))
    if request.match_info["token"].endswith("wrong"):
        refused = '{"ok": false, "error_code": 401, "description": "Unauthorized"}'
        raise web.HTTPUnauthorized(text=refused)
    title, _, text = str(said.get("text", "")).partition("\n")
    more = {"parse_mode": said.get("parse_mode"), "chat": chat}
    return Pushed(CHATS.get(chat, chat), title, text, more)


def _telegram_error(status: int, words: str, **more: Any) -> web.Response:
    return as_json(status, {"ok": False, "error_code": status, "description": words, **more})


TELEGRAM = Service(
    "telegram",
    "/telegram/bot{token}/sendMessage",
    _telegram,
    lambda identity: as_json(
        200, {"ok": True, "result": {"message_id": int(identity, 16) % 9999 + 1}}
    ),
    lambda: _telegram_error(400, "Bad Request: chat not found"),
    lambda: _telegram_error(429, "Too Many Requests: retry after 1", parameters={"retry_after": 1}),
)
