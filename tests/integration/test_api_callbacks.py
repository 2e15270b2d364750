"""Providers' callbacks over HTTP: who is believed, what is stored, what is answered."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from notifier.callbacks.standard_webhooks import StandardWebhooks
from notifier.callbacks.tidings import Request
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.schema import callback
from store.clock import now_micros
from tests.fakes.called_back import BASE, KEY, TOKEN, status, twilio_request, webhook_request
from tests.fakes.served import Served

PATH = "/v1/providers/twilio/callbacks"
WEBHOOKS = "/v1/providers/standard-webhooks/callbacks"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def served(database, registry) -> Served:
    providers = (
        TwilioCallbacks(TOKEN),
        StandardWebhooks([KEY], tolerance_seconds=300),
    )
    return Served(
        database,
        registry=registry,
        providers={each.name: each for each in providers},
        callback_url=BASE,
    )


async def send(served: Served, request: Request, path: str = PATH) -> Any:
    query = request.url.partition("?")[2]
    return await served.ask(
        f"{path}{query and '?'}{query}",
        key=None,
        method="POST",
        content=request.body,
        headers=dict(request.headers),
    )


def stored(served: Served) -> int:
    with served.database.read() as conn:
        return conn.scalar(select(func.count()).select_from(callback)) or 0


def count(registry: CollectorRegistry, provider: str, result: str) -> float:
    labels = {"provider": provider, "result": result}
    return registry.get_sample_value("pausewire_callbacks_total", labels) or 0


async def test_a_new_callback_is_stored_and_the_same_again_is_said_to_be_known(served, registry):
    request = twilio_request(status("SM1", "sent"), query="delivery=x&a=%20b")
    first, second = await send(served, request), await send(served, request)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == {"status": "ok", "message": "Already processed"}
    assert stored(served) == 1
    assert count(registry, "twilio", "stored") == count(registry, "twilio", "duplicate") == 1


async def test_the_address_is_the_one_that_the_provider_called_not_the_proxys(served):
    """The requests of these tests go to http://api.test; Twilio called https://pay.example."""
    assert (await send(served, twilio_request(status("SM1", "sent")))).status_code == 202
    through = twilio_request(status("SM2", "sent"), base="http://api.test")
    assert (await send(served, through)).status_code == 401


async def test_without_an_address_of_our_own_the_requests_own_counts(database):
    served = Served(database, providers={"twilio": TwilioCallbacks(TOKEN)})
    through = twilio_request(status("SM2", "sent"), base="http://api.test", query="delivery=1")
    assert (await send(served, through)).status_code == 202


async def test_what_is_not_proven_is_refused_and_counted(served, registry):
    answer = await send(served, twilio_request(status("SM1", "sent"), token="guessed"))
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"]
    assert answer.json()["type"] == "/problems/signature-refused"
    assert TOKEN not in answer.text
    assert stored(served) == 0
    assert count(registry, "twilio", "refused") == 1


async def test_a_signed_webhook_is_taken_and_one_of_another_shape_is_told_so(served, registry):
    now = now_micros()
    good = webhook_request(b'{"type": "opened", "data": {}}', at=now)
    odd = webhook_request(b'{"kind": "delivered"}', at=now, identity="msg_2")
    assert (await send(served, good, WEBHOOKS)).status_code == 202
    answer = await send(served, odd, WEBHOOKS)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"
    assert stored(served) == 1
    assert count(registry, "standard-webhooks", "unreadable") == 1


async def test_a_provider_that_is_off_is_not_there(served, registry):
    for path in ("/v1/providers/vonage/callbacks", "/v1/providers/%00%ff/callbacks"):
        answer = await send(served, twilio_request(status("SM1", "sent")), path)
        assert answer.status_code == 404
    assert registry.get_sample_value("pausewire_callbacks_total", {"provider": "vonage"}) is None


@pytest.mark.parametrize(("size", "code"), [(200_000, 401), (1_100_000, 413)])
async def test_a_callback_may_be_large_and_not_too_large(served, size, code):
    answer = await served.ask(PATH, key=None, method="POST", content=b"a=" + b"x" * size)
    assert answer.status_code == code
    assert answer.headers["Content-Type"] == "application/problem+json"
    elsewhere = await served.ask("/v1/me/inbox/read", method="POST", content=b"x" * 200_000)
    assert elsewhere.status_code == 413


async def test_many_copies_at_once_are_stored_once(served):
    requests = [twilio_request(status(f"SM{number % 20}", "sent")) for number in range(200)]
    async with served.client() as client:
        answers = await asyncio.gather(
            *(client.post(PATH, content=each.body, headers=dict(each.headers)) for each in requests)
        )
    codes = [each.status_code for each in answers]
    assert (codes.count(202), codes.count(200)) == (20, 180)
    assert stored(served) == 20
