"""A channel that does as it is told and remembers what left."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from notifier.channels.channel import Letter, Receipt


class FakeChannel:
    """`refusing`: raised while preparing; `failing`: raised when the bytes have left."""

    def __init__(
        self,
        *,
        provider: str = "fake",
        refusing: Exception | None = None,
        failing: Exception | None = None,
    ) -> None:
        self.provider = provider
        self.refusing = refusing
        self.failing = failing
        self.on_send: Callable[[], None] = lambda: None
        self.prepared: list[Letter] = []
        self.sent: list[tuple[Letter, str]] = []
        self.has_arrived = False
        self.closed = False

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: str) -> AsyncIterator["FakeHandover"]:
        if self.refusing is not None:
            raise self.refusing
        self.prepared.append(letter)
        yield FakeHandover(self, letter, destination)

    async def close(self) -> None:
        self.closed = True


class FakeHandover:
    def __init__(self, channel: FakeChannel, letter: Letter, destination: str) -> None:
        self._channel = channel
        self._letter = letter
        self._destination = destination

    async def send(self) -> Receipt:
        self._channel.sent.append((self._letter, self._destination))
        self._channel.on_send()
        if self._channel.failing is not None:
            raise self._channel.failing
        return Receipt(
            provider_message_id=f"fake-{self._letter.delivery_id}",
            status_code=250,
            detail="taken",
            has_arrived=self._channel.has_arrived,
        )
