"""SMS through Vonage's SMS API; the receipt is the message-id of its first part.

In: a letter's text and a number in E.164. Out: a Receipt once every part has status 0.
Vonage answers 200 whatever happens: a wrong password is status "4" within it, and Apprise's adapter
calls that sent. A message in several parts has an answer for each.
Source: Vonage's API reference, "SMS API", and its list of error codes.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

import msgspec

from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.http_answers import read_json, refusal, retry_after_seconds
from notifier.channels.sms.posting import FormHandover, FormPoster, Posted
from notifier.errors import (
    CredentialsRefused,
    DeliveryError,
    DestinationRejected,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    SenderRefused,
)

TAKEN = "0"
LEAST_VALIDITY_SECONDS = 20  # of its parameter `ttl`
STATUSES: Mapping[str, type[DeliveryError]] = {
    "1": RateLimited,  # throttled
    "2": Permanent,  # a parameter is missing
    "3": Permanent,  # a parameter is not valid
    "4": CredentialsRefused,
    "6": Permanent,  # not a message that can be sent
    "7": DestinationRejected,  # number barred
    "8": SenderRefused,  # account barred
    "9": SenderRefused,  # no credit left
    "10": RateLimited,  # too many at once
    "11": SenderRefused,  # account may not use this API
    "12": Permanent,  # too long
    "14": CredentialsRefused,  # signature
    "15": SenderRefused,  # sender not allowed there
    "22": DestinationRejected,  # network unknown
    "23": SenderRefused,  # callback address
    "29": DestinationRejected,  # trial account, number not registered
    "32": CredentialsRefused,
    "33": DestinationRejected,  # number no longer in use
}
# 5 and what we do not know say nothing of where the message is.


class VonagePart(msgspec.Struct, frozen=True, rename="kebab"):
    """What became of one part."""

    status: str = ""
    message_id: str | None = None
    error_text: str | None = None


class VonageAnswer(msgspec.Struct, frozen=True):
    """The part of Vonage's JSON that matters."""

    messages: list[VonagePart] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class VonageAccount:
    """Whose account, and from which number or name. Vonage drops what it could not hand over in time."""

    base_url: str
    api_key: str
    api_secret: str = field(repr=False)
    sender: str
    timeout_seconds: float = 10.0
    validity_seconds: int = 1800


class VonageChannel:
    """Letters as SMS from one sender. `clock`: unix seconds."""

    provider = "vonage"

    def __init__(self, account: VonageAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._clock = clock
        self._poster = FormPoster(account.timeout_seconds)

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: Admitted) -> AsyncIterator[FormHandover]:
        """Only the request is made ready: nothing can be agreed before the POST."""
        account = self._account
        # Past its deadline the news is stale, however long the handset was off.
        left = max(LEAST_VALIDITY_SECONDS, letter.seconds_left(self._clock()))
        validity = min(account.validity_seconds, left)
        form = {
            "api_key": account.api_key,
            "api_secret": account.api_secret,
            "from": account.sender.lstrip("+"),
            "to": destination.lstrip("+"),
            "text": letter.text,
            "type": "text" if letter.text.isascii() else "unicode",
            "ttl": str(validity * 1000),
            "client-ref": str(letter.delivery_id),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        post = partial(
            self._poster.post, f"{account.base_url}/sms/json", urlencode(form).encode(), headers
        )
        yield FormHandover(post, partial(read_answer, destination=destination))

    async def close(self) -> None:
        """Close the session."""
        await self._poster.close()


def read_answer(posted: Posted, *, destination: str) -> Receipt:
    """The receipt in an answer. Raises DeliveryError."""
    parts = (read_json(posted.body, VonageAnswer) or VonageAnswer()).messages
    if posted.status != 200 or not parts:
        raise refusal(posted.status, posted.headers, "")
    failed = [part for part in parts if part.status != TAKEN]
    taken = [part for part in parts if part.status == TAKEN]
    named = [part.message_id for part in taken if part.message_id]
    if not failed and named:
        detail = None if len(parts) == 1 else f"{len(parts)} parts"
        return Receipt(provider_message_id=quoted(named[0]), status_code=200, detail=detail)
    first = failed[0] if failed else parts[0]
    detail = quoted(f"{first.status} {first.error_text or ''}".strip(), destination)
    # Some parts are on their way: sending it all again would repeat those.
    kind = OutcomeUnknown if taken else STATUSES.get(first.status, OutcomeUnknown)
    raise kind(detail, status_code=200, retry_after_seconds=retry_after_seconds(posted.headers))
