"""An SMS provider shaped like Vonage's SMS API: 200 whatever happens, the truth in each part's status.

Source: developer.vonage.com/api/sms. Numbers as those of sms_message.py, without the plus.
"""

import asyncio
import math
import secrets
from typing import Any, cast

from aiohttp import web

from simulator.catchers.caught import Caught
from simulator.catchers.sms_message import CUT_NUMBER, REFUSED_NUMBERS, SLOW_NUMBER

VONAGE_PATH = "/sms/json"
SLOW_SECONDS = 3.0
# Twilio's code for what a number stands for -> Vonage's status and words.
_STATUSES = {
    21211: ("3", "to address is not numeric"),
    21408: ("15", "Illegal Sender Address - rejected"),
    21610: ("7", "Number barred"),
    20429: ("1", "Throughput Rate Exceeded"),
    20503: ("5", "Internal Error"),
}
_OTHERS = ("6", "Unroutable message - rejected")
_PART = {"text": (160, 153), "unicode": (70, 67)}


def add_vonage(application: web.Application, caught: Caught) -> None:
    """Add the one resource."""

    async def create(request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        number = f"+{form.get('to', '')}"
        refused = _refusal(form, number)
        if refused is not None:
            return _answer([{"status": refused[0], "error-text": refused[1]}])
        parts = [_part(form) for _ in range(_parts(form))]
        caught.record(
            {
                "id": parts[0]["message-id"],
                "to": number,
                "from": form["from"],
                "body": form["text"],
                "reference": form.get("client-ref", ""),
            }
        )
        if number == SLOW_NUMBER:
            await asyncio.sleep(SLOW_SECONDS)
        if number == CUT_NUMBER:
            cast("asyncio.Transport", request.transport).abort()
        return _answer(parts)

    application.router.add_post(VONAGE_PATH, create)


def _refusal(form: dict[str, str], number: str) -> tuple[str, str] | None:
    if not (form.get("api_key") and form.get("api_secret")) or form["api_secret"] == "wrong":  # noqa: S105 # a test word
        return "4", "Bad Credentials"
    for name in ("from", "to", "text"):
        if not form.get(name):
            return "2", f"Missing {name} param"
    refused = REFUSED_NUMBERS.get(number)
    return None if refused is None else _STATUSES.get(refused.code, _OTHERS)


def _parts(form: dict[str, str]) -> int:
    alone, each = _PART.get(form.get("type", "text"), _PART["text"])
    length = len(form["text"])
    return 1 if length <= alone else math.ceil(length / each)


def _part(form: dict[str, str]) -> dict[str, str]:
    return {
        "to": form["to"],
        "message-id": secrets.token_hex(8).upper(),
        "status": "0",
        "remaining-balance": "15.53590000",
        "message-price": "0.03330000",
        "network": "12345",
    }


def _answer(parts: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"message-count": str(len(parts)), "messages": parts})
