"""Web push: one encrypted POST to the push service that a browser named (RFC 8030, 8291, 8292).

In: a letter and a subscription as JSON. Out: a Receipt after 2xx; the service carries it on to the browser.
A repeat is harmless: of one Topic the service keeps the newest message only, and the browser knows its id
and tag. So what no answer settled is tried again. The endpoint is whatever the subscriber says: its address
is checked as a webhook's is, and its answers end that one subscription, never the channel.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import time

import aiohttp
import msgspec

from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.guarded_session import GuardedSession, beginning
from notifier.channels.http_answers import retry_after_seconds
from notifier.channels.push_encryption import MOST_PLAIN_BYTES, encrypted
from notifier.channels.receiver_address import ReceiverRules, is_refused
from notifier.channels.vapid import VapidKey, VapidTokens
from notifier.errors import (
    Deferred,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    Permanent,
    RateLimited,
    ReceiverRefused,
)
from notifier.push_places import WEB_PUSH, PushSubscription, decoded, read_subscription

# What stops the pay of somebody wakes a device that saves its battery; the rest can wait until it wakes.
URGENT_KINDS = frozenset({"paused", "contract_paused", "cancelled_while_paused"})
LONGEST_TTL_SECONDS = 28 * 86_400


class WebPushChannel:
    """Letters as web push messages of one application server. `clock`: unix seconds."""

    provider = WEB_PUSH

    def __init__(
        self,
        key: VapidKey,
        rules: ReceiverRules,
        *,
        timeout_seconds: float,
        clock: Callable[[], float] = time,
    ) -> None:
        self._tokens = VapidTokens(key, clock)
        self._clock = clock
        self._session = GuardedSession(
            rules, agent="Pausewire (web push)", timeout_seconds=timeout_seconds
        )

    @asynccontextmanager
    async def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AsyncIterator["WebPushHandover"]:
        """Check the endpoint, encrypt, sign; nothing connects before the POST."""
        try:
            subscription = read_subscription(destination)
            self._session.rules.check_url(subscription.endpoint)
            body = _sealed(letter, subscription)
        except (ReceiverRefused, msgspec.DecodeError, ValueError) as error:
            raise DestinationRejected(f"no web-push subscription: {error}") from error
        headers = {
            "Authorization": self._tokens.header(subscription.endpoint),
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(min(letter.seconds_left(self._clock()), LONGEST_TTL_SECONDS)),
            "Urgency": "high" if letter.kind in URGENT_KINDS else "normal",
            "Topic": letter.collapse_key,
        }
        yield WebPushHandover(
            self._session.open(), subscription.endpoint, headers, body, str(letter.delivery_id)
        )

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


class WebPushHandover:
    """An encrypted message ready to be posted."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: str,
        headers: Mapping[str, str],
        body: bytes,
        identity: str,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._headers = headers
        self._body = body
        self._identity = identity

    async def send(self) -> Receipt:
        """POST it; any 2xx is the receipt, with the message's address where the service gives one."""
        try:
            async with self._session.post(
                self._endpoint, data=self._body, headers=self._headers, allow_redirects=False
            ) as response:
                said = await beginning(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if is_refused(error):
                raise DestinationRejected("the endpoint leads to a private address") from error
            raise Deferred(type(error).__name__) from error
        if 200 <= response.status < 300:
            place = response.headers.get("Location", "")
            return Receipt(
                provider_message_id=quoted(place.rpartition("/")[2]) or self._identity,
                status_code=response.status,
            )
        raise refusal(response.status, response.headers, quoted(said, self._endpoint))


def refusal(status: int, headers: Mapping[str, str], detail: str) -> DeliveryError:
    """What an answer that is not 2xx proves (RFC 8030 §5 and §8.4).

    401 and 403 say that the subscription belongs to another key: the browser has to subscribe anew.
    """
    kind: type[DeliveryError] = DestinationRejected
    if status in (404, 410):
        kind = DestinationGone
    elif status == 429:
        kind = RateLimited
    elif status == 413:
        kind = Permanent
    elif status >= 500 or status < 300:
        kind = Deferred
    return kind(detail, status_code=status, retry_after_seconds=retry_after_seconds(headers))


def _sealed(letter: Letter, subscription: PushSubscription) -> bytes:
    keys = subscription.keys
    return encrypted(message_of(letter), decoded(keys.p256dh), decoded(keys.auth))


def message_of(letter: Letter) -> bytes:
    """What the service worker gets, JSON: `id` to know a repeat, `tag` to replace the stream's last one."""
    said = {
        "id": str(letter.delivery_id),
        "tag": letter.collapse_key,
        "kind": letter.kind,
        "title": letter.subject,
        "body": letter.text,
        "at": letter.planned_at // 1_000_000,
    }
    made = msgspec.json.encode(said)
    while len(made) > MOST_PLAIN_BYTES:
        # By a character at least: one can take six bytes of JSON.
        said["body"] = letter.text[
            : len(str(said["body"])) - (len(made) - MOST_PLAIN_BYTES) // 6 - 1
        ]
        made = msgspec.json.encode(said)
    return made
