"""Vonage's callbacks."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from notifier.callbacks.tidings import Destination, Request
from notifier.callbacks.vonage import VonageCallbacks, read
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from tests.fakes.called_back import NOW, SECOND

SECRET = "a secret of the tests"
PROVIDER = VonageCallbacks(SECRET, tolerance_seconds=300)
STATUS = {"message_uuid": "u-1", "to": "15550100001", "status": "delivered", "timestamp": "t1"}


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(body: bytes, *, secret: str = SECRET, alg: str = "HS256", **claims: Any) -> Request:
    told = {"iat": NOW // SECOND, "payload_hash": hashlib.sha256(body).hexdigest()} | claims
    text = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(told)}"
    mark = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    token = f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
    return Request(url="https://x/", body=body, headers={"authorization": f"Bearer {token}"})


def body(**changes: Any) -> bytes:
    return json.dumps(STATUS | changes).encode()


def test_what_the_account_signed_just_now_is_proven():
    PROVIDER.verify(signed(body()), NOW)
    hashed = hashlib.sha256(body()).hexdigest().upper()
    PROVIDER.verify(signed(body(), payload_hash=hashed), NOW)


@pytest.mark.parametrize(
    "request_",
    [
        signed(body(), secret="another"),
        signed(body(), alg="none"),
        signed(body(), iat=NOW // SECOND - 301),
        signed(body(), iat=-1),
        signed(body(), payload_hash="0" * 64),
        signed(body(), iat="now"),
        replace(signed(body()), body=body(status="rejected")),
        replace(signed(body()), headers={}),
        replace(signed(body()), headers={"authorization": "Bearer a.b"}),
        replace(signed(body()), headers={"authorization": "Bearer a.b.ü"}),
        replace(signed(body()), headers={"authorization": "Basic a.b.c"}),
    ],
)
def test_anything_else_is_refused(request_):
    with pytest.raises(SignatureRefused):
        PROVIDER.verify(request_, NOW)


def test_each_status_of_a_message_counts_once_and_names_its_delivery():
    query = {"delivery": str(UUID(int=7))}
    (first,) = PROVIDER.split(replace(signed(body()), query=query))
    (again,) = PROVIDER.split(signed(body()))
    (other,) = PROVIDER.split(signed(body(status="read")))
    assert (first.key, first.kind, first.message_id) == ("u-1:delivered:t1", "delivered", "u-1")
    assert first.delivery_id == UUID(int=7)
    assert first.key == again.key != other.key


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"[" * 5000, b'{"message_uuid": 7}', b"\xff"])
def test_what_is_no_callback_is_unreadable(text):
    with pytest.raises(CallbackUnreadable):
        PROVIDER.split(signed(text))


@pytest.mark.parametrize(
    ("told", "state"),
    [("submitted", "accepted"), ("delivered", "delivered"), ("undeliverable", "bounced")],
)
def test_a_status_says_how_the_delivery_stands(told, state):
    found = read(body(status=told))
    assert (found.state, found.message_id) == (state, "u-1")
    assert found.destination == Destination("sms", "+15550100001")
    assert found.suppress is None


def test_the_older_interface_reads_the_same_and_a_dead_number_is_suppressed():
    old = {"messageId": "m-1", "msisdn": "15550100001", "status": "failed", "err-code": "3"}
    found = read(json.dumps(old).encode())
    assert (found.state, found.reason, found.message_id) == ("bounced", "vonage_3", "m-1")
    assert found.suppress == "hard_bounce"


def test_stop_and_start_are_heeded_from_any_answer():
    stop = read(
        json.dumps({"message_uuid": "u", "from": "15550100001", "text": " stop. "}).encode()
    )
    assert (stop.state, stop.suppress) == (None, "stop")
    assert stop.destination == Destination("sms", "+15550100001")
    start = read(json.dumps({"messageId": "m", "msisdn": "1555", "text": "START"}).encode())
    assert start.lift == ("stop",)
    assert read(b'{"message_uuid": "u", "text": "thanks"}').suppress is None


def test_a_status_that_is_new_to_us_is_told_apart():
    with pytest.raises(KindUnknown):
        read(body(status="teleported"))
