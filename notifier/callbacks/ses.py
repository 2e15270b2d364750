"""Amazon SES's callbacks, which come through SNS: what becomes of mails.

One event in one envelope; SNS's MessageId makes two deliveries of it one. SES replaces a mail's Message-ID,
but tells the original among the headers ("include original headers" on), and that names the delivery.
Source: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from notifier.callbacks import sns
from notifier.callbacks.standard_webhooks import of_our_mail
from notifier.callbacks.tidings import Destination, Event, Request, Tidings, named
from notifier.errors import CallbackUnreadable, KindUnknown
from notifier.states import ACCEPTED, BOUNCED, COMPLAINED, DELIVERED
from notifier.suppression import COMPLAINT, HARD_BOUNCE

CHANNEL = "email"
STATES: Mapping[str, str | None] = {
    "Send": ACCEPTED,
    "DeliveryDelay": ACCEPTED,
    "Delivery": DELIVERED,
    "Bounce": BOUNCED,
    "Reject": BOUNCED,
    "Rendering Failure": BOUNCED,
    "Complaint": COMPLAINED,
    "Open": None,
    "Click": None,
    "Subscription": None,
}
_SECOND = 1_000_000


class _Named(msgspec.Struct, frozen=True):
    name: str = ""
    value: str = ""


class _Mail(msgspec.Struct, frozen=True, rename="camel"):
    message_id: str | None = None
    destination: tuple[str, ...] = ()
    headers: tuple[_Named, ...] = ()


class _Person(msgspec.Struct, frozen=True, rename="camel"):
    email_address: str = ""
    status: str | None = None


class _Bounce(msgspec.Struct, frozen=True, rename="camel"):
    bounce_type: str = ""
    bounced_recipients: tuple[_Person, ...] = ()


class _Complaint(msgspec.Struct, frozen=True, rename="camel"):
    complained_recipients: tuple[_Person, ...] = ()


class _Told(msgspec.Struct, frozen=True, rename="camel"):
    mail: _Mail
    event_type: str | None = None
    notification_type: str | None = None
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None

    @property
    def kind(self) -> str:
        """Event publishing and the older notifications name it differently."""
        return self.event_type or self.notification_type or ""


class SesCallbacks:
    """Callbacks of SES by topics of ours. Blocks while it fetches: to be called in a thread."""

    name = "ses"

    def __init__(self, topics: Collection[str], *, fetch: sns.Fetch = sns.fetch_over_https) -> None:
        self._topics = frozenset(topics)
        self._fetch = fetch
        self._certificates = sns.Certificates(fetch)

    def verify(self, request: Request, now: int) -> None:
        """SNS repeats itself for days, so no time bounds it: what comes again is known by its id."""
        del now
        sns.prove(sns.opened(request.body), self._topics, self._certificates)

    def split(self, request: Request) -> list[Event]:
        """One event; a subscription is confirmed at once."""
        envelope = sns.opened(request.body)
        if envelope.type == "SubscriptionConfirmation":
            sns.confirm(envelope, self._fetch)
        event = Event(
            key=envelope.message_id,
            kind=named(envelope.type) or "",
            payload=request.body,
            happened_at=_micros(envelope.timestamp),
        )
        if envelope.type != sns.NOTIFICATION:
            return [event]
        told = _decoded(envelope.message)
        return [
            Event(
                key=event.key,
                kind=named(told.kind) or "",
                message_id=named(told.mail.message_id),
                delivery_id=_delivery_of(told),
                payload=event.payload,
                happened_at=event.happened_at,
            )
        ]


def read(payload: bytes) -> Tidings:
    """What one envelope means."""
    envelope = sns.opened(payload)
    if envelope.type in sns.CONFIRMATIONS:
        return Tidings()
    told = _decoded(envelope.message)
    if told.kind not in STATES:
        raise KindUnknown(f"SES's event is none of {', '.join(STATES)}")
    state = STATES[told.kind]
    person = _person(told)
    dead = told.bounce is not None and told.bounce.bounce_type == "Permanent"
    suppress = HARD_BOUNCE if dead else None
    if told.kind == "Complaint":
        suppress = COMPLAINT
    return Tidings(
        state=state,
        reason=named(person.status) or told.kind.lower() if state == BOUNCED else None,
        delivery_id=_delivery_of(told),
        destination=Destination(CHANNEL, person.email_address) if person.email_address else None,
        suppress=suppress,
    )


def _person(told: _Told) -> _Person:
    """Whom it is about; our mails have one recipient each."""
    people: tuple[_Person, ...] = ()
    if told.bounce is not None:
        people = told.bounce.bounced_recipients
    elif told.complaint is not None:
        people = told.complaint.complained_recipients
    if people:
        return people[0]
    return _Person(told.mail.destination[0] if told.mail.destination else "")


def _delivery_of(told: _Told) -> UUID | None:
    ids = (of_our_mail(each.value) for each in told.mail.headers if _is_id(each.name))
    return next((found for found in ids if found is not None), None)


def _is_id(name: str) -> bool:
    return name.lower() == "message-id"


def _micros(timestamp: str) -> int | None:
    try:
        return int(datetime.fromisoformat(timestamp).timestamp() * _SECOND)
    except ValueError:
        return None


def _decoded(message: str) -> _Told:
    try:
        return msgspec.json.decode(message, type=_Told)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"Message: {error}") from error
