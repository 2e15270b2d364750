"""What every answer passes on its way: safe headers, a bounded body, and a guard around one request.

Plain ASGI, so that streamed answers stay streams.
"""

import re
from traceback import format_exception
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem_answers import answer, for_store
from api.problems import BODY_TOO_LARGE, DEFECT, Problem

log = structlog.get_logger()

MOST_BODY_BYTES: Final = 64 * 1024
MOST_CALLBACK_BYTES: Final = 1024 * 1024  # providers gather many events in one request
_CALLBACKS: Final = re.compile(r"/v1/providers/[^/]+/callbacks$")
# Whoever holds one of these acts for whom it was written to, so that no log holds one.
_TOKENS: Final = re.compile(r"(?<=/v1/)(confirm|told|unsubscribe)/[^/]+")
_LONGEST_NUMBER: Final = 18
REQUEST_FAILED: Final = "request_failed"
STORAGE_UNAVAILABLE: Final = "storage_unavailable"

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ONE_YEAR: Final = "max-age=31536000"


class UnderPath:
    """Everything stands under a path: a proxy may pass requests on with it, or cut it off."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if self._root_path and scope["type"] == "http":
            path, root_path = scope["path"], self._root_path
            if path == root_path:
                path = f"{root_path}/"
            elif not path.startswith(f"{root_path}/"):
                path = root_path + path
            scope = {**scope, "root_path": root_path, "path": path}
        await self._app(scope, receive, send)


class SafeHeaders:
    """Adds headers that browsers obey; a route's own header of the same name stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", _ONE_YEAR)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses a body beyond its limit: at once where its length is told, else while it arrives."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MOST_CALLBACK_BYTES if _CALLBACKS.search(scope["path"]) else MOST_BODY_BYTES
        told = Headers(scope=scope).get("content-length", "0")
        if len(told) > _LONGEST_NUMBER or not told.isdecimal() or int(told) > most:
            refusal = answer(Problem(BODY_TOO_LARGE, BODY_TOO_LARGE.meaning), scope["path"])
            await refusal(scope, receive, send)
            return
        arrived = 0

        async def receive_bounded() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise HTTPException(BODY_TOO_LARGE.status)
            return message

        await self._app(scope, receive_bounded, send)


class DefectGuard:
    """A defect ends one request, never the process; it is logged here and told without its details."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        started = False

        async def send_noticing(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noticing)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise  # a half-sent answer can only be cut off, which the server does
            problem = for_store(error)
            if problem is None:
                # As text: some renderers of exc_info print local variables, the key among them.
                log.error(  # noqa: TRY400
                    REQUEST_FAILED,
                    method=scope["method"],
                    path=_loggable(scope["path"]),
                    traceback="".join(format_exception(error)),
                )
                problem = Problem(DEFECT, DEFECT.meaning)
            else:
                path, reason = _loggable(scope["path"]), type(error).__name__
                log.warning(STORAGE_UNAVAILABLE, path=path, reason=reason)
            await answer(problem, scope["path"])(scope, receive, send)


def _loggable(path: str) -> str:
    """A path without what is secret in it."""
    return _TOKENS.sub(r"\1/…", path)
