"""An SMS provider shaped like Amazon SNS's query API, under `/sns/`: Publish to a phone number, XML back.

It asks for a signature and does not check it; "wrong" as the access key is refused. Numbers as those of
sms_message.py. Source: docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

import asyncio
import uuid
from typing import cast
from xml.sax.saxutils import escape

from aiohttp import web

from simulator.catchers.caught import Caught
from simulator.catchers.sms_message import CUT_NUMBER, REFUSED_NUMBERS, SLOW_NUMBER

SNS_PATH = "/sns/"
SLOW_SECONDS = 3.0
_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_CODES = {
    21211: (400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: is not valid"),
    21610: (400, "OptedOut", "The phone number is opted out"),
    20429: (400, "Throttling", "Rate exceeded"),
    20503: (503, "ServiceUnavailable", "Service unavailable"),
}
_OTHERS = (400, "UserError", "The number is not verified in the sandbox")


def add_sns(application: web.Application, caught: Caught) -> None:
    """Add the one address."""

    async def publish(request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        if (
            not authorization.startswith("AWS4-HMAC-SHA256 ")
            or "Credential=wrong/" in authorization
        ):
            return _error(403, "InvalidClientTokenId", "The security token is invalid")
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("Action") != "Publish" or not form.get("Message"):
            return _error(400, "InvalidParameter", "Invalid parameter: Empty message")
        number = form.get("PhoneNumber", "")
        refused = REFUSED_NUMBERS.get(number)
        if refused is not None:
            return _error(*_CODES.get(refused.code, _OTHERS))
        identity = str(uuid.uuid4())
        caught.record({"id": identity, "to": number, "body": form["Message"]})
        if number == SLOW_NUMBER:
            await asyncio.sleep(SLOW_SECONDS)
        if number == CUT_NUMBER:
            cast("asyncio.Transport", request.transport).abort()
        result = f"<PublishResult><MessageId>{identity}</MessageId></PublishResult>"
        return _xml(200, f'<PublishResponse xmlns="{_NAMESPACE}">{result}</PublishResponse>')

    application.router.add_post(SNS_PATH, publish)


def _error(status: int, code: str, message: str) -> web.Response:
    told = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    body = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{told}</Error></ErrorResponse>'
    return _xml(status, body)


def _xml(status: int, body: str) -> web.Response:
    return web.Response(status=status, text=body, content_type="text/xml")
