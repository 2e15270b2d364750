"""Push to telephones by Firebase Cloud Messaging (HTTP v1), by Apprise's plugin with a token of our own.

The plugin reads a key file and asks for a token in its own way, for each message; ours is kept and renewed.
Source: firebase.google.com/docs/reference/fcm/rest/v1 and its ErrorCode.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from notifier.channels.apprise_channel import AppriseService
from notifier.channels.apprise_transport import Answer
from notifier.channels.channel import Letter, Receipt, quoted
from notifier.channels.google_token import GoogleTokens
from notifier.channels.http_answers import read_json, refusal, retry_after_seconds
from notifier.errors import (
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    Permanent,
    RateLimited,
)
from notifier.push_places import FCM, FCM_PLACE

FCM_URL = "https://fcm.googleapis.com"
ERRORS: Mapping[str, type[DeliveryError]] = {
    "UNREGISTERED": DestinationGone,
    "SENDER_ID_MISMATCH": DestinationRejected,  # a token of another project's application
    "INVALID_ARGUMENT": DestinationRejected,  # of what we send only the token can be wrong
    "QUOTA_EXCEEDED": RateLimited,
    "UNAVAILABLE": Deferred,  # "the server could not process the request in time": it has not taken it
    "THIRD_PARTY_AUTH_ERROR": Permanent,  # the application's own APNs or web push key
}


class FcmDetail(msgspec.Struct, frozen=True, rename="camel"):
    """What an error says more exactly."""

    error_code: str | None = None


class FcmError(msgspec.Struct, frozen=True):
    """Why a message was not taken."""

    message: str = ""
    status: str = ""
    details: list[FcmDetail] = []


class FcmAnswer(msgspec.Struct, frozen=True):
    """The part of FCM's JSON that matters, of a message or of an error."""

    name: str | None = None
    error: FcmError = FcmError()


def fcm(project: str, tokens: GoogleTokens, *, place: str = FCM_URL) -> AppriseService:
    """`place`: the service, or a catcher."""

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        tokens.token()  # what can fail harmlessly fails before the message leaves
        return {
            "project": project,
            "mode": "oauth2",
            "targets": [found[1]],
            "apikey": None,  # of the interface that Google has switched off
            "keyfile": "/dev/null",  # named, never read: the token is ours
            "include_image": False,
        }

    return AppriseService(
        provider=FCM,
        plugin=("fcm", "NotifyFCM"),
        origins={FCM_URL: place},
        destination=FCM_PLACE,
        options=options,
        read=partial(read_answer, tokens),
        amend=partial(_addressed, tokens),
        members={"access_token": "ours"},
    )


def read_answer(
    tokens: GoogleTokens, answer: Answer, letter: Letter, found: re.Match[str]
) -> Receipt:
    """200 with a name is the receipt. Raises DeliveryError."""
    del letter
    said = read_json(answer.body, FcmAnswer) or FcmAnswer()
    name = (said.name or "").rpartition("/")[2]
    if answer.status == 200 and name:
        return Receipt(provider_message_id=quoted(name), status_code=answer.status)
    detail = quoted(f"{said.error.status} {said.error.message}".strip(), found[1])
    if answer.status == 401:
        tokens.forget()
        raise CredentialsRefused(detail, status_code=answer.status)
    codes = [each.error_code for each in said.error.details if each.error_code]
    kind = ERRORS.get(codes[0] if codes else said.error.status)
    if kind is not None and answer.status >= 400:
        wait = retry_after_seconds(answer.headers)
        raise kind(detail, status_code=answer.status, retry_after_seconds=wait)
    raise refusal(answer.status, answer.headers, detail)


def _addressed(tokens: GoogleTokens, letter: Letter, request: dict[str, Any]) -> None:
    """The bearer, the collapse key on every platform, and how long the message is of use."""
    span = max(1, (letter.deadline_at - letter.planned_at) // 1_000_000)
    given = msgspec.json.decode(request["data"], type=dict[str, Any])
    message = given["message"]
    message["android"] = {
        **message.get("android", {}),
        "collapse_key": letter.collapse_key,
        "ttl": f"{span}s",
        "notification": {"tag": letter.collapse_key},
    }
    message["apns"] = {
        "headers": {
            "apns-collapse-id": letter.collapse_key,
            "apns-expiration": str(letter.deadline_at // 1_000_000),
        }
    }
    message["data"] = {"id": str(letter.delivery_id), "tag": letter.collapse_key}
    request["data"] = msgspec.json.encode(given)
    request["headers"] = {**request["headers"], "Authorization": f"Bearer {tokens.token()}"}
