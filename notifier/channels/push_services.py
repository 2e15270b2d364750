"""The channel push, made of services: whose a destination is says by which one a letter leaves.

Each service has its own provider name, attempts and breaker: a browser's push service that is away must not
hold up a telephone.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from notifier.channels.channel import Admitted, Channel, Handover, Letter
from notifier.errors import DestinationRejected
from notifier.push_places import service_of


class PushServices:
    """Push through the services that this deployment has, by their names."""

    provider = "push"

    def __init__(self, services: Mapping[str, Channel]) -> None:
        self.services = dict(services)

    def carrier(self, destination: str) -> Channel:
        """The service that a destination is of. Raises DestinationRejected: we have none for it."""
        found = self.services.get(service_of(destination) or "")
        if found is None:
            raise DestinationRejected("of no push service that this deployment has")
        return found

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: Admitted) -> AsyncIterator[Handover]:
        """As the destination's service does."""
        async with self.carrier(destination).prepare(letter, destination) as handover:
            yield handover

    async def close(self) -> None:
        """Close every service."""
        for service in self.services.values():
            await service.close()
