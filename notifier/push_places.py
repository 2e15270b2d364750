"""Places that push messages go to: which service each is of, and what is wrong with one that is of none.

Pure. A web-push subscription is JSON (W3C Push API, as browsers serialise it), all others are
`<service>:<place>`. For Slack, Discord and Telegram the place is a room, for Gotify an application.
"""

import base64
import binascii
import re
from urllib.parse import SplitResult, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

NTFY = "ntfy"
WEB_PUSH = "web-push"
FCM = "fcm"
PUSHOVER = "pushover"
GOTIFY = "gotify"
SLACK = "slack"
DISCORD = "discord"
TELEGRAM = "telegram"
FCM_PLACE = re.compile(r"fcm:([A-Za-z0-9_:-]{20,4096})")
PUSHOVER_PLACE = re.compile(r"pushover:([A-Za-z0-9]{30})(?:/([A-Za-z0-9_-]{1,25}))?")
GOTIFY_PLACE = re.compile(r"gotify:([A-Za-z0-9._-]{8,64})")
SLACK_PLACE = re.compile(r"slack:(T[A-Z0-9]{1,20})/(B[A-Z0-9]{1,20})/([A-Za-z0-9]{16,64})")
DISCORD_PLACE = re.compile(r"discord:([0-9]{15,22})/([A-Za-z0-9_-]{40,100})")
TELEGRAM_PLACE = re.compile(r"telegram:(-?[1-9][0-9]{4,15}|@[A-Za-z][A-Za-z0-9_]{4,31})")
AUTH_BYTES = 16  # RFC 8291 §3.2
_NTFY_PLACE = re.compile(r"ntfy:[A-Za-z0-9_-]{1,64}")  # ntfy server/server.go, topicRegex
# Each service's places, and what is said of one that is none.
_PLACES = {
    NTFY: (_NTFY_PLACE, "an ntfy topic has 1 to 64 letters, digits, - or _"),
    FCM: (FCM_PLACE, "give fcm:<registration token>"),
    PUSHOVER: (PUSHOVER_PLACE, "give pushover:<user key of 30 letters and digits>[/<device>]"),
    GOTIFY: (GOTIFY_PLACE, "give gotify:<application token>"),
    SLACK: (SLACK_PLACE, "give slack:T…/B…/…, the end of an incoming webhook's address"),
    DISCORD: (DISCORD_PLACE, "give discord:<id>/<token>, the end of a webhook's address"),
    TELEGRAM: (TELEGRAM_PLACE, "give telegram:<chat id> or telegram:@<channel>"),
}
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
    service = push.partition(":")[0]
    if service in _PLACES:
        return service
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
    place, advice = _PLACES.get(push.partition(":")[0], (None, ""))
    if place is not None:
        return None if place.fullmatch(push) else f"push: {advice}"
    try:
        subscription = read_subscription(push)
    except (msgspec.DecodeError, ValueError) as error:
        kinds = ", ".join(f"{service}:…" for service in _PLACES)
        return f"push: give {kinds} or a web-push subscription as JSON ({error})"
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
