"""Amazon SNS's envelope: whose it is, and that we want what it brings.

Signed by RSA (signature version 2: SHA-256) with a certificate that the envelope names. The name is a
stranger's word until it is proven: only HTTPS to SNS's own hosts in the topic's region is asked, without
redirects, for a file of the known form, seldom after a failure; only topics named in the settings count.
Source: docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

import base64
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from notifier.errors import CallbackUnreadable, SignatureRefused

NOTIFICATION = "Notification"
CONFIRMATIONS = frozenset({"SubscriptionConfirmation", "UnsubscribeConfirmation"})
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_CONFIRMATION = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
_MOST_BYTES = 64 * 1024
_FETCH_SECONDS = 5.0
_REST_SECONDS = 10.0
_MOST_CERTIFICATES = 8

Fetch = Callable[[str], bytes]


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """What SNS posts."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    certificate_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(default=None, name="SubscribeURL")


class Certificates:
    """The keys that SNS signs with, each fetched once."""

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        self._rest_until = 0.0

    def key(self, url: str) -> rsa.RSAPublicKey:
        """The key at an address that was checked. Raises SignatureRefused."""
        with self._lock:
            found = self._keys.get(url)
            if found is not None:
                return found
            if self._clock() < self._rest_until:
                raise SignatureRefused("SigningCertURL: fetching failed moments ago; send it again")
            try:
                found = _key_of(self._fetch(url))
            except (OSError, ValueError) as error:
                self._rest_until = self._clock() + _REST_SECONDS
                raise SignatureRefused("SigningCertURL: no certificate came from there") from error
            if len(self._keys) >= _MOST_CERTIFICATES:
                self._keys.pop(next(iter(self._keys)))
            self._keys[url] = found
            return found


def opened(body: bytes) -> Envelope:
    """The envelope. Raises CallbackUnreadable."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"body: {error}") from error


def prove(envelope: Envelope, topics: Collection[str], certificates: Certificates) -> None:
    """Raises SignatureRefused unless SNS signed it for one of our topics."""
    region = TOPIC.fullmatch(envelope.topic_arn)
    if region is None or envelope.topic_arn not in topics:
        raise SignatureRefused("TopicArn is not one of callbacks.sns_topics")
    if envelope.signature_version != "2":
        raise SignatureRefused("SignatureVersion: set the topic's to 2 (SHA-256)")
    if not is_of_sns(envelope.certificate_url, region[1], _CERTIFICATE):
        raise SignatureRefused("SigningCertURL is not SNS's own")
    key = certificates.key(envelope.certificate_url)
    try:
        signature = base64.b64decode(envelope.signature, validate=True)
        key.verify(signature, _signed(envelope), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError) as error:
        raise SignatureRefused("Signature does not fit the envelope") from error


def confirm(envelope: Envelope, fetch: Fetch) -> None:
    """Say yes to a proven subscription. Raises CallbackUnreadable where SNS cannot be asked."""
    url = envelope.subscribe_url or ""
    region = TOPIC.fullmatch(envelope.topic_arn)
    if region is None or not is_of_sns(url, region[1], re.compile("/")):
        raise CallbackUnreadable("SubscribeURL is not SNS's own")
    try:
        fetch(url)
    except (OSError, ValueError) as error:
        raise CallbackUnreadable("SubscribeURL did not answer; SNS sends it again") from error


def is_of_sns(url: str, region: str, path: re.Pattern[str]) -> bool:
    """Whether an address is HTTPS at SNS's host of this region, on its own port, with such a path."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    hosts = (f"sns.{region}.amazonaws.com", f"sns.{region}.amazonaws.com.cn")
    return (
        parts.scheme == "https"
        and parts.netloc.lower() in hosts
        and port is None
        and path.fullmatch(parts.path) is not None
    )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: where it leads was not checked."""
        return


def fetch_over_https(url: str) -> bytes:
    """A small file. Raises OSError."""
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_FETCH_SECONDS) as answer:
        found: bytes = answer.read(_MOST_BYTES)
    return found


def _key_of(pem: bytes) -> rsa.RSAPublicKey:
    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ValueError("the certificate is not valid now")
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 # of the file, not of our call
    return key


def _signed(envelope: Envelope) -> bytes:
    """Names and values in order, each on a line; what is absent is left out."""
    told = {
        "Message": envelope.message,
        "MessageId": envelope.message_id,
        "Subject": envelope.subject,
        "SubscribeURL": envelope.subscribe_url,
        "Timestamp": envelope.timestamp,
        "Token": envelope.token,
        "TopicArn": envelope.topic_arn,
        "Type": envelope.type,
    }
    names = _SIGNED if envelope.type == NOTIFICATION else _SIGNED_CONFIRMATION
    lines = (f"{name}\n{told[name]}\n" for name in names if told[name] is not None)
    return "".join(lines).encode()
