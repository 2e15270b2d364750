"""Rooms where an employer's people work: Slack, Discord, Telegram.

The destination is the room's own secret, or a room that our bot is in; one that is gone says nothing of
others. What the plugins would make of the words (mentions, markup) is taken out of their requests.
Sources: api.slack.com/messaging/webhooks, discord.com/developers/docs/resources/webhook,
core.telegram.org/bots/api.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from notifier.channels.apprise_channel import AppriseService
from notifier.channels.apprise_transport import Answer
from notifier.channels.channel import Letter, Receipt, quoted
from notifier.channels.http_answers import (
    LONGEST_WAIT_SECONDS,
    read_json,
    refusal,
    retry_after_seconds,
)
from notifier.errors import (
    CredentialsRefused,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    OptedOut,
    OutcomeUnknown,
    RateLimited,
)
from notifier.push_places import (
    DISCORD,
    DISCORD_PLACE,
    SLACK,
    SLACK_PLACE,
    TELEGRAM,
    TELEGRAM_PLACE,
)

SLACK_URL = "https://hooks.slack.com"
DISCORD_URL = "https://discord.com"
TELEGRAM_URL = "https://api.telegram.org"
_DISCORD_MOST = 1900  # of 2,000, with the title


class DiscordAnswer(msgspec.Struct, frozen=True):
    """The part of Discord's JSON that matters, of a message or of an error."""

    id: str | None = None
    message: str | None = None


class TelegramMessage(msgspec.Struct, frozen=True):
    """A message that was taken."""

    message_id: int


class TelegramWait(msgspec.Struct, frozen=True):
    """How long to wait, seconds."""

    retry_after: int | None = None


class TelegramAnswer(msgspec.Struct, frozen=True):
    """The part of Telegram's JSON that matters."""

    ok: bool = False
    result: TelegramMessage | None = None
    error_code: int | None = None
    description: str | None = None
    parameters: TelegramWait = TelegramWait()


def slack(*, place: str = SLACK_URL) -> AppriseService:
    """Slack's incoming webhooks. `place`: the service, or a catcher."""

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        return {
            "token_a": found[1],
            "token_b": found[2],
            "token_c": found[3],
            "use_blocks": True,  # plain text: `<!channel>` in it calls nobody
            "include_image": False,
            "include_footer": False,
        }

    return AppriseService(
        provider=SLACK,
        plugin=("slack", "NotifySlack"),
        origins={SLACK_URL: place},
        destination=SLACK_PLACE,
        options=options,
        read=read_slack,
    )


def read_slack(answer: Answer, letter: Letter, found: re.Match[str]) -> Receipt:
    """200 and `ok` is the receipt; Slack gives no id. Raises DeliveryError."""
    said = quoted(answer.body.decode("utf-8", "replace"), found[3])
    if answer.status == 200:
        if said == "ok":
            return Receipt(provider_message_id=str(letter.delivery_id), status_code=200)
        raise OutcomeUnknown(said, status_code=200)
    raise _of_the_room(answer, said)


def discord(*, place: str = DISCORD_URL) -> AppriseService:
    """Discord's webhooks. `place`: the service, or a catcher."""

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        return {"webhook_id": found[1], "webhook_token": found[2], "avatar": False}

    return AppriseService(
        provider=DISCORD,
        plugin=("discord", "NotifyDiscord"),
        origins={DISCORD_URL: place},
        destination=DISCORD_PLACE,
        options=options,
        read=read_discord,
        amend=_plain_discord,
    )


def read_discord(answer: Answer, letter: Letter, found: re.Match[str]) -> Receipt:
    """200 with a message's id is the receipt (`wait=true`). Raises DeliveryError."""
    said = read_json(answer.body, DiscordAnswer) or DiscordAnswer()
    if answer.status == 204:
        return Receipt(provider_message_id=str(letter.delivery_id), status_code=204)
    if answer.status == 200 and said.id:
        return Receipt(provider_message_id=quoted(said.id), status_code=200)
    raise _of_the_room(answer, quoted(said.message or "", found[2]))


def _plain_discord(letter: Letter, request: dict[str, Any]) -> None:
    content = f"{letter.subject}\n{letter.text}"[:_DISCORD_MOST]
    request["data"] = msgspec.json.encode({"content": content, "allowed_mentions": {"parse": []}})
    request["params"] = {"wait": "true"}


def telegram(token: str, *, place: str = TELEGRAM_URL) -> AppriseService:
    """Chats that our bot is in. `token`: the bot's. `place`: the service, or a catcher."""

    def options(found: re.Match[str]) -> Mapping[str, Any]:
        return {"bot_token": token, "targets": [found[1]], "detect_owner": False}

    return AppriseService(
        provider=TELEGRAM,
        plugin=("telegram", "NotifyTelegram"),
        origins={TELEGRAM_URL: place},
        destination=TELEGRAM_PLACE,
        options=options,
        read=read_telegram,
        amend=_plain_telegram,
    )


def read_telegram(answer: Answer, letter: Letter, found: re.Match[str]) -> Receipt:
    """200, `ok` and a message's id is the receipt. Raises DeliveryError."""
    del letter
    said = read_json(answer.body, TelegramAnswer) or TelegramAnswer()
    if answer.status == 200 and said.ok and said.result is not None:
        return Receipt(provider_message_id=str(said.result.message_id), status_code=200)
    detail = quoted(said.description or "", found[1])
    code = said.error_code if answer.status == 200 and said.error_code else answer.status
    kinds: Mapping[int, type[DeliveryError]] = {
        400: DestinationRejected,  # chat not found
        401: CredentialsRefused,
        403: OptedOut,  # the bot was blocked or put out of the room
        404: CredentialsRefused,  # its answer to a token that is none
        429: RateLimited,
    }
    if code in kinds:
        wait = retry_after_seconds(answer.headers)
        if wait is None and said.parameters.retry_after is not None:
            wait = min(max(0, said.parameters.retry_after), LONGEST_WAIT_SECONDS)
        raise kinds[code](detail, status_code=code, retry_after_seconds=wait)
    raise refusal(answer.status, answer.headers, detail)


def _plain_telegram(letter: Letter, request: dict[str, Any]) -> None:
    given = msgspec.json.decode(request["data"], type=dict[str, Any])
    given.pop("parse_mode", None)
    text = f"{letter.subject}\n{letter.text}"
    request["data"] = msgspec.json.encode(given | {"text": text[:3000]})


def _of_the_room(answer: Answer, detail: str) -> DeliveryError:
    """A webhook's address is its room's own: whatever is wrong with it is no fault of our standing."""
    kinds: Mapping[int, type[DeliveryError]] = {
        400: DestinationRejected,
        401: DestinationRejected,
        403: DestinationRejected,
        404: DestinationGone,
        410: DestinationGone,
    }
    kind = kinds.get(answer.status)
    if kind is not None:
        return kind(detail, status_code=answer.status)
    return refusal(answer.status, answer.headers, detail)
