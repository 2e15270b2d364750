"""A receiver tried out: one signed post at once, outside the queue, and how it went."""

from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import Row

from notifier.channels.webhook import WebhookChannel, url_of
from notifier.errors import DeliveryError, NotAGuest
from notifier.guests import WEBHOOK, GuestList
from notifier.privacy import Vault
from notifier.webhooks.posts import receiver, test_post
from store.clock import now_micros


class Trial(NamedTuple):
    """How a receiver took a post; `status_code` None: it did not answer."""

    delivered: bool
    status_code: int | None
    detail: str | None
    milliseconds: int


async def try_out(channel: WebhookChannel, vault: Vault, guests: GuestList, row: Row[Any]) -> Trial:
    """Post a `webhook.test` to a subscription's receiver, once. Raises NotAGuest."""
    now = now_micros()
    place = receiver(vault, row, now)
    destination = guests.admit(WEBHOOK, place)
    if destination is None:
        raise NotAGuest(_way_out(url_of(place)))
    letter = test_post(uuid4(), row.webhook_id, now, guests.network)
    begun = perf_counter()
    try:
        async with channel.prepare(letter, destination) as handover:
            receipt = await handover.send()
    except DeliveryError as error:
        return Trial(False, error.status_code, error.detail or None, _since(begun))
    return Trial(True, receipt.status_code, None, _since(begun))


def _way_out(url: str) -> str:
    host = urlsplit(url).hostname
    return (
        f"outside production nothing is posted to {host}: it is not on the guest list;"
        " name the host, or the webhook's URL, in guests.places"
    )


def _since(begun: float) -> int:
    return round((perf_counter() - begun) * 1000)
