"""Bad days of the providers, from a seed: what a message may meet instead of, or beside, a yes.

Names of places ask for one kind of trouble each time (mail.py, sms_message.py, push.py); a mood comes over
a catcher for one request, whoever it is for. The same seed and the same order of requests give the same
moods.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from aiohttp import web

RETRY_AFTER_SECONDS = 1
SLOW_SECONDS = 1.5
_SENDS = ("POST", "PUT")


class Mood(StrEnum):
    """One kind of trouble."""

    BUSY = "busy"  # not taken: 429 with Retry-After; a mail server's 452 to DATA
    AWAY = "away"  # not taken: 503 with Retry-After; a mail server's 451 to DATA
    ERROR = "error"  # not taken, which nobody can know: 500; a mail server hangs up at DATA
    DROP = "drop"  # not taken: the connection ends without an answer
    CUT = "cut"  # taken, then the connection ends without an answer
    LIE = "lie"  # taken, then 500; a mail server hangs up
    SLOW = "slow"  # taken, answered late


class MoodPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`rates`: mood to share of requests, 0 to 1 in all."""

    seed: int = 1
    rates: dict[Mood, float] = {}


class Moods:
    """Draws one mood per message, for all catchers."""

    def __init__(self, plan: MoodPlan | None = None) -> None:
        self._plan = plan or MoodPlan()
        self._rng = random.Random(f"moods {self._plan.seed}")

    def next(self) -> Mood | None:
        """What the next message meets; None: a good day."""
        drawn = self._rng.random()
        for mood, rate in self._plan.rates.items():
            if drawn < rate:
                return mood
            drawn -= rate
        return None

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let the mood answer for a catcher that is sent to."""
        mood = self.next() if request.method in _SENDS else None
        if mood in _NOT_TAKEN:
            await request.read()
            return _refused(_NOT_TAKEN[mood])
        if mood is Mood.DROP:
            await request.read()
            return _cut(request, web.Response())
        answer = await handler(request)
        if mood is Mood.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        elif mood is Mood.LIE:
            return _refused(500)
        return _cut(request, answer) if mood is Mood.CUT else answer


_NOT_TAKEN = {Mood.BUSY: 429, Mood.AWAY: 503, Mood.ERROR: 500}


def _cut(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """The connection is no more: nobody hears the answer."""
    if request.transport is not None:
        request.transport.abort()
    return answer


def _refused(status: int) -> web.Response:
    headers = {} if status == 500 else {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return web.Response(status=status, headers=headers, text="a mood of the catcher's")
