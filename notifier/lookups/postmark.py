"""Asking Postmark what became of a mail, by its recipient and the delivery that our header marked it with.

Mails go to Postmark by SMTP, which tells no id of theirs. The answer is put down as the callback that it
would have been: a delivery, or a bounce as Postmark's Bounce API has it; else that Postmark has taken it.
Source: postmarkapp.com/developer, api/messages-api ("Outbound message search", "Outbound message details"),
api/bounce-api ("Get a single bounce").
"""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from notifier.callbacks import postmark
from notifier.callbacks.tidings import Event, named
from notifier.errors import CallbackUnreadable
from notifier.lookups.fetching import fetch
from notifier.lookups.provider import AskRefused, Question

# Of one recipient in the days that are asked for.
MOST_MAILS = 200
DELIVERED = "Delivered"
BOUNCED = "Bounced"
_SECOND = 1_000_000

T = TypeVar("T")


class _Mail(msgspec.Struct, frozen=True, rename="pascal"):
    message_id: str = msgspec.field(default="", name="MessageID")
    metadata: dict[str, Any] | None = None


class _Mails(msgspec.Struct, frozen=True, rename="pascal"):
    messages: list[_Mail] = []


class _Step(msgspec.Struct, frozen=True, rename="pascal"):
    type: str = ""
    received_at: str = ""
    details: dict[str, Any] | None = None


class _Steps(msgspec.Struct, frozen=True, rename="pascal"):
    message_events: list[_Step] = []


class PostmarkLookUp:
    """Mails of one Postmark server. `provider`: the mail server of ours that leads there."""

    callbacks = postmark.PostmarkCallbacks.name

    def __init__(self, provider: str, base_url: str, token: str) -> None:
        self.provider = provider
        self._base = base_url
        self._headers = {"Accept": "application/json", "X-Postmark-Server-Token": token}

    async def ask(self, session: aiohttp.ClientSession, question: Question) -> Event | None:
        """What Postmark knows; None: it has no such mail. Raises AskRefused."""
        message_id = await self._message_id(session, question)
        if message_id is None:
            return None
        steps = await self._get(
            session, f"/messages/outbound/{quote(message_id, safe='')}/details", _Steps
        )
        told: dict[str, Any] = {"RecordType": postmark.TAKEN}
        last = _last(() if steps is None else steps.message_events)
        if last is not None and last.type == DELIVERED:
            told = {"RecordType": "Delivery", "DeliveredAt": last.received_at}
        elif last is not None:
            told = await self._bounce(session, last)
        told |= {
            "MessageID": message_id,
            "Recipient": question.destination or None,
            "Metadata": {postmark.METADATA: str(question.delivery_id)},
        }
        try:
            return postmark.event_of(msgspec.json.encode(told))
        except CallbackUnreadable as error:
            raise AskRefused(f"no bounce that can be read: {error}") from error

    async def _message_id(self, session: aiohttp.ClientSession, question: Question) -> str | None:
        if not question.destination:
            return None
        # Days there are of another time zone than ours.
        day = datetime.fromtimestamp(question.since / _SECOND, UTC).date() - timedelta(days=1)
        mine = str(question.delivery_id)
        asked = {
            "recipient": question.destination,
            "fromdate": day.isoformat(),
            f"metadata_{postmark.METADATA}": mine,
            "count": str(MOST_MAILS),
            "offset": "0",
        }
        found = await self._get(session, "/messages/outbound", _Mails, asked)
        for each in () if found is None else found.messages:
            if (each.metadata or {}).get(postmark.METADATA) == mine:
                return named(each.message_id)
        return None

    async def _bounce(self, session: aiohttp.ClientSession, last: _Step) -> dict[str, Any]:
        """As its callback would have told it; without its kind where the Bounce API has forgotten it."""
        told = {"RecordType": "Bounce", "BouncedAt": last.received_at}
        bounce_id = str((last.details or {}).get("BounceID", ""))
        if not (bounce_id.isascii() and bounce_id.isdigit()):
            return told
        found = await self._get(session, f"/bounces/{bounce_id}", dict[str, Any])
        kept = ("ID", "Type", "Email", "BouncedAt")
        return told | {name: found[name] for name in kept if found and name in found}

    async def _get(
        self,
        session: aiohttp.ClientSession,
        path: str,
        shape: type[T],
        asked: dict[str, str] | None = None,
    ) -> T | None:
        url = f"{self._base}{path}"
        return await fetch(session, url, asked=asked or {}, headers=self._headers, shape=shape)


def _last(steps: list[_Step] | tuple[()]) -> _Step | None:
    """The last word on it: a mail that was put off may arrive, one that arrived may come back."""
    words = [each for each in steps if each.type in (DELIVERED, BOUNCED)]
    return max(words, key=lambda each: postmark.micros_of(each.received_at) or 0, default=None)
