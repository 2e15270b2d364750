"""Push to telephones by Pushover and Gotify: what their plugins are made with, what their answers prove.

Sources: pushover.net/api, gotify.net/api-docs.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from notifier.channels.apprise_channel import AppriseService
from notifier.channels.apprise_transport import Answer
from notifier.channels.channel import Letter, Receipt, quoted
from notifier.channels.http_answers import read_json, refusal
from notifier.errors import CredentialsRefused, DestinationRejected, OutcomeUnknown, Permanent
from notifier.push_places import GOTIFY, GOTIFY_PLACE, PUSHOVER, PUSHOVER_PLACE

PUSHOVER_URL = "https://api.pushover.net"
_PUSHOVER_MOST = 1024  # characters of a message
_PUSHOVER_LONGEST = 86_400 * 31
_OURS = ("token",)  # of what Pushover may call invalid, what is not the destination's


class PushoverAnswer(msgspec.Struct, frozen=True):
    """The part of Pushover's JSON that matters. `status` 1: taken; 0: `errors`, and what is invalid."""

    status: int | None = None
    request: str | None = None
    errors: list[str] = []
    user: str | None = None
    device: str | None = None
    token: str | None = None


class GotifyAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The part of Gotify's JSON that matters."""

    id: int | None = None
    error_description: str | None = None


def pushover(token: str, *, place: str = PUSHOVER_URL) -> AppriseService:
    """`token`: of our application. `place`: the service, or a catcher."""

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        targets = [found[2]] if found[2] else []
        return {"user_key": found[1], "token": token, "targets": targets, "sound": "pushover"}

    return AppriseService(
        provider=PUSHOVER,
        plugin=("pushover", "NotifyPushover"),
        origins={PUSHOVER_URL: place},
        destination=PUSHOVER_PLACE,
        options=options,
        read=read_pushover,
        amend=_dropped_at_the_deadline,
        most_characters=_PUSHOVER_MOST,
    )


def read_pushover(answer: Answer, letter: Letter, found: re.Match[str]) -> Receipt:
    """200 with status 1 is the receipt: 200 alone is not. Raises DeliveryError."""
    del letter
    said = read_json(answer.body, PushoverAnswer) or PushoverAnswer()
    detail = quoted("; ".join(said.errors), found[1])
    if answer.status == 200:
        if said.status == 1 and said.request:
            return Receipt(provider_message_id=quoted(said.request), status_code=200)
        if said.status != 0:
            raise OutcomeUnknown("an answer that is not Pushover's", status_code=200)
    if answer.status in (200, 400):
        kind = Permanent
        if said.token == "invalid":  # noqa: S105 # its word for ours
            raise CredentialsRefused(detail, status_code=answer.status)
        if "invalid" in (said.user, said.device):
            kind = DestinationRejected
        raise kind(detail, status_code=answer.status)
    raise refusal(answer.status, answer.headers, detail)


def _dropped_at_the_deadline(letter: Letter, request: dict[str, Any]) -> None:
    """Pushover takes a message off the device after `ttl` seconds."""
    span = (letter.deadline_at - letter.planned_at) // 1_000_000
    request["data"] = {**request["data"], "ttl": str(min(max(span, 1), _PUSHOVER_LONGEST))}


def gotify(url: str) -> AppriseService:
    """`url`: of the server; the token of an application there is the destination."""
    place = urlsplit(url)
    origin = f"{place.scheme}://{place.netloc}"

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        return {
            "token": found[1],
            "host": place.hostname,
            "port": place.port,
            "secure": place.scheme == "https",
            "fullpath": f"{place.path.rstrip('/')}/",
        }

    return AppriseService(
        provider=GOTIFY,
        plugin=("gotify", "NotifyGotify"),
        origins={origin: origin},
        destination=GOTIFY_PLACE,
        options=options,
        read=read_gotify,
    )


def read_gotify(answer: Answer, letter: Letter, found: re.Match[str]) -> Receipt:
    """200 with an id is the receipt. A token that is refused is the destination's fault, not ours."""
    del letter
    said = read_json(answer.body, GotifyAnswer) or GotifyAnswer()
    if answer.status == 200 and said.id is not None:
        return Receipt(provider_message_id=str(said.id), status_code=200)
    detail = quoted(said.error_description or "", found[1])
    if answer.status in (400, 401, 403):
        raise DestinationRejected(detail, status_code=answer.status)
    raise refusal(answer.status, answer.headers, detail)
