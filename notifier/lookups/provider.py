"""What a provider that can be asked has to know: how to ask for one message, and how to read the answer.

In: a question about one delivery. Out: the event that its callback would have told, for callbacks/ to
work off as any other; None: the provider has no news, or knows no such message. Nothing is sent by
asking.
"""

from typing import NamedTuple, Protocol
from uuid import UUID

import aiohttp

from notifier.callbacks.tidings import Event


class Question(NamedTuple):
    """A delivery to ask for. `message_id` None: no answer ever told one, so that it is looked for.

    `reference`: what its text carries; `since`: when it was handed over, microseconds.
    """

    delivery_id: UUID
    message_id: str | None
    destination: str
    reference: str
    since: int


class AskRefused(Exception):  # named for the fact, as NotifierError's leaves
    """The provider did not answer the question; `retry_after_seconds` where it says when it will."""

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class LookUp(Protocol):
    """One provider that can be asked.

    `provider`: its name, as deliveries have it; `callbacks`: as callbacks have it, and its bucket.
    """

    provider: str
    callbacks: str

    async def ask(self, session: aiohttp.ClientSession, question: Question) -> Event | None:
        """What became of it. Raises AskRefused."""
        ...
