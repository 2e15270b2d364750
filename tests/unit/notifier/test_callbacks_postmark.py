"""Postmark's callbacks: whose they are, what makes them one, what they mean."""

import base64
import json
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from config.channel_settings import CallbackSettings
from notifier.callbacks.postmark import HEADER, PostmarkCallbacks, read
from notifier.callbacks.readers import READERS
from notifier.callbacks.tidings import Destination, Request
from notifier.channels import mime
from notifier.channels.channel import Letter
from notifier.errors import CallbackUnreadable, KindUnknown, NotifierError, SignatureRefused
from notifier.suppression import LIFTED_BY_CONSENT

LOGIN = "postmark:a long password of the tests"
POSTMARK = PostmarkCallbacks(LOGIN)
LETTER = Letter(
    delivery_id=UUID(int=7),
    thread="t",
    subject="s",
    text="t",
    html=None,
    planned_at=1_790_000_000_000_000,
    deadline_at=1_790_003_600_000_000,
)
DELIVERY = UUID(int=7)
PLACE = "ana@example.test"


def body(record_type: str, **more: Any) -> bytes:
    told = {
        "RecordType": record_type,
        "MessageID": "883953f4",
        "Metadata": {"delivery": str(DELIVERY)},
    }
    return json.dumps(told | more).encode()


def request(content: bytes, login: str | None = LOGIN, scheme: str = "Basic") -> Request:
    headers = {}
    if login is not None:
        headers["authorization"] = f"{scheme} {base64.b64encode(login.encode()).decode()}"
    return Request(url="https://pay.example/", body=content, headers=headers)


def test_who_knows_the_login_is_believed() -> None:
    POSTMARK.verify(request(b""), 0)
    POSTMARK.verify(request(b"", scheme="basic"), 0)


@pytest.mark.parametrize(
    "forged",
    [
        request(b"", None),
        request(b"", "postmark:another"),
        request(b"", scheme="Bearer"),
        Request(url="", body=b"", headers={"authorization": "Basic !"}),
        Request(url="", body=b"", headers={"authorization": "Basic \xe9"}),
    ],
)
def test_who_does_not_is_refused(forged: Request) -> None:
    with pytest.raises(SignatureRefused, match="postmark_login"):
        POSTMARK.verify(forged, 0)


def test_an_event_names_the_delivery_by_metadata_and_counts_once() -> None:
    content = body("Delivery", Recipient=PLACE, DeliveredAt="2019-11-05T16:33:54.9070259Z")
    (event,) = POSTMARK.split(request(content))
    (again,) = POSTMARK.split(request(content))
    assert event == again
    assert (event.kind, event.message_id, event.delivery_id) == ("Delivery", "883953f4", DELIVERY)
    assert event.happened_at == 1_572_971_634_907_025
    bounces = [POSTMARK.split(request(body("Bounce", ID=n)))[0].key for n in (1, 2)]
    assert len({event.key, *bounces}) == 3


@pytest.mark.parametrize(
    ("time", "micros"),
    [
        ("2018-02-20T12:54:23.3396434-05:00", 1_519_149_263_339_643),
        ("2020-02-01T10:53:34.416071Z", 1_580_554_414_416_071),
        ("2020-02-01T10:53:34Z", 1_580_554_414_000_000),
        ("1960-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_times_are_read_to_the_microsecond(time: str | None, micros: int | None) -> None:
    (event,) = POSTMARK.split(request(body("SubscriptionChange", ChangedAt=time)))
    assert event.happened_at == micros


def test_an_event_about_no_message_cannot_be_read() -> None:
    with pytest.raises(CallbackUnreadable, match="MessageID"):
        POSTMARK.split(request(b'{"RecordType": "Delivery"}'))


@pytest.mark.parametrize(
    ("content", "state", "reason", "suppressed"),
    [
        (body("Delivery", Recipient=PLACE), "delivered", None, None),
        (body("Bounce", Email=PLACE, Type="HardBounce"), "bounced", "HardBounce", "hard_bounce"),
        (body("Bounce", Email=PLACE, Type="SoftBounce"), "bounced", "SoftBounce", None),
        (body("Bounce", Email=PLACE, Type="Transient"), "accepted", None, None),
        (body("Bounce", Email=PLACE, Type="AutoResponder"), "delivered", None, None),
        (body("SpamComplaint", Email=PLACE), "complained", None, "complaint"),
        (body("Open", Recipient=PLACE), None, None, None),
        (
            body("SubscriptionChange", Recipient=PLACE, SuppressSending=True),
            None,
            None,
            "unsubscribed",
        ),
        (
            body(
                "SubscriptionChange",
                Recipient=PLACE,
                SuppressSending=True,
                SuppressionReason="HardBounce",
            ),
            None,
            None,
            "hard_bounce",
        ),
    ],
)
def test_what_an_event_means(
    content: bytes, state: str | None, reason: str | None, suppressed: str | None
) -> None:
    tidings = read(content)
    assert (tidings.state, tidings.reason, tidings.suppress) == (state, reason, suppressed)
    assert tidings.destination == Destination("email", PLACE)
    assert tidings.delivery_id == DELIVERY
    assert tidings.lift == ()


def test_who_subscribes_again_is_off_the_list() -> None:
    tidings = read(body("SubscriptionChange", Recipient=PLACE, SuppressSending=False))
    assert tidings.lift == LIFTED_BY_CONSENT
    assert tidings.suppress is None


def test_a_kind_that_is_not_known_is_said_so() -> None:
    with pytest.raises(KindUnknown, match="RecordType"):
        read(body("Inbound"))


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(content: bytes) -> None:
    for work in (lambda: POSTMARK.split(request(content)), lambda: read(content)):
        with suppress(NotifierError):
            work()


def test_mails_are_marked_with_the_delivery_where_postmark_calls_back() -> None:
    mail = mime.build(LETTER, sender="a@example.org", destination=PLACE, mark=HEADER)
    assert f"{HEADER}: {LETTER.delivery_id}\r\n".encode() in mail
    assert HEADER.encode() not in mime.build(LETTER, sender="a@example.org", destination=PLACE)
    assert READERS["postmark"] is read


@pytest.mark.parametrize("login", ["postmark", ":a long password of the tests", "postmark:short"])
def test_a_login_that_is_none_is_refused_and_not_shown(login: str) -> None:
    with pytest.raises(ValidationError, match="name:password") as caught:
        CallbackSettings(postmark_login=SecretStr(login))
    assert "a long password" not in str(caught.value)
