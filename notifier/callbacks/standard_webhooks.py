"""Callbacks by Standard Webhooks: for any provider, relay or script that can sign one.

Signed by HMAC-SHA256 over `id.timestamp.body`; the id makes it one event, and the time bounds replays.
The body is ours to define, since no two providers agree:

    {"type": "delivered", "data": {"delivery_id": "…", "channel": "email", "destination": "ana@…",
     "permanent": false, "reason": "5.1.1"}}

`type`: accepted, delivered, bounced, complained, unsubscribed, resubscribed. `message_id` may stand for
`delivery_id`: the Message-ID of a mail of ours. `permanent` and `reason` are of bounces.
Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from notifier.callbacks.tidings import Destination, Event, Request, Tidings, as_uuid, named
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from notifier.states import ACCEPTED, BOUNCED, COMPLAINED, DELIVERED
from notifier.suppression import COMPLAINT, HARD_BOUNCE, LIFTED_BY_CONSENT, UNSUBSCRIBED

_SECOND = 1_000_000
_LONGEST_NUMBER = 12
_STATES: Mapping[str, str | None] = {
    "accepted": ACCEPTED,
    "delivered": DELIVERED,
    "bounced": BOUNCED,
    "complained": COMPLAINED,
    "unsubscribed": None,
    "resubscribed": None,
}
_OUR_MESSAGE_ID = re.compile(r"<?([0-9a-fA-F-]{36})@[^>]*>?")


class _Data(msgspec.Struct, frozen=True):
    delivery_id: UUID | None = None
    message_id: str | None = None
    channel: str | None = None
    destination: str | None = None
    permanent: bool = False
    reason: str | None = None


class _Body(msgspec.Struct, frozen=True):
    type: str
    data: _Data


class StandardWebhooks:
    """Whoever holds one of the keys; several while one is replaced."""

    name = "standard-webhooks"

    def __init__(self, keys: Sequence[bytes], *, tolerance_seconds: float) -> None:
        self._keys = keys
        self._tolerance = tolerance_seconds * _SECOND

    def verify(self, request: Request, now: int) -> None:
        """The signatures that were sent against those that each key makes."""
        identity = request.headers.get("webhook-id", "")
        sent_at = request.headers.get("webhook-timestamp", "")
        if not identity or not is_near(sent_at, now, self._tolerance):
            raise SignatureRefused(
                "webhook-id or webhook-timestamp is missing, or the time is not now"
            )
        signed = f"{identity}.{sent_at}.".encode() + request.body
        right = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in self._keys]
        given = list(_versioned(request.headers.get("webhook-signature", "")))
        if not any(hmac.compare_digest(one, each) for one in given for each in right):
            raise SignatureRefused("webhook-signature fits none of callbacks.webhook_secrets")

    def split(self, request: Request) -> list[Event]:
        """One request is one event."""
        body = _decoded(request.body)
        return [
            Event(
                key=request.headers["webhook-id"],
                kind=named(body.type) or "",
                message_id=named(body.data.message_id),
                delivery_id=body.data.delivery_id or of_our_mail(body.data.message_id),
                happened_at=int(request.headers["webhook-timestamp"]) * _SECOND,
                payload=request.body,
            )
        ]


def read(payload: bytes) -> Tidings:
    """What one event means."""
    body = _decoded(payload)
    if body.type not in _STATES:
        raise KindUnknown(f"type: give one of {', '.join(_STATES)}")
    data = body.data
    known_place = data.channel and data.destination
    return Tidings(
        state=_STATES[body.type],
        reason=named(data.reason) if body.type == "bounced" else None,
        delivery_id=data.delivery_id or of_our_mail(data.message_id),
        destination=Destination(data.channel or "", data.destination or "")
        if known_place
        else None,
        suppress=_suppression(body),
        lift=LIFTED_BY_CONSENT if body.type == "resubscribed" else (),
    )


def of_our_mail(message_id: str | None) -> UUID | None:
    """The delivery that a mail's Message-ID names, if it is one of ours."""
    found = _OUR_MESSAGE_ID.fullmatch(message_id or "")
    return as_uuid(found[1]) if found else None


def is_near(unix_seconds: str, now: int, tolerance: float) -> bool:
    """Whether a time as it was sent is now, give or take (microseconds)."""
    if (
        not unix_seconds.isascii()
        or not unix_seconds.isdigit()
        or len(unix_seconds) > _LONGEST_NUMBER
    ):
        return False
    return abs(int(unix_seconds) * _SECOND - now) <= tolerance


def _suppression(body: _Body) -> str | None:
    if body.type == "bounced":
        return HARD_BOUNCE if body.data.permanent else None
    return {"complained": COMPLAINT, "unsubscribed": UNSUBSCRIBED}.get(body.type)


def _versioned(header: str) -> Iterator[bytes]:
    """The symmetric signatures of `v1,… v1,…`; an asymmetric one (v1a) is not for us."""
    for part in header.split():
        version, _, signature = part.partition(",")
        if version == "v1":
            yield signature.encode()


def _decoded(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"body: {error}") from error
