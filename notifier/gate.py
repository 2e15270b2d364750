"""11a By which provider a claimed letter leaves, or until when it waits for one.

In: a claim and its letter, in the claim's transaction. Out: the channel that carries it, or a time.
Next: deliver.py hands it over.

Where a channel is one provider, the relay has asked its breaker and its bucket already; only what has
asked for patience since then is looked at again. Where it is several services, whose a destination is
shows only now, and so does the breaker that counts: a letter for a sick one goes back unsent, at no
attempt's cost, and holds up nobody.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, select

from notifier import circuit
from notifier.attempts import Claim
from notifier.buckets import RATE, provider_bucket, site_bucket
from notifier.channels.channel import Channel
from notifier.channels.push_services import PushServices
from notifier.channels.several import Several
from notifier.pacing import Pacing
from notifier.patience import held_until
from notifier.retry import PROVEN_NOT_SENT, WAITS_SECONDS
from notifier.schema import attempt

CIRCUIT_OPEN = "circuit_open"
_SECOND = 1_000_000


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
        if isinstance(channel, PushServices):
            return self._by(conn, held, [channel.carrier(bound.destination)], bound, now)
        if isinstance(channel, Several):
            return self._by_one_of(conn, held, channel, bound, now)
        until = _held_until(conn, channel, held, bound, now)
        return channel if until is None else Postponed(until, RATE)

    def has_another(self, channel_name: str, provider: str) -> bool:
        """Whether a provider stands behind this one."""
        channel = self._channels[channel_name]
        return isinstance(channel, Several) and bool(channel.behind(provider))

    def _by_one_of(
        self, conn: Connection, held: Claim, channel: Several, bound: Bound, now: int
    ) -> Channel | Postponed:
        """The first that is well; after a try that was not sent, one that stands behind that try's."""
        last = _last_try(conn, held)
        behind = () if last is None else channel.behind(last.provider)
        if not behind or last is None:
            return self._by(conn, held, channel.channels, bound, now)
        way = self._by(conn, held, behind, bound, now)
        if not isinstance(way, Postponed):
            return way
        if now >= last.again_at:
            return self._by(conn, held, channel.channels, bound, now)
        # None behind it is well, and it has just failed itself: the letter waits as for a lone provider.
        return way._replace(until=min(way.until, last.again_at))

    def _by(
        self, conn: Connection, held: Claim, channels: Sequence[Channel], bound: Bound, now: int
    ) -> Channel | Postponed:
        """The first of these that is well, at its pace: who is only slow is not left for another."""
        sick: list[Postponed] = []
        for channel in channels:
            until = _held_until(conn, channel, held, bound, now)
            if until is not None:
                sick.append(Postponed(until, RATE))
                continue
            until = circuit.closed_until(conn, channel.provider, now)
            if until is not None:
                sick.append(Postponed(until, CIRCUIT_OPEN))
                continue
            until = self._pacing.pass_provider(conn, held, channel.provider, now)
            return channel if until is None else Postponed(until, RATE)
        return min(sick)


def _held_until(
    conn: Connection, channel: Channel, held: Claim, bound: Bound, now: int
) -> int | None:
    """Until when this provider, or the letter's site, has asked for patience."""
    names = [provider_bucket(channel.provider)]
    if bound.site:
        names.append(site_bucket(held.channel, bound.site))
    return held_until(conn, names, now)


class _Try(NamedTuple):
    """The last try. `again_at`: when its provider may have the letter once more."""

    provider: str
    again_at: int


def _last_try(conn: Connection, held: Claim) -> _Try | None:
    """Of this delivery, proven not sent; None: it has had none, or what it sent may have arrived."""
    before = held.attempt_number - 1
    if before == 0:
        return None
    row = conn.execute(
        select(attempt.c.provider, attempt.c.ended_at, attempt.c.result).where(
            attempt.c.delivery_id == held.delivery_id, attempt.c.n == before
        )
    ).one_or_none()
    if row is None or row.result not in PROVEN_NOT_SENT:
        return None
    wait = WAITS_SECONDS[min(before, len(WAITS_SECONDS)) - 1]
    return _Try(row.provider, (row.ended_at or held.claimed_at) + wait * _SECOND)
