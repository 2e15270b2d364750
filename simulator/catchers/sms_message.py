"""An SMS as Twilio's REST API of 2010-04-01 shows it: its statuses, its errors, its callbacks' fields.

Sources: twilio.com/docs/messaging/api/message-resource, /docs/iam/test-credentials (the numbers) and
/docs/usage/webhooks/webhooks-security (the signature).
"""

import base64
import hashlib
import hmac
import re
import time
from email.utils import formatdate
from typing import Any, NamedTuple

SENT_AFTER_SECONDS = 0.2
FINAL_AFTER_SECONDS = 0.5
MESSAGES_PATH = "/2010-04-01/Accounts/{account}/Messages"
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class Refusal(NamedTuple):
    """An error answer: HTTP status, Twilio's code, its words."""

    status: int
    code: int
    message: str


# Twilio's own test numbers, then three of ours for what those do not cover.
REFUSED_NUMBERS = {
    "+15005550001": Refusal(400, 21211, "The 'To' number {to} is not a valid phone number."),
    "+15005550002": Refusal(400, 21612, "The 'To' number {to} is not currently reachable."),
    "+15005550003": Refusal(400, 21408, "Permission to send an SMS has not been enabled."),
    "+15005550004": Refusal(400, 21610, "Attempt to send to unsubscribed recipient {to}."),
    "+15005550009": Refusal(400, 21614, "'To' number {to} is not a valid mobile number."),
    "+15005550429": Refusal(429, 20429, "Too Many Requests"),
    "+15005550503": Refusal(503, 20503, "Service Unavailable"),
}
UNDELIVERED_NUMBER = "+15005550030"  # accepted, then undelivered with error 30003
CUT_NUMBER = "+15005550020"  # recorded, then the connection ends without an answer
SLOW_NUMBER = "+15005550021"  # answered after three seconds


def twilio_signature(token: str, url: str, fields: dict[str, str]) -> str:
    """`X-Twilio-Signature`: base64 HMAC-SHA1 over the URL and the sorted form fields."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()


def _date(unix_seconds: float) -> str:
    return formatdate(unix_seconds).replace("-0000", "+0000")


class Message(NamedTuple):
    """One accepted message; `created_at` is unix seconds and decides how far it has got."""

    sid: str
    account: str
    to: str
    sender: str
    body: str
    created_at: float

    @property
    def final_status(self) -> str:
        """Where the message ends."""
        return "undelivered" if self.to == UNDELIVERED_NUMBER else "delivered"

    def status(self) -> str:
        """Where the message has got to by now."""
        age = time.time() - self.created_at
        if age < SENT_AFTER_SECONDS:
            return "queued"
        return "sent" if age < FINAL_AFTER_SECONDS else self.final_status

    def resource(self, status: str) -> dict[str, Any]:
        """The Message resource."""
        failed = status == "undelivered"
        return {
            "sid": self.sid,
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "status": status,
            "direction": "outbound-api",
            "num_segments": "1",
            "num_media": "0",
            "error_code": 30003 if failed else None,
            "error_message": "Unreachable destination handset" if failed else None,
            "date_created": _date(self.created_at),
            "date_sent": None if status == "queued" else _date(self.created_at),
            "date_updated": _date(time.time()),
            "price": None,
            "price_unit": "USD",
            "messaging_service_sid": None,
            "uri": MESSAGES_PATH.format(account=self.account) + f"/{self.sid}.json",
        }


def refusal(form: dict[str, str]) -> Refusal | None:
    """Why this form is not accepted, if it is not."""
    if not form.get("Body"):
        return Refusal(400, 21602, "Message body is required.")
    if not form.get("From"):
        return Refusal(400, 21603, "A 'From' phone number is required.")
    to = form.get("To", "")
    if not to:
        return Refusal(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(to):
        return Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    refused = REFUSED_NUMBERS.get(to)
    return refused and refused._replace(message=refused.message.format(to=to))
