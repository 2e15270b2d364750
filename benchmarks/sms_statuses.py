"""SMS that Twilio has accepted, and what it calls back to say of them: some twice, many out of order."""

import base64
import hashlib
import hmac
import random
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import bindparam, insert, update

from benchmarks import k6
from notifier.schema import attempt, delivery
from notifier.states import ACCEPTED
from store.engine import Database
from tests.fakes.planned import plan_many

PUBLIC_URL = "https://alerts.example.test"
PATH = "/v1/providers/twilio/callbacks"
SIGNATURE = "X-Twilio-Signature"
TOKEN = "benchmark"  # of an account that is not
_TWICE = 0.1
_FAILED = 0.05
_APART = 60  # as many places may a callback come too early or too late


class Message(NamedTuple):
    """One SMS: what it is called at the provider, and how it ends."""

    sid: str
    delivery_id: UUID
    arrives: bool

    @property
    def end(self) -> str:
        """The provider's word for its end."""
        return "delivered" if self.arrives else "undelivered"


class Status(NamedTuple):
    """What one callback says of a message."""

    sid: str
    word: str

    def call(self) -> k6.Call:
        """As the provider brings it."""
        fields = {"MessageSid": self.sid, "MessageStatus": self.word, "From": "+15550100000"}
        if self.word == "undelivered":
            fields["ErrorCode"] = "30003"  # unreachable, for now
        signed = PUBLIC_URL + PATH + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)
        return k6.Call(urlencode(fields), base64.b64encode(digest).decode())


def accepted(database: Database, many: int, dice: random.Random) -> list[Message]:
    """So many SMS that their provider has taken, as the worker leaves them."""
    with database.begin() as conn:
        ids = plan_many(
            conn,
            [f"+1555{number:07}" for number in range(many)],
            channel="sms",
            state=ACCEPTED,
            provider="twilio",
            attempts=1,
        )
        messages = [Message(f"SM{each.hex}", each, dice.random() > _FAILED) for each in ids]
        conn.execute(insert(attempt), [_attempt(each) for each in messages])
        names = update(delivery).where(delivery.c.delivery_id == bindparam("which"))
        conn.execute(
            names.values(provider_message_id=bindparam("sid")),
            [{"which": each.delivery_id, "sid": each.sid} for each in messages],
        )
    return messages


def _attempt(message: Message) -> dict[str, object]:
    return {
        "delivery_id": message.delivery_id,
        "n": 1,
        "provider": "twilio",
        "phase": "ended",
        "result": ACCEPTED,
        "provider_message_id": message.sid,
        "started_at": 1,
        "ended_at": 2,
        "worker": "benchmark",
    }


def statuses(messages: list[Message], dice: random.Random) -> list[Status]:
    """Every status of every message in the order of their arrival."""
    told = [
        (2 * place + dice.uniform(0, _APART), Status(message.sid, word))
        for place, message in enumerate(messages)
        for word in ("sent", message.end)
        for _ in range(2 if dice.random() < _TWICE else 1)
    ]
    return [status for _, status in sorted(told)]
