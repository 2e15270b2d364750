"""Outgoing webhooks: one signed POST by Standard Webhooks, to a receiver that may be anybody's.

In: a letter whose text is the JSON body, and a receiver (URL and secrets). Out: a Receipt after 2xx.
`webhook-id` is the delivery's id on every try, by which the receiver knows a repeat: so a timeout, a
cut or a 5xx is tried again and nothing is ever left unknown. 410 ends the subscription.
Redirects are not followed, and addresses are checked as they are connected to (receiver_address.py).
Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.guarded_session import GuardedSession, beginning
from notifier.channels.http_answers import retry_after_seconds
from notifier.channels.receiver_address import CheckedResolver, ReceiverRules, is_refused
from notifier.errors import (
    Deferred,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    RateLimited,
    ReceiverRefused,
)

SECRET_PREFIX = "whsec_"  # noqa: S105 # the published prefix, not a secret


class Receiver(msgspec.Struct, frozen=True):
    """Where a subscription's webhooks go; each of `keys` signs, two while one is replaced."""

    url: str
    keys: tuple[bytes, ...]


def destination_of(receiver: Receiver) -> str:
    """A receiver as the channel takes it."""
    return msgspec.json.encode(receiver).decode()


def url_of(destination: str) -> str:
    """Where such a destination is posted to."""
    return msgspec.json.decode(destination, type=Receiver).url


class WebhookChannel:
    """Letters as signed POSTs. `clock`: unix seconds."""

    provider = "webhook"

    def __init__(
        self,
        rules: ReceiverRules,
        *,
        timeout_seconds: float,
        version: str = "1",
        resolver: CheckedResolver | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rules = rules
        self._clock = clock
        self._session = GuardedSession(
            rules,
            agent=f"Pausewire/{version} (webhooks)",
            timeout_seconds=timeout_seconds,
            resolver=resolver,
        )

    @asynccontextmanager
    async def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AsyncIterator["WebhookHandover"]:
        """Check the URL and sign; nothing connects before the POST."""
        receiver = msgspec.json.decode(destination, type=Receiver)
        try:
            self.rules.check_url(receiver.url)
        except ReceiverRefused as error:
            raise DestinationRejected(str(error)) from error
        body = letter.text.encode()
        identity, sent_at = str(letter.delivery_id), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": signatures(receiver.keys, identity, sent_at, body),
        }
        yield WebhookHandover(self._session.open(), receiver.url, headers, body)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


class WebhookHandover:
    """A signed request ready to be posted."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        self._session = session
        self._url = url
        self._headers = headers
        self._body = body

    async def send(self) -> Receipt:
        """POST it; any 2xx is the receipt, and the receiver has it."""
        try:
            async with self._session.post(
                self._url, data=self._body, headers=self._headers, allow_redirects=False
            ) as response:
                said = await beginning(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if is_refused(error):
                raise DestinationRejected("the name leads to a private address") from error
            # Even where it may have arrived: the receiver knows a repeat by its id.
            raise Deferred(type(error).__name__) from error
        if 200 <= response.status < 300:
            return Receipt(
                provider_message_id=self._headers["webhook-id"],
                status_code=response.status,
                has_arrived=True,
            )
        raise _refusal(response.status, response.headers, quoted(said))


def secret_text(key: bytes) -> str:
    """A key as receivers are given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signatures(keys: Sequence[bytes], identity: str, sent_at: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,…` for each key. `sent_at`: unix seconds."""
    signed = f"{identity}.{sent_at}.".encode() + body
    made = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return " ".join(f"v1,{each}" for each in made)


def _refusal(status: int, headers: Mapping[str, str], detail: str) -> DeliveryError:
    wait = retry_after_seconds(headers)
    kind: type[DeliveryError] = Deferred
    if status == 410:
        kind = DestinationGone
    elif status == 429:
        kind = RateLimited
    return kind(detail, status_code=status, retry_after_seconds=wait)
