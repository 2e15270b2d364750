"""12 What every channel promises: prepare without harm, then send once and bring back a receipt.

In: a letter (rendered content of one delivery) and a destination in clear that the guest list admitted,
from deliver.py.
Out: a Receipt, or one DeliveryError that says what is proven (errors.py).
Next: 13 attempts.py writes the outcome.

Sending has two phases, because the hand-off mark is committed between them: entering `prepare` may
connect, log in, name sender and recipient, and can be repeated freely; `send` lets the bytes leave.
"""

import base64
import hashlib
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NewType, Protocol
from uuid import UUID

# A destination in clear to which letters may leave. guests.py makes them, and nobody else
# (tests/house/test_ways_out.py): what did not pass the guest list fits no channel.
Admitted = NewType("Admitted", str)

# Enough of the far side's words to understand a refusal, too little to keep a message.
DETAIL_CHARACTERS = 200
_COLLAPSE_BYTES = 24
# Controls, and bytes that were no UTF-8 (surrogates): no database takes them as text.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What leaves. The same delivery always makes the same letter, so a repeat can be recognised.

    `thread`: one value per stream, for channels that group. `kind`: what it tells. `unsubscribe_url`: by
    which its reader asks for no more. `planned_at`, `deadline_at`: microseconds.
    """

    delivery_id: UUID
    thread: str
    subject: str
    text: str
    html: str | None
    planned_at: int
    deadline_at: int
    kind: str = "notice"
    unsubscribe_url: str | None = None

    @property
    def collapse_key(self) -> str:
        """What push services and devices know the stream by: the newer message takes the older one's place.

        32 characters of base64url, as RFC 8030 §5.4 allows for a Topic.
        """
        digest = hashlib.sha256(self.thread.encode()).digest()[:_COLLAPSE_BYTES]
        return base64.urlsafe_b64encode(digest).decode()

    def seconds_left(self, now: float) -> int:
        """How long the letter is of use, at least 1. `now`: unix seconds."""
        return max(1, int(self.deadline_at / 1_000_000 - now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the far side answered when it took the letter.

    `has_arrived`: it is where it was to go, not only with somebody who carries it on.
    """

    provider_message_id: str
    status_code: int | None = None
    enhanced_code: str | None = None
    detail: str | None = None
    has_arrived: bool = False


class Handover(Protocol):
    """A letter ready to leave."""

    async def send(self) -> Receipt:
        """Let it leave, once. Raises DeliveryError; any other exception means its fate is unknown."""
        ...


class Channel(Protocol):
    """A way to a person through one provider. Bound to the event loop it first ran on."""

    provider: str

    def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AbstractAsyncContextManager[Handover]:
        """Do all that can fail harmlessly; leaving the context gives connections back.

        Raises DeliveryError, never OutcomeUnknown: nothing has left yet.
        """
        ...

    async def close(self) -> None:
        """Close what is kept open. Closed twice is closed."""
        ...


def quoted(words: str, destination: str | None = None) -> str:
    """The far side's words on one line, cut, without the destination they often repeat."""
    line = " ".join(_UNPRINTABLE.sub(" ", words).split())
    if destination:
        line = re.sub(
            re.escape(destination.lstrip("+")), "<destination>", line, flags=re.IGNORECASE
        )
    return line[:DETAIL_CHARACTERS]
