"""Asking Twilio what became of an SMS, by its sid, or by number, day and reference where there is none.

The answer is put down as the form that Twilio's callback would have carried, with the same key, so that a
callback that comes after all counts once with it.
Source: twilio.com/docs/messaging/api/message-resource ("Fetch", "Read multiple Message resources").
"""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from notifier.callbacks.tidings import Event, named
from notifier.channels.http_answers import read_json, retry_after_seconds
from notifier.channels.sms.posting import body_of
from notifier.lookups.provider import AskRefused, Question

PAGE_SIZE = 100
MOST_BYTES = 1024 * 1024
_SECOND = 1_000_000


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

    provider = "twilio"

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
        self, session: aiohttp.ClientSession, url: str, asked: dict[str, str], shape: type[Any]
    ) -> Any:
        try:
            async with session.get(
                url, params=asked, headers=self._headers, allow_redirects=False
            ) as response:
                body = await body_of(response, MOST_BYTES)
                status, headers = response.status, response.headers
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AskRefused(type(error).__name__) from error
        if status == 404:
            return None
        if status != 200:
            wait = retry_after_seconds(headers)
            raise AskRefused(f"answered {status}", retry_after_seconds=wait)
        said = read_json(body, shape)
        if said is None:
            raise AskRefused("not a message in JSON")
        return said


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
