"""Callbacks by Standard Webhooks."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.channel_settings import decoded_webhook_secret
from notifier.callbacks.standard_webhooks import StandardWebhooks, is_near, read
from notifier.callbacks.tidings import Destination, Request
from notifier.errors import CallbackUnreadable, KindUnknown, NotifierError, SignatureRefused
from tests.fakes.called_back import KEY, NOW, SECOND, webhook_request

DELIVERY = UUID(int=7)
PROVIDER = StandardWebhooks([b"o" * 24, KEY], tolerance_seconds=300)


def body(kind: str = "delivered", **data: Any) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()


def test_the_specifications_own_example_is_proven() -> None:
    # standard-webhooks/libraries, python/tests: the shared vector of all its libraries.
    key = decoded_webhook_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    request = Request(
        url="",
        body=b'{"test": 2432232314}',
        headers={
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
    )
    StandardWebhooks([key], tolerance_seconds=300).verify(request, 1_614_265_330 * SECOND)


@pytest.mark.parametrize(
    "forged",
    [
        replace(webhook_request(body()), body=body("bounced")),
        webhook_request(body(), key=b"x" * 24),
        webhook_request(body(), at=NOW - 301 * SECOND),
        webhook_request(body(), at=NOW + 301 * SECOND),
        replace(webhook_request(body()), headers={}),
        webhook_request(body(), identity=""),
    ],
)
def test_what_is_not_signed_now_by_a_known_key_is_refused(forged: Request) -> None:
    with pytest.raises(SignatureRefused):
        PROVIDER.verify(forged, NOW)


def test_either_key_proves_while_one_is_replaced() -> None:
    PROVIDER.verify(webhook_request(body()), NOW)
    PROVIDER.verify(webhook_request(body(), key=b"o" * 24), NOW)


def test_one_request_is_one_event_under_its_id() -> None:
    request = webhook_request(body(delivery_id=str(DELIVERY)), identity="msg_9")
    (event,) = PROVIDER.split(request)
    assert (event.key, event.kind, event.delivery_id) == ("msg_9", "delivered", DELIVERY)
    assert event.happened_at == NOW


@pytest.mark.parametrize(
    ("kind", "data", "state", "suppress", "lift"),
    [
        ("accepted", {}, "accepted", None, ()),
        ("delivered", {}, "delivered", None, ()),
        ("bounced", {"permanent": True}, "bounced", "hard_bounce", ()),
        ("bounced", {"permanent": False}, "bounced", None, ()),
        ("complained", {}, "complained", "complaint", ()),
        ("unsubscribed", {}, None, "unsubscribed", ()),
        ("resubscribed", {}, None, None, ("stop", "unsubscribed")),
    ],
)
def test_what_a_type_means(
    kind: str, data: dict[str, Any], state: str | None, suppress: str | None, lift: tuple[str, ...]
) -> None:
    told = read(body(kind, channel="email", destination="ana@example.org", **data))
    assert (told.state, told.suppress, told.lift) == (state, suppress, lift)
    assert told.destination == Destination("email", "ana@example.org")


def test_a_message_id_of_our_mail_names_its_delivery() -> None:
    assert read(body(message_id=f"<{DELIVERY}@pausewire.example>")).delivery_id == DELIVERY
    assert read(body(message_id="<somebody@else.example>")).delivery_id is None


def test_a_type_that_nobody_knows_is_stored_and_said_to_be_unknown() -> None:
    (event,) = PROVIDER.split(webhook_request(body("opened")))
    assert event.kind == "opened"
    with pytest.raises(KindUnknown, match="accepted, delivered"):
        read(event.payload)


@pytest.mark.parametrize("wrong", [b"", b"[]", b'{"type": 7}', b'{"type": "x"}', b"[" * 5000])
def test_a_body_of_another_shape_cannot_be_read(wrong: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        PROVIDER.split(webhook_request(wrong))


@given(data=st.binary(max_size=200))
def test_hostile_bodies_are_read_or_refused(data: bytes) -> None:
    for act in (lambda: PROVIDER.split(webhook_request(data)), lambda: read(data)):
        try:
            act()
        except NotifierError:
            continue


@pytest.mark.parametrize("text", ["", "-1", "1e9", "٣", "9" * 13, "1790000000.5"])
def test_only_whole_seconds_are_a_time(text: str) -> None:
    assert not is_near(text, NOW, 10**18)


@pytest.mark.parametrize("secret", ["", "whsec_short", "whsec_!!!", "whsec_" + "A" * 28])
def test_a_secret_that_is_none_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64") as caught:
        decoded_webhook_secret(secret)
    assert not secret or secret not in str(caught.value)
