"""Limits of time: a body that does not arrive, and an answer that does not begin, give their place back."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.people_problems import BODY_TOO_SLOW
from api.problem_answers import answer
from api.problems import UNAVAILABLE, Problem

BODY_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 60.0
_RETRY: Final = {"Retry-After": "5"}


class TimeLimits:
    """Ends a request whose body takes too long, or whose answer has not begun in time."""

    def __init__(
        self, app: ASGIApp, *, body: float = BODY_SECONDS, begin: float = ANSWER_SECONDS
    ) -> None:
        self._app = app
        self._body = body
        self._begin = begin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived = begun = False

        async def receive_noticing() -> Message:
            nonlocal arrived
            message = await receive()
            if not (arrived or message.get("more_body")):
                arrived = True
                limit.reschedule(None if begun else loop.time() + self._begin)
            return message

        async def send_noticing(message: Message) -> None:
            nonlocal begun
            if not begun:
                begun = True
                limit.reschedule(None)
            await send(message)

        loop = asyncio.get_running_loop()
        waits = _has_body(scope)
        try:
            async with asyncio.timeout(self._body if waits else self._begin) as limit:
                await self._app(scope, receive_noticing, send_noticing)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            slow = waits and not arrived
            kind = BODY_TOO_SLOW if slow else UNAVAILABLE
            detail = kind.meaning if slow else "the answer took too long"
            problem = Problem(kind, detail, headers={"Connection": "close"} if slow else _RETRY)
            await answer(problem, scope["path"])(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return bool(names & {b"content-length", b"transfer-encoding"})
