"""SendGrid's callbacks."""

import base64
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from config.channel_settings import decoded_verification_key
from notifier.callbacks.sendgrid import SIGNATURE, TIMESTAMP, SendGridCallbacks, read
from notifier.callbacks.tidings import Destination, Request
from notifier.errors import CallbackUnreadable, KindUnknown, NotifierError, SignatureRefused
from store.engine import Database
from tests.fakes.called_back import NOW, SECOND, Desk
from tests.fakes.planned import PLACES, attempt_rows, plan

KEY = ec.generate_private_key(ec.SECP256R1())
DELIVERY = UUID(int=7)


def shown(key: ec.EllipticCurvePublicKey) -> str:
    """A key as SendGrid shows it."""
    return base64.b64encode(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


PROVIDER = SendGridCallbacks(
    decoded_verification_key(shown(KEY.public_key())), tolerance_seconds=300
)


def event(kind: str, number: int = 1, delivery: UUID = DELIVERY, **more: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "email": PLACES["email"],
        "sg_event_id": f"ev{number}",
        "sg_message_id": "14c5d75ce93.dfd.64b469",
        "smtp-id": f"<{delivery}@pausewire.example>",
        "timestamp": NOW // SECOND + number,
        **more,
    }


def request(*events: Any, at: int = NOW, body: bytes | None = None) -> Request:
    sent = json.dumps(events).encode() if body is None else body
    seconds = str(at // SECOND)
    signature = KEY.sign(seconds.encode() + sent, ec.ECDSA(SHA256()))
    headers = {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: seconds}
    return Request(url="", body=sent, headers=headers)


def test_what_sendgrid_signed_is_proven() -> None:
    PROVIDER.verify(request(event("delivered")), NOW)


@pytest.mark.parametrize(
    "forged",
    [
        replace(request(event("delivered")), body=b"[]"),
        replace(request(event("delivered")), headers={}),
        replace(
            request(event("delivered")), headers={TIMESTAMP: str(NOW // SECOND), SIGNATURE: "é"}
        ),
        replace(
            request(event("delivered")), headers={TIMESTAMP: str(NOW // SECOND), SIGNATURE: "AAAA"}
        ),
        request(event("delivered"), at=NOW - 301 * SECOND),
    ],
)
def test_what_it_did_not_sign_now_is_refused(forged: Request) -> None:
    with pytest.raises(SignatureRefused):
        PROVIDER.verify(forged, NOW)


def test_another_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SignatureRefused):
        SendGridCallbacks(other, tolerance_seconds=300).verify(request(event("open")), NOW)


@pytest.mark.parametrize("key", ["", "!", "AAAA", "é"])
def test_a_key_that_is_none_is_refused_by_its_form(key: str) -> None:
    with pytest.raises(ValueError, match="elliptic-curve"):
        decoded_verification_key(key)


def test_a_request_is_as_many_events_as_it_has_elements() -> None:
    nameless = {"event": "delivered", "email": "a@b.example"}
    first, second, third = PROVIDER.split(
        request(event("processed", 1), event("delivered", 2), nameless)
    )
    assert (first.key, second.key) == ("ev1", "ev2")
    assert second.delivery_id == DELIVERY
    assert second.happened_at == NOW + 2 * SECOND
    assert len(third.key) == 64  # by its bytes


@pytest.mark.parametrize(
    ("told", "state", "reason", "suppress"),
    [
        (event("processed"), "accepted", None, None),
        (event("deferred", response="400 try later"), "accepted", None, None),
        (event("delivered"), "delivered", None, None),
        (event("bounce", type="bounce", status="5.1.1"), "bounced", "5.1.1", "hard_bounce"),
        (event("bounce", type="blocked", status="5.7.1"), "bounced", "5.7.1", None),
        (event("dropped"), "bounced", "dropped", None),
        (event("spamreport"), "complained", None, "complaint"),
        (event("unsubscribe"), None, None, "unsubscribed"),
        (event("open"), None, None, None),
    ],
)
def test_what_an_event_means(
    told: dict[str, Any], state: str | None, reason: str | None, suppress: str | None
) -> None:
    found = read(json.dumps(told).encode())
    assert (found.state, found.reason, found.suppress) == (state, reason, suppress)
    assert found.delivery_id == DELIVERY
    assert found.destination == Destination("email", PLACES["email"])


def test_who_subscribes_again_is_written_to_again() -> None:
    assert read(json.dumps(event("group_resubscribe")).encode()).lift == ("stop", "unsubscribed")


def test_an_event_that_nobody_knows_is_stored_and_said_to_be_unknown() -> None:
    (kept,) = PROVIDER.split(request(event("teleported")))
    with pytest.raises(KindUnknown):
        read(kept.payload)


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"event": 7}]', b"[1]", b"[" * 9000, b"[{}]"])
def test_a_body_of_another_shape_cannot_be_read(body: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        PROVIDER.split(request(body=body))


def test_a_request_of_too_many_events_is_told_so() -> None:
    with pytest.raises(CallbackUnreadable, match="at most 2000"):
        PROVIDER.split(request(*[{"event": "open"}] * 2001))


@given(data=st.binary(max_size=200))
def test_hostile_bodies_are_read_or_refused(data: bytes) -> None:
    for act in (lambda: PROVIDER.split(request(body=data)), lambda: read(data)):
        try:
            act()
        except NotifierError:
            continue


def test_a_mail_of_unknown_outcome_is_settled_and_a_dead_address_suppressed(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database)
    with sqlite_database.begin() as conn:
        planned = plan(conn, "email", state="unknown", provider="smtp", attempts=1)
    desk.take(
        request(
            event("bounce", 3, planned, type="bounce", status="5.1.1"),
            event("processed", 1, planned),
            event("delivered", 2, planned),
        ),
        PROVIDER,
    )
    desk.work()
    row = desk.delivery(planned)
    assert (row.state, row.reason, row.delivered_at) == ("bounced", "5.1.1", None)
    assert desk.reasons(PLACES["email"], "email") == {"hard_bounce"}
    with sqlite_database.read() as conn:
        assert attempt_rows(conn, planned) == []
