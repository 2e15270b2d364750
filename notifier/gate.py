"""11a By which provider a claimed letter leaves, or until when it waits for one.

In: a claim and its letter, in the claim's transaction. Out: the channel that carries it, or a time.
Next: deliver.py hands it over.

Where a channel is one provider, the relay has asked its breaker and its bucket already; only what has
asked for patience since then is looked at again. Where it is several services, whose a destination is
shows only now, and so does the breaker that counts: a letter for a sick one goes back unsent, at no
attempt's cost, and holds up nobody.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from notifier import circuit
from notifier.attempts import Claim
from notifier.buckets import RATE, provider_bucket, site_bucket
from notifier.channels.channel import Channel
from notifier.channels.push_services import PushServices
from notifier.pacing import Pacing
from notifier.patience import held_until

CIRCUIT_OPEN = "circuit_open"


class Postponed(NamedTuple):
    """Not now: due again at `until`, microseconds; `reason` as the delivery shows it."""

    until: int
    reason: str


class Bound(Protocol):
    """Where a letter goes; `site`: keyed hash of where that is at, empty: nowhere that counts."""

    @property
    def destination(self) -> str:
        """In clear."""
        ...

    @property
    def site(self) -> str:
        """See sites.py."""
        ...


class Gate:
    """Decides for the channels of one deployment, by name."""

    def __init__(self, channels: Mapping[str, Channel], pacing: Pacing) -> None:
        self._channels = channels
        self._pacing = pacing

    def way(self, conn: Connection, held: Claim, bound: Bound, now: int) -> Channel | Postponed:
        """Who carries it, or when to ask again. Raises DestinationRejected: nobody does."""
        channel = self._channels[held.channel]
        sites = (site_bucket(held.channel, bound.site),) if bound.site else ()
        if not isinstance(channel, PushServices):
            return self._unless_held(conn, channel, sites, now)
        service = channel.carrier(bound.destination)
        way = self._unless_held(conn, service, sites, now)
        if isinstance(way, Postponed):
            return way
        until = circuit.closed_until(conn, service.provider, now)
        if until is not None:
            return Postponed(until, CIRCUIT_OPEN)
        until = self._pacing.pass_provider(conn, held, service.provider, now)
        return service if until is None else Postponed(until, RATE)

    def _unless_held(
        self, conn: Connection, channel: Channel, sites: tuple[str, ...], now: int
    ) -> Channel | Postponed:
        names = (provider_bucket(channel.provider), *sites)
        until = held_until(conn, names, now)
        return channel if until is None else Postponed(until, RATE)
