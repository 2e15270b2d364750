"""Webhooks beyond the suite: what is signed, where nothing is sent, what each answer means."""

import base64
import hmac
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from notifier.channels.receiver_address import CheckedResolver, ReceiverRules
from notifier.channels.webhook import Receiver, WebhookChannel, destination_of, secret_text
from notifier.errors import (
    Deferred,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    RateLimited,
)
from tests.fakes.channel_benches import LETTER, LOOPBACK
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider
from tests.unit.notifier.test_receiver_address import Names

KEYS = (b"new" * 11, b"old" * 11)
NOW = 1_790_000_000


@pytest.fixture
def provider() -> Iterator[HttpProvider]:
    with http_provider() as running:
        yield running


async def post(channel: WebhookChannel, url: str, keys: tuple[bytes, ...] = KEYS):
    try:
        async with channel.prepare(LETTER, destination_of(Receiver(url, keys))) as handover:
            return await handover.send()
    finally:
        await channel.close()


def channel(rules: ReceiverRules = LOOPBACK, **changes) -> WebhookChannel:
    return WebhookChannel(rules, timeout_seconds=2, clock=lambda: NOW, **changes)


async def test_a_post_is_signed_with_every_live_secret(provider: HttpProvider) -> None:
    provider.answer = Scripted(204, "")
    receipt = await post(channel(), f"{provider.url}/hooks?tenant=7")
    (request,) = provider.requests
    headers, identity = request["headers"], str(LETTER.delivery_id)
    signed = f"{identity}.{NOW}.{LETTER.text}".encode()
    right = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in KEYS]
    assert headers["webhook-signature"] == f"v1,{right[0]} v1,{right[1]}"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (identity, str(NOW))
    assert headers["Content-Type"] == "application/json"
    assert request["body"] == LETTER.text
    assert (receipt.provider_message_id, receipt.has_arrived) == (identity, True)
    assert secret_text(KEYS[0]) == "whsec_" + base64.b64encode(KEYS[0]).decode()


async def test_a_redirect_is_not_followed(provider: HttpProvider) -> None:
    with http_provider() as inside:
        provider.answer = Scripted(302, "", {"Location": f"{inside.url}/admin"})
        with pytest.raises(Deferred) as caught:
            await post(channel(), provider.url)
        assert caught.value.status_code == 302
        assert inside.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (410, {}, DestinationGone),
        (429, {"Retry-After": "11"}, RateLimited),
        (503, {"Retry-After": "11"}, Deferred),
        (500, {}, Deferred),
        (404, {}, Deferred),
        (401, {}, Deferred),
    ],
)
async def test_answers_prove_what_they_prove(
    provider: HttpProvider, status: int, headers: dict[str, str], kind: type[DeliveryError]
) -> None:
    provider.answer = Scripted(status, "the receiver's own words", headers)
    with pytest.raises(DeliveryError) as caught:
        await post(channel(), provider.url)
    assert type(caught.value) is kind
    assert caught.value.detail == "the receiver's own words"
    assert caught.value.retry_after_seconds == (11 if headers else None)


async def test_an_endless_answer_is_cut(provider: HttpProvider) -> None:
    provider.answer = Scripted(500, "x" * 5_000_000)
    with pytest.raises(Deferred) as caught:
        await post(channel(), provider.url)
    assert len(caught.value.detail) <= 200


async def test_a_private_address_is_never_connected_to(provider: HttpProvider) -> None:
    port = provider.url.rpartition(":")[2]
    for rules, host in ((ReceiverRules(), "127.0.0.1"), (ReceiverRules(), "localhost")):
        with pytest.raises(DestinationRejected):
            await post(channel(rules), f"https://{host}:{port}/")
    assert provider.requests == []


async def test_a_name_that_turns_inside_after_the_check_is_not_connected_to(
    provider: HttpProvider,
) -> None:
    """The URL is harmless, and what its name resolves to at the moment of connecting is judged."""
    port = provider.url.rpartition(":")[2]
    strict = ReceiverRules([ip_network("203.0.113.0/24")])
    rebinding = CheckedResolver(strict, Names(["127.0.0.1"]))
    with pytest.raises(DestinationRejected, match="private address"):
        await post(channel(strict, resolver=rebinding), f"http://rebinding.example:{port}/")
    assert provider.requests == []


async def test_the_connection_is_made_to_the_address_that_was_judged(
    provider: HttpProvider,
) -> None:
    """A second look-up, answered otherwise, is never made."""
    port = provider.url.rpartition(":")[2]
    once = Names(["127.0.0.1"], ["10.255.255.1"])
    await post(
        channel(LOOPBACK, resolver=CheckedResolver(LOOPBACK, once)), f"http://name.example:{port}/"
    )
    assert len(provider.requests) == 1
    assert once.answers == [["10.255.255.1"]]


async def test_receivers_do_not_share_cookies(provider: HttpProvider) -> None:
    provider.answer = Scripted(200, "", {"Set-Cookie": "who=first; Path=/"})
    one = channel()
    for _ in range(2):
        async with one.prepare(LETTER, destination_of(Receiver(provider.url, KEYS))) as handover:
            await handover.send()
    await one.close()
    assert "Cookie" not in provider.requests[1]["headers"]
