"""One channel by several providers, in the order in which they are wanted.

By which one a letter leaves is decided where it is claimed (gate.py): the first whose breaker is closed,
and after a try that provably was not sent the one behind it. Each has its own name, attempts, breaker and
bucket.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from notifier.channels.channel import Admitted, Channel, Handover, Letter
from notifier.errors import ProviderFault, Transient


class Several:
    """The providers of a channel. `provider`: of all of them together, which is no provider's name."""

    def __init__(self, name: str, channels: Sequence[Channel]) -> None:
        self.provider = f"{name} by several"
        self.channels = tuple(channels)

    def behind(self, provider: str) -> tuple[Channel, ...]:
        """Those that follow a provider; none where it is the last one, or not known."""
        names = [channel.provider for channel in self.channels]
        place = names.index(provider) if provider in names else len(names)
        return self.channels[place + 1 :]

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: Admitted) -> AsyncIterator[Handover]:
        """By the first that can be reached: for whoever knows no gate. Raises what the last one said."""
        *others, last = self.channels
        async with AsyncExitStack() as stack:
            for channel in others:
                try:
                    handover = await stack.enter_async_context(channel.prepare(letter, destination))
                except (Transient, ProviderFault):
                    continue
                yield handover
                return
            yield await stack.enter_async_context(last.prepare(letter, destination))

    async def close(self) -> None:
        """Close every one."""
        for channel in self.channels:
            await channel.close()
