"""Postmark's callbacks: what becomes of mails, one event in each request.

JSON. Postmark signs nothing: it logs in with the name and password that stand in the webhook's address
(HTTP Basic), so that the address must be https. Our mails go through Postmark by SMTP, which gives them
another id; a header of ours (`X-PM-Metadata-delivery`) comes back as metadata and names the delivery.
Sources, below postmarkapp.com/developer: webhooks/webhooks-overview, webhooks/delivery-webhook,
webhooks/bounce-webhook, webhooks/spam-complaint-webhook, webhooks/subscription-change-webhook,
api/bounce-api ("Bounce types"), user-guide/send-email-with-smtp.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from notifier.callbacks.tidings import Destination, Event, Request, Tidings, as_uuid, named
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from notifier.states import ACCEPTED, BOUNCED, COMPLAINED, DELIVERED
from notifier.suppression import COMPLAINT, HARD_BOUNCE, LIFTED_BY_CONSENT, UNSUBSCRIBED

CHANNEL = "email"
# The header that marks a mail, and the metadata that it comes back as.
HEADER = "X-PM-Metadata-delivery"
METADATA = "delivery"
# No callback's word: what a look-up tells of a mail that Postmark has, and knows no end of yet.
TAKEN = "Taken"
STATES: Mapping[str, str | None] = {
    "Delivery": DELIVERED,
    TAKEN: ACCEPTED,
    "Bounce": BOUNCED,
    "SpamComplaint": COMPLAINED,
    "SubscriptionChange": None,
    "Open": None,
    "Click": None,
}
# Bounces that are for good; the others (full mailbox, blocked, out of office) may pass.
DEAD = frozenset({"HardBounce", "BadEmailAddress"})
# Of these kinds of bounce the mail is still on its way, or has arrived.
UNDER_WAY = frozenset({"Transient", "DnsError"})
ARRIVED = frozenset({"AutoResponder", "Subscribe", "AddressChange", "OpenRelayTest"})
_SUPPRESSED_FOR: Mapping[str, str] = {
    "HardBounce": HARD_BOUNCE,
    "SpamComplaint": COMPLAINT,
    "ManualSuppression": UNSUBSCRIBED,
}
_BASIC = "basic "
_SECOND = 1_000_000


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    record_type: str
    message_id: str | None = msgspec.field(default=None, name="MessageID")
    bounce_id: int | None = msgspec.field(default=None, name="ID")
    type: str | None = None
    email: str | None = None
    recipient: str | None = None
    metadata: dict[str, str] | None = None
    delivered_at: str | None = None
    bounced_at: str | None = None
    changed_at: str | None = None
    suppress_sending: bool | None = None
    suppression_reason: str | None = None


class PostmarkCallbacks:
    """Callbacks of those who know the name and password, `name:password`."""

    name = "postmark"

    def __init__(self, login: str) -> None:
        self._login = login.encode()

    def verify(self, request: Request, now: int) -> None:
        """Postmark signs no time: what comes again is known by its key."""
        del now
        given = request.headers.get("authorization", "")
        login = b""
        if given.lower().startswith(_BASIC):
            try:
                login = base64.b64decode(given[len(_BASIC) :], validate=True)
            except (binascii.Error, ValueError):
                login = b""
        if not hmac.compare_digest(login, self._login):
            raise SignatureRefused(
                "Authorization does not fit callbacks.postmark_login: give Postmark the address"
                " https://NAME:PASSWORD@…"
            )

    def split(self, request: Request) -> list[Event]:
        """One request tells of one event; each kind of a message counts once, bounces by their id."""
        return [event_of(request.body)]


def event_of(body: bytes) -> Event:
    """What a body tells of. Raises CallbackUnreadable."""
    told = _decoded(body)
    message_id = named(told.message_id)
    if message_id is None:
        raise CallbackUnreadable("MessageID: every callback about a message names it")
    at = told.delivered_at or told.bounced_at or told.changed_at
    return Event(
        key=f"{message_id}:{named(told.record_type)}:{told.bounce_id or at or ''}",
        kind=named(told.record_type) or "",
        message_id=message_id,
        delivery_id=as_uuid((told.metadata or {}).get(METADATA)),
        happened_at=micros_of(at),
        payload=body,
    )


def read(payload: bytes) -> Tidings:
    """What one event means."""
    told = _decoded(payload)
    if told.record_type not in STATES:
        raise KindUnknown(f"Postmark's RecordType is none of {', '.join(STATES)}")
    state = _state(told)
    place = told.email or told.recipient
    return Tidings(
        state=state,
        reason=named(told.type) if state == BOUNCED else None,
        delivery_id=as_uuid((told.metadata or {}).get(METADATA)),
        destination=Destination(CHANNEL, place) if place else None,
        suppress=_suppression(told),
        lift=LIFTED_BY_CONSENT if told.suppress_sending is False else (),
    )


def _state(told: _Event) -> str | None:
    state = STATES[told.record_type]
    if state == BOUNCED and told.type in UNDER_WAY:
        return ACCEPTED
    if state == BOUNCED and told.type in ARRIVED:
        return DELIVERED
    return state


def _suppression(told: _Event) -> str | None:
    if told.record_type == "Bounce" and told.type in DEAD:
        return HARD_BOUNCE
    if told.record_type == "SpamComplaint":
        return COMPLAINT
    if told.record_type == "SubscriptionChange" and told.suppress_sending:
        return _SUPPRESSED_FOR.get(told.suppression_reason or "", UNSUBSCRIBED)
    return None


def micros_of(time: str | None) -> int | None:
    """A time as Postmark writes it. Seven digits after the point are more than Python reads."""
    if time is None:
        return None
    try:
        at = datetime.fromisoformat(time[:26].rstrip("Z") + _zone(time))
    except ValueError:
        return None
    micros = round(at.timestamp() * _SECOND) if at.tzinfo is not None else 0
    return micros if micros > 0 else None


def _zone(time: str) -> str:
    tail = time[26:].lstrip("0123456789")
    return tail if tail[:1] in ("+", "-") else "+00:00"


def _decoded(body: bytes) -> _Event:
    try:
        return msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"body: {error}") from error
