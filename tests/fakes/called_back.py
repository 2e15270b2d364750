"""Callbacks as providers sign them, and the whole way of one through our tables."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import select

from notifier.callbacks import arrivals
from notifier.callbacks.tidings import Provider, Request
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.callbacks.working import CallbackWorker
from notifier.schema import callback, suppression
from store.engine import Database
from tests.fakes.planned import delivery_row, vault

TOKEN = "a token of the tests"
KEY = b"k" * 24
BASE = "https://pay.example"
NOW = 1_790_000_000_000_000
SECOND = 1_000_000


def twilio_request(
    fields: Mapping[str, str], *, token: str = TOKEN, query: str = "", base: str = BASE
) -> Request:
    url = f"{base}/v1/providers/twilio/callbacks{query and '?'}{query}"
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1))
    return Request(
        url=url,
        body=urlencode(fields).encode(),
        headers={
            "x-twilio-signature": signature.decode(),
            "content-type": "application/x-www-form-urlencoded",
        },
        query=dict(part.split("=", 1) for part in query.split("&") if part),
    )


def status(sid: str, word: str, *, to: str = "+15550100001", **more: str) -> dict[str, str]:
    """The fields of a status callback."""
    return {"MessageSid": sid, "MessageStatus": word, "To": to, "From": "+15550100000", **more}


def answered(words: str, *, sender: str = "+15550100001", sid: str = "SMin") -> dict[str, str]:
    """The fields of what a person wrote to us."""
    return {
        "MessageSid": sid,
        "SmsStatus": "received",
        "Body": words,
        "From": sender,
        "To": "+1555",
    }


def webhook_request(
    body: bytes, *, identity: str = "msg_1", at: int = NOW, key: bytes = KEY
) -> Request:
    seconds = str(at // SECOND)
    signature = hmac.digest(key, f"{identity}.{seconds}.".encode() + body, "sha256")
    return Request(
        url=f"{BASE}/v1/providers/standard-webhooks/callbacks",
        body=body,
        headers={
            "webhook-id": identity,
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1a,AAAA v1,{base64.b64encode(signature).decode()}",
        },
    )


class Desk:
    """Takes requests in and works them off, on a clock that the test moves."""

    def __init__(
        self, database: Database, *, clock: Callable[[], int] | None = None, **changes: Any
    ) -> None:
        self.database = database
        self.vault = vault()
        self.now = NOW
        given: dict[str, Any] = {"keep_days": 30, "poll_seconds": 0.01} | changes
        self.worker = CallbackWorker(
            database, self.vault, clock=clock or (lambda: self.now), **given
        )

    def take(self, request: Request, provider: Provider | None = None) -> int:
        """Prove, split and store it, as the API does; returns how many of its events are new."""
        who = provider or TwilioCallbacks(TOKEN)
        who.verify(request, self.now)
        with self.database.begin() as conn:
            return arrivals.keep(
                conn, self.vault, self.database.bell, who.name, who.split(request), self.now
            )

    def work(self, *, after_seconds: float = 0) -> None:
        """Let time pass, then work off what is due."""
        self.now += int(after_seconds * SECOND)
        while self.worker.step():
            pass

    def tell(self, fields: Mapping[str, str], *, delivery: UUID | None = None) -> None:
        """Take a Twilio callback, a second after the one before, and work it off."""
        query = f"delivery={delivery}" if delivery else ""
        self.now += SECOND
        self.take(twilio_request(fields, query=query))
        self.work()

    def rows(self) -> list[Any]:
        with self.database.read() as conn:
            return list(
                conn.execute(
                    select(callback).order_by(callback.c.received_at, callback.c.callback_id)
                )
            )

    def listed(self) -> set[tuple[str, str, str]]:
        """What is suppressed: channel, place as its hash, reason."""
        with self.database.read() as conn:
            found = conn.execute(select(suppression).where(suppression.c.lifted_at.is_(None)))
            return {(row.channel, row.destination_lookup, row.reason) for row in found}

    def reasons(self, place: str, channel: str = "sms") -> set[str]:
        """Why a place is suppressed."""
        mine = (channel, self.vault.destination_lookup(channel, place))
        return {reason for *where, reason in self.listed() if tuple(where) == mine}

    def delivery(self, delivery_id: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, delivery_id)
