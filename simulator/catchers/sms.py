"""An SMS provider shaped like Twilio's REST API: create, fetch, list, signed status callbacks.

A request with `Idempotency-Key` is answered once per key, which Twilio does not offer and other
providers do.
"""

import asyncio
import base64
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import cast

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from simulator.catchers.caught import Caught
from simulator.catchers.sms_message import (
    CUT_NUMBER,
    FINAL_AFTER_SECONDS,
    MESSAGES_PATH,
    SENT_AFTER_SECONDS,
    SLOW_NUMBER,
    Message,
    Refusal,
    refusal,
    twilio_signature,
)

RETRY_AFTER_SECONDS = 1
SLOW_SECONDS = 3.0


def add_sms_provider(application: web.Application, caught: Caught) -> None:
    """Add the Messages resource; callbacks are posted until the application stops."""
    provider = _SmsProvider(caught)
    application.router.add_post(MESSAGES_PATH + ".json", provider.create)
    application.router.add_get(MESSAGES_PATH + ".json", provider.list)
    application.router.add_get(MESSAGES_PATH + "/{sid}.json", provider.fetch)
    application.cleanup_ctx.append(provider.posting)


class _SmsProvider:
    _session: ClientSession  # from the application's start on

    def __init__(self, caught: Caught) -> None:
        self._caught = caught
        self._messages: dict[str, Message] = {}
        self._by_key: dict[str, str] = {}
        self._callbacks: set[asyncio.Task[None]] = set()
        for line in caught.newest_first():
            message = Message(
                line["sid"], line["account"], line["to"], line["from"], line["body"], 0
            )
            self._messages[message.sid] = message
            if "idempotency_key" in line:
                self._by_key[line["idempotency_key"]] = message.sid

    async def posting(self, _application: web.Application) -> AsyncIterator[None]:
        """Hold the session that posts callbacks; at the end those still waiting are dropped."""
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            self._session = session
            yield
            for task in self._callbacks:
                task.cancel()
            await asyncio.gather(*self._callbacks, return_exceptions=True)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """`POST …/Messages.json`: 201 with status queued."""
        token = _token(request)
        if token is None:
            return _error(Refusal(401, 20003, "Authenticate"))
        form = {name: str(value) for name, value in (await request.post()).items()}
        refused = refusal(form)
        if refused is not None:
            return _error(refused)
        key = request.headers.get("Idempotency-Key")
        if key in self._by_key:
            return web.json_response(
                self._messages[self._by_key[key]].resource("queued"), status=201
            )
        message = self._record(request.match_info["account"], form, key)
        if "StatusCallback" in form:
            self._call_back(message, form["StatusCallback"], token)
        if message.to == SLOW_NUMBER:
            await asyncio.sleep(SLOW_SECONDS)
        if message.to == CUT_NUMBER:
            cast("asyncio.Transport", request.transport).abort()
        return web.json_response(message.resource("queued"), status=201)

    async def fetch(self, request: web.Request) -> web.Response:
        """`GET …/Messages/{sid}.json`: the status by now."""
        if _token(request) is None:
            return _error(Refusal(401, 20003, "Authenticate"))
        message = self._messages.get(request.match_info["sid"])
        if message is None:
            detail = f"The requested resource {request.path} was not found"
            return _error(Refusal(404, 20404, detail))
        return web.json_response(message.resource(message.status()))

    async def list(self, request: web.Request) -> web.Response:
        """`GET …/Messages.json?To=`: newest first."""
        if _token(request) is None:
            return _error(Refusal(401, 20003, "Authenticate"))
        to = request.query.get("To")
        found = [m for m in reversed(self._messages.values()) if to is None or m.to == to]
        resources = [message.resource(message.status()) for message in found[:50]]
        return web.json_response({"messages": resources, "page": 0, "page_size": 50})

    def _record(self, account: str, form: dict[str, str], key: str | None) -> Message:
        sid = "SM" + secrets.token_hex(16)
        message = Message(sid, account, form["To"], form["From"], form["Body"], time.time())
        line = {
            "sid": sid,
            "account": account,
            "to": message.to,
            "from": message.sender,
            "body": message.body,
        }
        if key is not None:
            line["idempotency_key"] = key
            self._by_key[key] = sid
        self._caught.record(line)
        self._messages[sid] = message
        return message

    def _call_back(self, message: Message, url: str, token: str) -> None:
        task = asyncio.create_task(self._post_statuses(message, url, token))
        self._callbacks.add(task)
        task.add_done_callback(self._callbacks.discard)

    async def _post_statuses(self, message: Message, url: str, token: str) -> None:
        steps = (
            ("queued", 0.0),
            ("sent", SENT_AFTER_SECONDS),
            (message.final_status, FINAL_AFTER_SECONDS - SENT_AFTER_SECONDS),
        )
        for status, pause in steps:
            await asyncio.sleep(pause)
            fields = {
                "AccountSid": message.account,
                "ApiVersion": "2010-04-01",
                "From": message.sender,
                "MessageSid": message.sid,
                "MessageStatus": status,
                "SmsSid": message.sid,
                "SmsStatus": status,
                "To": message.to,
            }
            if status == "undelivered":
                fields["ErrorCode"] = "30003"
            headers = {"X-Twilio-Signature": twilio_signature(token, url, fields)}
            await self._post(url, fields, headers)

    async def _post(self, url: str, fields: dict[str, str], headers: dict[str, str]) -> None:
        # a receiver that is down misses its callback, as with the real provider
        with contextlib.suppress(ClientError, TimeoutError):
            async with self._session.post(url, data=fields, headers=headers) as response:
                await response.read()


def _token(request: web.Request) -> str | None:
    """The password of the request's basic authentication, which also signs its callbacks."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        _, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return None
    return password if scheme == "Basic" and password else None


def _error(refused: Refusal) -> web.Response:
    body = {
        "code": refused.code,
        "message": refused.message,
        "more_info": f"https://www.twilio.com/docs/errors/{refused.code}",
        "status": refused.status,
    }
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if refused.status in {429, 503} else {}
    return web.json_response(body, status=refused.status, headers=headers)
