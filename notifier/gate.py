"""11a By which provider a claimed letter leaves, or until when it waits for one.

In: a claim and its destination, in the claim's transaction. Out: the channel that carries it, or a time.
Next: deliver.py hands it over.

Where a channel is one provider, the relay has asked its breaker already and nothing is asked here. Where it
is several services, whose a destination is shows only now, and so does the breaker that counts: a letter
for a sick one goes back unsent, at no attempt's cost, and holds up nobody.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from notifier import circuit
from notifier.channels.channel import Channel
from notifier.channels.push_services import PushServices

CIRCUIT_OPEN = "circuit_open"


class Postponed(NamedTuple):
    """Not now: due again at `until`, microseconds; `reason` as the delivery shows it."""

    until: int
    reason: str


class Gate:
    """Decides for the channels of one deployment, by name."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels

    def way(
        self, conn: Connection, channel_name: str, destination: str, now: int
    ) -> Channel | Postponed:
        """Who carries it, or when to ask again. Raises DestinationRejected: nobody does."""
        channel = self._channels[channel_name]
        if not isinstance(channel, PushServices):
            return channel
        service = channel.carrier(destination)
        until = circuit.closed_until(conn, service.provider, now)
        return service if until is None else Postponed(until, CIRCUIT_OPEN)
