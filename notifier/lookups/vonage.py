"""Asking Vonage what became of an SMS: its Reports API, by message id, or by number and time without one.

Without an id the record with our delivery's id as its client reference is looked for, which the SMS was
sent with. The answer is put down as the receipt that Vonage's callback would have carried. Source:
developer.vonage.com/en/reports/overview, /api/reports ("Load records synchronously").
"""

import base64
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec

from notifier.callbacks.tidings import Event, named
from notifier.lookups.fetching import fetch
from notifier.lookups.provider import Question

# How long around the hand-over a record without an id is looked for.
AROUND = timedelta(minutes=30)
_SECOND = 1_000_000


class _Record(msgspec.Struct, frozen=True):
    message_id: str = ""
    status: str = ""
    error_code: str | None = None
    client_ref: str | None = None
    to: str = ""


class _Records(msgspec.Struct, frozen=True):
    records: list[_Record] = []


class VonageLookUp:
    """Records of one account. `base_url`: of the Reports API, https://api.nexmo.com unless given."""

    provider = callbacks = "vonage"

    def __init__(self, base_url: str, api_key: str, api_secret: str) -> None:
        self._url = f"{base_url}/v2/reports/records"
        self._account = api_key
        login = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    async def ask(self, session: aiohttp.ClientSession, question: Question) -> Event | None:
        """The status that Vonage has; None: it has no such message, or none yet."""
        asked = {"account_id": self._account, "product": "SMS", "direction": "outbound"}
        if question.message_id is not None:
            asked["id"] = question.message_id
        else:
            at = datetime.fromtimestamp(question.since / _SECOND, UTC)
            asked["to"] = question.destination.lstrip("+")
            asked["date_start"] = _written(at - AROUND)
            asked["date_end"] = _written(at + AROUND)
        found = [each for each in await self._get(session, asked) if _is_ours(each, question)]
        return _event(found[0], question) if found else None

    async def _get(self, session: aiohttp.ClientSession, asked: dict[str, str]) -> list[_Record]:
        said = await fetch(session, self._url, asked=asked, headers=self._headers, shape=_Records)
        return [] if said is None else said.records


def _is_ours(record: _Record, question: Question) -> bool:
    if question.message_id is not None:
        return record.message_id == question.message_id
    return record.client_ref == str(question.delivery_id)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(record: _Record, question: Question) -> Event | None:
    message_id, status = named(record.message_id), named(record.status)
    if message_id is None or status is None:
        return None
    receipt: dict[str, str] = {
        "messageId": message_id,
        "status": status,
        "msisdn": question.destination.lstrip("+"),
    }
    if record.error_code:
        receipt["err-code"] = record.error_code
    return Event(
        key=f"{message_id}:{status}:looked up",
        kind=status,
        message_id=message_id,
        delivery_id=question.delivery_id,
        payload=msgspec.json.encode(receipt),
    )
