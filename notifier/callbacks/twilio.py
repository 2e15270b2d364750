"""Twilio's callbacks: an SMS's way to the handset, and what people answer to it.

Form fields; signed by HMAC-SHA1 over the full URL and the sorted fields. A status has no id and no time
of its own: each status of a message counts once. STOP and its kin put a number on the list, START takes
it off.
Sources, below twilio.com/docs: /usage/webhooks/webhooks-security, /api/errors,
/messaging/guides/track-outbound-message-status, /messaging/tutorials/advanced-opt-out.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from notifier.callbacks.tidings import (
    DELIVERY_PARAMETER,
    Destination,
    Event,
    Request,
    Tidings,
    as_uuid,
    named,
)
from notifier.errors import CallbackUnreadable, KindUnknown, SignatureRefused
from notifier.states import ACCEPTED, BOUNCED, DELIVERED
from notifier.suppression import HARD_BOUNCE, STOP

CHANNEL = "sms"
INBOUND = "inbound"
STATES: Mapping[str, str] = {
    "accepted": ACCEPTED,
    "scheduled": ACCEPTED,
    "queued": ACCEPTED,
    "sending": ACCEPTED,
    "sent": ACCEPTED,
    "delivered": DELIVERED,
    "read": DELIVERED,
    "undelivered": BOUNCED,
    "failed": BOUNCED,
    "canceled": BOUNCED,
}
# The number itself is at fault, for good. 30003 (unreachable) and 30007 (filtered) may pass.
DEAD_NUMBERS = frozenset({"21211", "21214", "21217", "21614", "30005", "30006"})
SAID_STOP = "21610"
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
_MOST_FIELDS = 200


class TwilioCallbacks:
    """Callbacks of one Twilio account."""

    name = "twilio"

    def __init__(self, auth_token: str) -> None:
        self._key = auth_token.encode()

    def verify(self, request: Request, now: int) -> None:
        """Twilio signs no time: what comes again is known by its key."""
        del now
        given = request.headers.get("x-twilio-signature", "").encode()
        try:
            fields = sorted(set(_fields(request.body)))
        except CallbackUnreadable as error:
            raise SignatureRefused(f"nothing that Twilio signs: {error}") from error
        signed = "".join(name + value for name, value in fields)
        right = [self._signature(url + signed) for url in _spellings(request.url)]
        if not any(hmac.compare_digest(given, each) for each in right):
            raise SignatureRefused(
                "X-Twilio-Signature does not fit: is sms.auth_token the account's, and the address"
                " that Twilio calls the one that callbacks.base_url or api.public_url names?"
            )

    def split(self, request: Request) -> list[Event]:
        """One request tells of one status, or carries one answer."""
        form = dict(_fields(request.body))
        message_id = named(form.get("MessageSid") or form.get("SmsSid"))
        if message_id is None:
            raise CallbackUnreadable("MessageSid: every callback about a message names it")
        kind = named(form.get("MessageStatus")) or INBOUND
        return [
            Event(
                key=f"{message_id}:{kind}:{form.get('RawDlrDoneDate', '')}",
                kind=kind,
                message_id=message_id,
                delivery_id=as_uuid(request.query.get(DELIVERY_PARAMETER)),
                payload=request.body,
            )
        ]

    def _signature(self, signed: str) -> bytes:
        return base64.b64encode(hmac.digest(self._key, signed.encode(), hashlib.sha1))


def read(payload: bytes) -> Tidings:
    """What one callback means."""
    form = dict(_fields(payload))
    status = form.get("MessageStatus")
    if status is None:
        return _answer(form)
    state = STATES.get(status)
    if state is None:
        raise KindUnknown("Twilio's MessageStatus is not one that is known")
    code = named(form.get("ErrorCode"))
    failed = state == BOUNCED
    to = form.get("To")
    return Tidings(
        state=state,
        reason=(f"twilio_{code}" if code else status) if failed else None,
        message_id=named(form.get("MessageSid")),
        destination=Destination(CHANNEL, to) if to else None,
        suppress=_suppression(code) if failed else None,
    )


def _suppression(code: str | None) -> str | None:
    if code == SAID_STOP:
        return STOP
    return HARD_BOUNCE if code in DEAD_NUMBERS else None


def _answer(form: Mapping[str, str]) -> Tidings:
    """What a person wrote to our number; Twilio's own opt-out word where it gives one."""
    word = (form.get("OptOutType") or form.get("Body", "")).strip().rstrip(".!").upper()
    sender = form.get("From")
    return Tidings(
        destination=Destination(CHANNEL, sender) if sender else None,
        suppress=STOP if word in STOP_WORDS else None,
        lift=(STOP,) if word in START_WORDS else (),
    )


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise CallbackUnreadable(
            f"body: send a form (application/x-www-form-urlencoded) of at most {_MOST_FIELDS} fields"
        ) from error


def _spellings(url: str) -> list[str]:
    """Twilio names the standard port or leaves it out, as it likes."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = host.rpartition(":")[0] if parts.port is not None else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return [urlunsplit(parts._replace(netloc=each)) for each in (bare, f"{bare}:{port}", host)]
