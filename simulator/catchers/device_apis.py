"""FCM, Pushover and Gotify as their clients see them. The trouble of push_apis.py shows in the token."""

import base64

from aiohttp import web

from simulator.catchers.push_apis import (
    RETRY_AFTER_SECONDS,
    Pushed,
    Service,
    as_json,
    form_of,
    json_of,
)

TOKEN_SECONDS = 3600
RETRY_AFTER = str(RETRY_AFTER_SECONDS)


async def google_token(_request: web.Request) -> web.Response:
    """Google's token address: whoever asks is believed."""
    return as_json(
        200,
        {"access_token": "ya29.caught", "expires_in": TOKEN_SECONDS, "token_type": "Bearer"},
    )


async def _fcm(request: web.Request) -> Pushed:
    message = (await json_of(request)).get("message", {})
    shown = message.get("notification", {})
    more = {
        "collapse_key": message.get("android", {}).get("collapse_key", ""),
        "ttl": message.get("android", {}).get("ttl", ""),
    }
    if request.headers.get("Authorization") != "Bearer ya29.caught":
        raise web.HTTPUnauthorized(text='{"error": {"status": "UNAUTHENTICATED"}}')
    place = str(message.get("token", ""))
    return Pushed(place, shown.get("title", ""), shown.get("body", ""), more)


def _fcm_error(status: int, word: str, code: str) -> web.Response:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    error = {
        "code": status,
        "message": "as the token asks",
        "status": word,
        "details": [{"@type": kind, "errorCode": code}],
    }
    headers = {"Retry-After": RETRY_AFTER} if status == 429 else {}
    return as_json(status, {"error": error}, **headers)


FCM = Service(
    "fcm",
    "/fcm/v1/projects/{project}/messages:send",
    _fcm,
    lambda identity: as_json(200, {"name": f"projects/caught/messages/{identity}"}),
    lambda: _fcm_error(404, "NOT_FOUND", "UNREGISTERED"),
    lambda: _fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
)


async def _pushover(request: web.Request) -> Pushed:
    form = await form_of(request)
    login = base64.b64decode(request.headers.get("Authorization", "").partition(" ")[2]).decode()
    if (form.get("token") or login.partition(":")[0]) == "wrong":
        refused = '{"token": "invalid", "errors": ["application token is invalid"], "status": 0}'
        raise web.HTTPBadRequest(text=refused)
    more = {"ttl": form.get("ttl", "")}
    return Pushed(form.get("user", ""), form.get("title", ""), form.get("message", ""), more)


PUSHOVER = Service(
    "pushover",
    "/pushover/1/messages.json",
    _pushover,
    lambda identity: as_json(200, {"status": 1, "request": identity}),
    lambda: as_json(
        400, {"user": "invalid", "errors": ["user identifier is invalid"], "status": 0}
    ),
    lambda: as_json(
        429, {"errors": ["message limit reached"], "status": 0}, **{"Retry-After": RETRY_AFTER}
    ),
)


async def _gotify(request: web.Request) -> Pushed:
    said = await json_of(request)
    place = request.headers.get("X-Gotify-Key", "")
    return Pushed(place, str(said.get("title", "")), str(said.get("message", "")), {})


def _gotify_error(status: int, words: str, **headers: str) -> web.Response:
    body = {"error": "Error", "errorCode": status, "errorDescription": words}
    return as_json(status, body, **headers)


GOTIFY = Service(
    "gotify",
    "/gotify/message",
    _gotify,
    lambda identity: as_json(200, {"id": int(identity, 16) % 1_000_000, "appid": 1}),
    lambda: _gotify_error(401, "you need to provide a valid access token"),
    lambda: _gotify_error(429, "too many requests", **{"Retry-After": RETRY_AFTER}),
)
