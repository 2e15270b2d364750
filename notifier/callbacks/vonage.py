"""Vonage's callbacks: an SMS's way to the handset, and what people answer to it.

JSON; signed by a JWT (HS256) in `Authorization`, whose `payload_hash` is the SHA-256 of the body and whose
`iat` bounds replays. Fields of the Messages API and of the older SMS API are both read. Each status of a
message counts once.
Sources, below developer.vonage.com: getting-started/concepts/webhooks, api/messages, api/sms.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from notifier.callbacks.standard_webhooks import is_near
from notifier.callbacks.tidings import (
    DELIVERY_PARAMETER,
    Destination,
    Event,
    Request,
    Tidings,
    as_uuid,
    named,
)
from notifier.callbacks.twilio import INBOUND, START_WORDS, STOP_WORDS
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from notifier.states import ACCEPTED, BOUNCED, DELIVERED
from notifier.suppression import HARD_BOUNCE, STOP

CHANNEL = "sms"
STATES: Mapping[str, str] = {
    "submitted": ACCEPTED,
    "accepted": ACCEPTED,
    "buffered": ACCEPTED,
    "delivered": DELIVERED,
    "read": DELIVERED,
    "rejected": BOUNCED,
    "undeliverable": BOUNCED,
    "failed": BOUNCED,
    "expired": BOUNCED,
}
ABSENT_FOR_GOOD = "3"  # `err-code` of the SMS API: the number is out of service
_SECOND = 1_000_000
_BEARER = "bearer "


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Claims(msgspec.Struct, frozen=True):
    iat: int
    payload_hash: str


class _Message(msgspec.Struct, frozen=True):
    message_uuid: str | None = None
    old_id: str | None = msgspec.field(default=None, name="messageId")
    status: str | None = None
    to: str | None = None
    sender: str | None = msgspec.field(default=None, name="from")
    msisdn: str | None = None
    text: str | None = None
    timestamp: str | None = None
    old_timestamp: str | None = msgspec.field(default=None, name="message-timestamp")
    error_code: str | None = msgspec.field(default=None, name="err-code")


class VonageCallbacks:
    """Callbacks of one Vonage account, known by its signature secret."""

    name = "vonage"

    def __init__(self, secret: str, *, tolerance_seconds: float) -> None:
        self._key = secret.encode()
        self._tolerance = tolerance_seconds * _SECOND

    def verify(self, request: Request, now: int) -> None:
        """The token must be of this key, of this body, and of now."""
        given = request.headers.get("authorization", "")
        parts = given[len(_BEARER) :].split(".") if given.lower().startswith(_BEARER) else []
        if len(parts) != 3:  # header, claims, signature
            raise SignatureRefused("Authorization: a JWT is needed: switch signed webhooks on")
        signed = f"{parts[0]}.{parts[1]}".encode()
        right = base64.urlsafe_b64encode(hmac.digest(self._key, signed, hashlib.sha256))
        if not hmac.compare_digest(right.rstrip(b"="), parts[2].rstrip("=").encode()):
            raise SignatureRefused("Authorization does not fit callbacks.vonage_secret")
        self._check(parts[0], parts[1], request.body, now)

    def _check(self, header: str, claims: str, body: bytes, now: int) -> None:
        try:
            algorithm = msgspec.json.decode(_unbase64(header), type=_Header).alg
            told = msgspec.json.decode(_unbase64(claims), type=_Claims)
        except (msgspec.DecodeError, binascii.Error, UnicodeError, RecursionError) as error:
            raise SignatureRefused("Authorization: the JWT cannot be read") from error
        if algorithm != "HS256":
            raise SignatureRefused("Authorization: the JWT must be signed by HS256")
        if not is_near(str(told.iat), now, self._tolerance):
            raise SignatureRefused("Authorization: the JWT's iat is not now")
        hashed = hashlib.sha256(body).hexdigest().encode()
        if not hmac.compare_digest(hashed, told.payload_hash.lower().encode()):
            raise SignatureRefused("Authorization: the JWT is of another body")

    def split(self, request: Request) -> list[Event]:
        """One request tells of one status, or carries one answer."""
        told = _decoded(request.body)
        message_id = named(told.message_uuid or told.old_id)
        if message_id is None:
            raise CallbackUnreadable("message_uuid: every callback about a message names it")
        kind = named(told.status) or INBOUND
        return [
            Event(
                key=f"{message_id}:{kind}:{told.timestamp or told.old_timestamp or ''}",
                kind=kind,
                message_id=message_id,
                delivery_id=as_uuid(request.query.get(DELIVERY_PARAMETER)),
                payload=request.body,
            )
        ]


def read(payload: bytes) -> Tidings:
    """What one callback means."""
    told = _decoded(payload)
    if told.status is None:
        return _answer(told)
    state = STATES.get(told.status)
    if state is None:
        raise KindUnknown("Vonage's status is not one that is known")
    failed = state == BOUNCED
    code = named(told.error_code)
    dead = failed and code == ABSENT_FOR_GOOD
    return Tidings(
        state=state,
        reason=(f"vonage_{code}" if code else told.status) if failed else None,
        message_id=named(told.message_uuid or told.old_id),
        destination=_place(told.msisdn or told.to),
        suppress=HARD_BOUNCE if dead else None,
    )


def _answer(told: _Message) -> Tidings:
    """What a person wrote to our number."""
    word = (told.text or "").strip().rstrip(".!").upper()
    return Tidings(
        destination=_place(told.sender or told.msisdn),
        suppress=STOP if word in STOP_WORDS else None,
        lift=(STOP,) if word in START_WORDS else (),
    )


def _place(number: str | None) -> Destination | None:
    """Vonage writes numbers without their plus."""
    return Destination(CHANNEL, f"+{number.lstrip('+')}") if number else None


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(body: bytes) -> _Message:
    try:
        return msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CallbackUnreadable(f"body: {error}") from error
