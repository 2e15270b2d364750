"""SendGrid's callbacks: what becomes of mails, many events in one request.

A JSON array; signed by ECDSA (P-256, SHA-256) over the timestamp and the raw body. Each event has an id
of its own. Our mails go through SendGrid by SMTP, so `smtp-id` is the Message-ID that names the delivery.
A bounce of type `blocked` may pass (a full mailbox, a policy); `bounce` is for good.
Source: twilio.com/docs/sendgrid/for-developers/tracking-events: event, and
getting-started-event-webhook-security-features.
"""

import base64
import hashlib
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from notifier.callbacks.standard_webhooks import is_near, of_our_mail
from notifier.callbacks.tidings import MOST_EVENTS, Destination, Event, Request, Tidings, named
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from notifier.states import ACCEPTED, BOUNCED, COMPLAINED, DELIVERED
from notifier.suppression import COMPLAINT, HARD_BOUNCE, LIFTED_BY_CONSENT, UNSUBSCRIBED

CHANNEL = "email"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
STATES: Mapping[str, str | None] = {
    "processed": ACCEPTED,
    "deferred": ACCEPTED,
    "delivered": DELIVERED,
    "bounce": BOUNCED,
    "dropped": BOUNCED,
    "spamreport": COMPLAINED,
    "unsubscribe": None,
    "group_unsubscribe": None,
    "group_resubscribe": None,
    "open": None,
    "click": None,
}
_SUPPRESS: Mapping[str, str] = {
    "spamreport": COMPLAINT,
    "unsubscribe": UNSUBSCRIBED,
    "group_unsubscribe": UNSUBSCRIBED,
}
_SECOND = 1_000_000
_MOST_SECONDS = 2**40


class _Event(msgspec.Struct, frozen=True, rename={"smtp_id": "smtp-id"}):
    event: str
    email: str | None = None
    sg_event_id: str | None = None
    smtp_id: str | None = None
    timestamp: int | None = None
    type: str | None = None
    status: str | None = None


class SendGridCallbacks:
    """Callbacks of one SendGrid account, known by its verification key."""

    name = "sendgrid"

    def __init__(self, public_key: ec.EllipticCurvePublicKey, *, tolerance_seconds: float) -> None:
        self._key = public_key
        self._tolerance = tolerance_seconds * _SECOND

    def verify(self, request: Request, now: int) -> None:
        """The time that was signed with the body bounds replays."""
        sent_at = request.headers.get(TIMESTAMP, "")
        if not is_near(sent_at, now, self._tolerance):
            raise SignatureRefused(f"{TIMESTAMP} is missing, or is not now")
        try:
            signature = base64.b64decode(request.headers.get(SIGNATURE, ""), validate=True)
            self._key.verify(signature, sent_at.encode() + request.body, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise SignatureRefused(f"{SIGNATURE} does not fit callbacks.sendgrid_key") from error

    def split(self, request: Request) -> list[Event]:
        """One event per element; one without an id is known by its bytes."""
        try:
            found = msgspec.json.decode(request.body, type=list[msgspec.Raw])
        except (msgspec.DecodeError, RecursionError) as error:
            raise CallbackUnreadable(f"body: {error}") from error
        if len(found) > MOST_EVENTS:
            raise CallbackUnreadable(f"body: send at most {MOST_EVENTS} events at once")
        return [_split(bytes(each)) for each in found]


def read(payload: bytes) -> Tidings:
    """What one event means."""
    told = _decoded(payload)
    if told.event not in STATES:
        raise KindUnknown(f"SendGrid's event is none of {', '.join(STATES)}")
    state = STATES[told.event]
    dead = told.event == "bounce" and told.type != "blocked"
    return Tidings(
        state=state,
        reason=named(told.status) or told.event if state == BOUNCED else None,
        delivery_id=of_our_mail(told.smtp_id),
        destination=Destination(CHANNEL, told.email) if told.email else None,
        suppress=HARD_BOUNCE if dead else _SUPPRESS.get(told.event),
        lift=LIFTED_BY_CONSENT if told.event == "group_resubscribe" else (),
    )


def _split(payload: bytes) -> Event:
    told = _decoded(payload)
    at = told.timestamp
    return Event(
        key=named(told.sg_event_id) or hashlib.sha256(payload).hexdigest(),
        kind=named(told.event) or "",
        message_id=named(told.smtp_id),
        delivery_id=of_our_mail(told.smtp_id),
        happened_at=at * _SECOND if at is not None and 0 < at < _MOST_SECONDS else None,
        payload=payload,
    )


def _decoded(payload: bytes) -> _Event:
    try:
        return msgspec.json.decode(payload, type=_Event)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"event: {error}") from error
