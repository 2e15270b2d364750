"""Amazon SES's callbacks through SNS: forged envelopes, hostile addresses, confirmations, events."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from notifier.callbacks import sns
from notifier.callbacks.ses import SesCallbacks, read
from notifier.callbacks.tidings import Destination, Request
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from tests.fakes.called_back import NOW

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mails"
CERTIFICATE = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{'0a' * 16}.pem"
SUBSCRIBE = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DELIVERY = UUID(int=7)


def certificate(key: Any = KEY, *, days: int = 1) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


class Amazon:
    """Answers what is asked for, and remembers it."""

    def __init__(self, pem: bytes | OSError | None = None) -> None:
        self.pem = certificate() if pem is None else pem
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if isinstance(self.pem, OSError):
            raise self.pem
        return self.pem


def event(kind: str = "Delivery", **more: Any) -> dict[str, Any]:
    headers = [
        {"name": "Subject", "value": "Paused"},
        {"name": "Message-ID", "value": f"<{DELIVERY}@pay.example>"},
    ]
    mail = {"messageId": "ses-1", "destination": ["ana@example.test"], "headers": headers}
    return {"eventType": kind, "mail": mail} | more


def envelope(message: dict[str, Any] | str, *, key: Any = KEY, **changes: Any) -> bytes:
    told = {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-03-02T09:15:02.410Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        "Signature": "",
    } | changes
    signed = sns._signed(sns.opened(json.dumps(told).encode()))  # SNS's own rule
    told["Signature"] = base64.b64encode(key.sign(signed, padding.PKCS1v15(), SHA256())).decode()
    return json.dumps(told).encode()


def request_of(body: bytes) -> Request:
    return Request(url="https://x/", body=body)


def provider(amazon: Amazon) -> SesCallbacks:
    return SesCallbacks([TOPIC], fetch=amazon)


def test_what_sns_signed_for_our_topic_is_proven_and_its_certificate_fetched_once():
    amazon = Amazon()
    ses = provider(amazon)
    for _ in range(3):
        ses.verify(request_of(envelope(event())), NOW)
    ses.verify(request_of(envelope(event(), Subject="Amazon SES")), NOW)
    assert amazon.asked == [CERTIFICATE]


def test_the_string_that_is_signed_is_amazons():
    told = sns.opened(envelope("hello", Subject="s"))
    assert sns._signed(told) == (  # as the documentation spells it out
        b"Message\nhello\nMessageId\nsns-1\nSubject\ns\nTimestamp\n2026-03-02T09:15:02.410Z\n"
        b"TopicArn\n" + TOPIC.encode() + b"\nType\nNotification\n"
    )


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "body",
    [
        envelope(event(), key=STRANGER),
        envelope(event(), TopicArn=TOPIC + "2"),
        envelope(event(), TopicArn="arn:aws:sns:x"),
        envelope(event(), SignatureVersion="1"),
        envelope(event()).replace(b"sns-1", b"sns-2"),
        envelope(event()).replace(b'"Signature": "', b'"Signature": "!'),
    ],
)
def test_a_forged_envelope_is_refused(body):
    with pytest.raises(SignatureRefused):
        provider(Amazon()).verify(request_of(body), NOW)


PEM = f"SimpleNotificationService-{'0a' * 16}.pem"


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-west-1.amazonaws.com/{PEM}",
        f"https://sns.eu-west-1.amazonaws.com.evil.test/{PEM}",
        f"https://evil.test/{PEM}",
        f"https://sns.us-east-1.amazonaws.com/{PEM}",
        f"https://sns.eu-west-1.amazonaws.com:8443/{PEM}",
        f"https://evil@sns.eu-west-1.amazonaws.com/{PEM}",
        f"https://sns.eu-west-1.amazonaws.com@evil.test/{PEM}",
        f"https://169.254.169.254/{PEM}",
        f"https://[::1/{PEM}",
        f"https://sns.eu-west-1.amazonaws.com:x/{PEM}",
        "https://sns.eu-west-1.amazonaws.com/latest/meta-data/x.pem",
        f"https://sns.eu-west-1.amazonaws.com/a/../{PEM}",
        f"file:///{PEM}",
        "",
    ],
)
def test_no_address_but_snss_own_is_ever_asked(url):
    amazon = Amazon()
    with pytest.raises(SignatureRefused):
        provider(amazon).verify(request_of(envelope(event(), SigningCertURL=url)), NOW)
    confirmation = envelope(event(), Type="SubscriptionConfirmation", Token="t", SubscribeURL=url)
    with pytest.raises(CallbackUnreadable):
        provider(amazon).split(request_of(confirmation))
    assert amazon.asked == []


@pytest.mark.parametrize(
    "pem",
    [
        OSError("away"),
        b"no certificate",
        certificate(days=-1),
        certificate(ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_a_certificate_that_is_none_is_refused_and_not_asked_for_again_at_once(pem):
    amazon = Amazon(pem)
    ses = provider(amazon)
    for _ in range(5):
        with pytest.raises(SignatureRefused):
            ses.verify(request_of(envelope(event())), NOW)
    assert len(amazon.asked) == 1


def test_after_a_rest_it_is_asked_for_again_and_few_are_kept():
    now = [0.0]
    amazon = Amazon(OSError("away"))
    certificates = sns.Certificates(amazon, clock=lambda: now[0])
    with pytest.raises(SignatureRefused):
        certificates.key(CERTIFICATE)
    now[0] = 11.0
    amazon.pem = certificate()
    for number in range(12):
        certificates.key(f"{CERTIFICATE}?{number}")
    certificates.key(f"{CERTIFICATE}?0")
    assert len(amazon.asked) == 14


def test_a_subscription_is_confirmed_once_it_is_proven():
    amazon = Amazon()
    ses = provider(amazon)
    changes = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": SUBSCRIBE}
    asked = request_of(envelope("confirm", **changes))
    ses.verify(asked, NOW)
    (told,) = ses.split(asked)
    assert amazon.asked == [CERTIFICATE, SUBSCRIBE]
    assert (told.kind, read(told.payload).state) == ("SubscriptionConfirmation", None)
    amazon.pem = OSError("away")
    with pytest.raises(CallbackUnreadable):
        ses.split(asked)


def test_an_event_is_known_by_snss_id_and_names_our_delivery():
    (told,) = provider(Amazon()).split(request_of(envelope(event())))
    assert (told.key, told.kind, told.message_id) == ("sns-1", "Delivery", "ses-1")
    assert told.delivery_id == DELIVERY
    assert told.happened_at == 1_772_442_902_410_000
    odd = envelope(event(), Timestamp="yesterday")
    assert provider(Amazon()).split(request_of(odd))[0].happened_at is None


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"[" * 5000, b"\xff", envelope("no json")])
def test_what_is_no_event_is_unreadable(text):
    with pytest.raises(CallbackUnreadable):
        provider(Amazon()).split(request_of(text))


@pytest.mark.parametrize(
    ("told", "state", "suppress", "reason"),
    [
        (event("Send"), "accepted", None, None),
        (event("DeliveryDelay"), "accepted", None, None),
        (event("Delivery"), "delivered", None, None),
        (event("Reject"), "bounced", None, "reject"),
        (event("Open"), None, None, None),
        (
            event("Bounce", bounce={"bounceType": "Permanent", "bouncedRecipients": [
                {"emailAddress": "ana@example.test", "status": "5.1.1"}
            ]}),
            "bounced",
            "hard_bounce",
            "5.1.1",
        ),
        (event("Bounce", bounce={"bounceType": "Transient"}), "bounced", None, "bounce"),
        (
            event("Complaint", complaint={"complainedRecipients": [
                {"emailAddress": "ana@example.test"}
            ]}),
            "complained",
            "complaint",
            None,
        ),
    ],
)  # fmt: skip
def test_an_event_says_how_the_delivery_stands(told, state, suppress, reason):
    found = read(envelope(told))
    assert (found.state, found.suppress, found.reason) == (state, suppress, reason)
    assert found.delivery_id == DELIVERY
    assert found.destination == Destination("email", "ana@example.test")


def test_the_older_notifications_read_the_same_and_new_kinds_are_told_apart():
    old = event()
    old["notificationType"] = old.pop("eventType")
    assert read(envelope(old)).state == "delivered"
    bare = read(envelope({"eventType": "Delivery", "mail": {}}))
    assert (bare.delivery_id, bare.destination) == (None, None)
    with pytest.raises(KindUnknown):
        read(envelope(event("Teleported")))
