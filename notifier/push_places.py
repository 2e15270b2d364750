"""Places that push messages go to: which service each is of, and what is wrong with one that is of none.

Pure. `ntfy:<topic>`, or a web-push subscription as JSON (W3C Push API, as browsers serialise it).
"""

import base64
import binascii
import re
from urllib.parse import SplitResult, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

NTFY = "ntfy"
WEB_PUSH = "web-push"
NTFY_PREFIX = "ntfy:"
AUTH_BYTES = 16  # RFC 8291 §3.2
_NTFY_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")  # ntfy server/server.go, topicRegex
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class PushKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a web-push subscription (RFC 8291), base64url."""

    p256dh: str
    auth: str


class PushSubscription(msgspec.Struct, frozen=True, rename="camel"):
    """A web-push subscription."""

    endpoint: str
    keys: PushKeys
    expiration_time: float | None = None


def service_of(push: str) -> str | None:
    """Whose a push destination is, by its shape alone; None: nobody's that we know."""
    if push.startswith(NTFY_PREFIX):
        return NTFY
    return WEB_PUSH if push.lstrip().startswith("{") else None


def read_subscription(push: str) -> PushSubscription:
    """A web-push subscription. Raises ValueError that says what is wrong with it."""
    subscription = msgspec.json.decode(push, type=PushSubscription)
    keys = subscription.keys
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(keys.p256dh))
    except ValueError as error:
        raise ValueError("keys.p256dh is no point of P-256 in base64url") from error
    if len(decoded(keys.auth)) != AUTH_BYTES:
        raise ValueError(f"keys.auth is not base64url of {AUTH_BYTES} bytes")
    return subscription


def decoded(text: str) -> bytes:
    """base64url, padded or not. Raises ValueError."""
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True
        )
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def push_fault(push: str) -> str | None:
    """What is wrong with a push destination, if anything."""
    if push.startswith(NTFY_PREFIX):
        if _NTFY_TOPIC.fullmatch(push.removeprefix(NTFY_PREFIX)):
            return None
        return "push: an ntfy topic has 1 to 64 letters, digits, - or _"
    try:
        subscription = read_subscription(push)
    except (msgspec.DecodeError, ValueError) as error:
        return f"push: give ntfy:<topic> or a web-push subscription as JSON ({error})"
    if subscription.endpoint.startswith("https://") or is_here(push):
        return None
    return "push: the endpoint of a web-push subscription begins with https://"


def is_here(push: str) -> bool:
    """Whether a web-push subscription is of a push service on this machine, as in development."""
    place = _endpoint(push)
    return place is not None and place.scheme == "http" and place.hostname in _HERE


def endpoint_host(push: str) -> str | None:
    """The push service that a web-push subscription names; None: it is none."""
    place = _endpoint(push)
    return None if place is None else place.hostname


def _endpoint(push: str) -> SplitResult | None:
    try:
        return urlsplit(msgspec.json.decode(push, type=PushSubscription).endpoint)
    except (msgspec.DecodeError, ValueError):
        return None
