"""Web push beyond the suite: a push service that checks the sender, and a browser that really decrypts."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import ec

from notifier.channels.channel import Letter
from notifier.channels.push_encryption import MOST_PLAIN_BYTES
from notifier.channels.receiver_address import ReceiverRules
from notifier.channels.vapid import VapidKey
from notifier.channels.web_push import WebPushChannel, message_of, refusal
from notifier.errors import (
    Deferred,
    DestinationGone,
    DestinationRejected,
    Permanent,
    RateLimited,
)
from simulator.catchers.caught import Caught
from simulator.catchers.web_push import add_web_push
from simulator.catchers.web_push_keys import subscription_keys
from tests.fakes.catching import catching
from tests.fakes.channel_benches import LETTER, LOOPBACK

KEY = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
PAUSE = replace(LETTER, kind="paused", deadline_at=int((time.time() + 86_400) * 1_000_000))
Service = tuple[str, Caught]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with catching(add_web_push, tmp_path / "web_push.ndjson") as running:
        yield running


async def subscribed(service: Service, name: str) -> str:
    async with ClientSession() as session, session.get(f"{service[0]}/web-push/{name}") as answer:
        return await answer.text()


async def sent(subscription: str, letter: Letter = PAUSE, key: VapidKey = KEY) -> str:
    channel = WebPushChannel(key, LOOPBACK, timeout_seconds=2)
    try:
        async with channel.prepare(letter, subscription) as handover:
            return (await handover.send()).provider_message_id
    finally:
        await channel.close()


async def test_the_browser_reads_what_was_written_and_the_service_does_not(
    service: Service,
) -> None:
    until = int((time.time() + 600) * 1_000_000)
    identity = await sent(await subscribed(service, "ana"), replace(PAUSE, deadline_at=until))
    (caught,) = service[1].newest_first()
    assert caught["id"] == identity
    assert caught["shown"] == {
        "id": str(PAUSE.delivery_id),
        "tag": PAUSE.collapse_key,
        "kind": "paused",
        "title": PAUSE.subject,
        "body": PAUSE.text,
        "at": PAUSE.planned_at // 1_000_000,
    }
    assert caught["urgency"] == "high"
    assert 540 <= caught["ttl"] <= 600
    assert caught["collapse_key"] == PAUSE.collapse_key


async def test_a_resume_takes_the_place_of_its_pause_and_wakes_nobody(service: Service) -> None:
    subscription = await subscribed(service, "ana")
    await sent(subscription)
    await sent(subscription, replace(PAUSE, kind="resumed", delivery_id=uuid4()))
    resume, pause = service[1].newest_first()
    assert (pause["urgency"], resume["urgency"]) == ("high", "normal")
    assert pause["collapse_key"] == resume["collapse_key"]
    assert pause["shown"]["tag"] == resume["shown"]["tag"]
    assert pause["shown"]["id"] != resume["shown"]["id"]


async def test_another_key_means_that_the_browser_must_subscribe_anew(service: Service) -> None:
    subscription = await subscribed(service, "ana")
    await sent(subscription)
    other = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
    with pytest.raises(DestinationRejected) as caught:
        await sent(subscription, key=other)
    assert caught.value.status_code == 403
    assert type(caught.value) is DestinationRejected  # not gone: the right key still reaches it


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gone-1", DestinationGone),
        ("fail429-1", RateLimited),
        ("fail500-1", Deferred),
        ("cut-1", Deferred),
    ],
)
async def test_the_service_refuses_as_the_real_ones_do(
    service: Service, name: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        await sent(await subscribed(service, name))
    assert type(caught.value) is kind
    if kind is RateLimited:
        assert getattr(caught.value, "retry_after_seconds", None) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, DestinationGone),
        (410, DestinationGone),
        (413, Permanent),
        (400, DestinationRejected),
        (401, DestinationRejected),
        (403, DestinationRejected),
        (429, RateLimited),
        (500, Deferred),
        (503, Deferred),
        (302, DestinationRejected),
    ],
)
def test_answers_prove_what_they_prove(status: int, kind: type[Exception]) -> None:
    assert type(refusal(status, {}, "")) is kind


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/x",
        "https://localhost/x",
        "https://2130706433/x",
        "http://push.example.org/x",
        "https://user:pass@push.example.org/x",
        "file:///etc/passwd",
    ],
)
async def test_no_endpoint_leads_inside(endpoint: str) -> None:
    channel = WebPushChannel(KEY, ReceiverRules(), timeout_seconds=2)
    given = json.dumps({"endpoint": endpoint, "keys": subscription_keys("ana")})
    with pytest.raises(DestinationRejected):
        async with channel.prepare(PAUSE, given):
            pass
    await channel.close()


@pytest.mark.parametrize(
    "given", ["{}", "ntfy:x", '{"endpoint": "https://a.example/", "keys": {}}']
)
async def test_what_is_no_subscription_is_refused_before_anything_connects(given: str) -> None:
    channel = WebPushChannel(KEY, LOOPBACK, timeout_seconds=2)
    with pytest.raises(DestinationRejected):
        async with channel.prepare(PAUSE, given):
            pass
    await channel.close()


@pytest.mark.parametrize("text", ["x" * 10_000, "é" * 6000, '"\n' * 3000, "\x01" * 2000])
async def test_a_long_text_is_cut_to_what_push_services_take(service: Service, text: str) -> None:
    letter = replace(PAUSE, text=text)
    assert len(message_of(letter)) <= MOST_PLAIN_BYTES
    await sent(await subscribed(service, "ana"), letter)
    (caught,) = service[1].newest_first()
    assert text.startswith(caught["message"])
    assert len(caught["message"]) > 500
