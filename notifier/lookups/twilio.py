"""Asking Twilio what became of an SMS, by its sid, or by number, day and reference where there is none.

The answer is put down as the form that Twilio's callback would have carried, with the same key, so that a
callback that comes after all counts once with it.
Source: twilio.com/docs/messaging/api/message-resource ("Fetch", "Read multiple Message resources").
"""

import base64
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from notifier.callbacks.tidings import Event, named
from notifier.lookups.fetching import fetch
from notifier.lookups.provider import Question

PAGE_SIZE = 100
_SECOND = 1_000_000

T = TypeVar("T")


class _Message(msgspec.Struct, frozen=True):
    sid: str = ""
    status: str = ""
    error_code: int | None = None
    to: str = ""
    body: str = ""


class _Page(msgspec.Struct, frozen=True):
    messages: list[_Message] = []


class TwilioLookUp:
    """Messages of one account."""

    provider = callbacks = "twilio"

    def __init__(self, base_url: str, account_sid: str, auth_token: str) -> None:
        self._messages = f"{base_url}/2010-04-01/Accounts/{account_sid}/Messages"
        login = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    async def ask(self, session: aiohttp.ClientSession, question: Question) -> Event | None:
        """The status that Twilio has; None: it has no such message."""
        if question.message_id is not None:
            url = f"{self._messages}/{question.message_id}.json"
            found = await self._get(session, url, {}, _Message)
            return None if found is None else _event(found, question)
        # From that day on, by Greenwich: what is handed over before midnight may be sent after it.
        day = datetime.fromtimestamp(question.since / _SECOND, UTC).date().isoformat()
        asked = {"To": question.destination, "DateSent>": day, "PageSize": str(PAGE_SIZE)}
        page = await self._get(session, f"{self._messages}.json", asked, _Page)
        same = [each for each in (page or _Page()).messages if question.reference in each.body]
        return _event(same[0], question) if same else None

    async def _get(
        self, session: aiohttp.ClientSession, url: str, asked: dict[str, str], shape: type[T]
    ) -> T | None:
        return await fetch(session, url, asked=asked, headers=self._headers, shape=shape)


def _event(found: _Message, question: Question) -> Event | None:
    sid, status = named(found.sid), named(found.status)
    if sid is None or status is None:
        return None
    form = {"MessageSid": sid, "MessageStatus": status, "To": found.to or question.destination}
    if found.error_code is not None:
        form["ErrorCode"] = str(found.error_code)
    return Event(
        key=f"{sid}:{status}:",
        kind=status,
        message_id=sid,
        delivery_id=question.delivery_id,
        payload=urlencode(form).encode(),
    )
