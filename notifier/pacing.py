"""9b Pacing: which of the due deliveries of a channel leave now, and which wait for their turn.

In: due deliveries, urgent ones first (9a turns.py). Out: those to queue; the others due again at their
turn, with the reason `rate`, or expired where no turn comes before the deadline. Next: 9 relay.py queues.

A delivery takes from up to three buckets: its provider's, its site's (a mail domain), its person's. Who
waits is moved out of the way, so that an empty bucket holds up nobody else. What did not leave is given
back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, update

from notifier import buckets
from notifier.attempts import Claim
from notifier.buckets import RATE, person_bucket, provider_bucket, site_bucket
from notifier.limits import Admission, Pace, Want
from notifier.schema import contact, delivery
from notifier.states import EXPIRED, PENDING, RETRY_WAIT, move_all
from store import bulk

MOST_URGENT = 0  # of delivery.priority

_PUT_OFF = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("is_delivery_id"))
    .values(available_at=bindparam("to_available_at"), updated_at=bindparam("to_now"), reason=RATE)
)


class Unsent(Protocol):
    """A delivery that did not leave: a row, or a claim."""

    @property
    def channel(self) -> str:
        """Its channel."""
        ...

    @property
    def contact_id(self) -> UUID | None:
        """Its place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """What settings ask for. `domains`: by the keyed hash of the domain. `persons`: by channel."""

    providers: Mapping[str, Pace] = field(default_factory=dict)
    domain: Pace | None = None
    domains: Mapping[str, Pace | None] = field(default_factory=dict)
    persons: Mapping[str, Pace] = field(default_factory=dict)

    def of(self, bucket: str) -> Pace | None:
        """The pace of a bucket, by its name; None: it is only ever held."""
        kind, _, rest = bucket.partition(":")
        if kind == "provider":
            return self.providers.get(rest)
        channel, _, name = rest.partition(":")
        if kind == "person":
            return self.persons.get(channel)
        return self.domains.get(name, self.domain) if channel == "email" else None


class Pacing:
    """Decides for the relays and workers of one deployment."""

    def __init__(self, paces: Paces = Paces()) -> None:  # frozen
        self._paces = paces

    def choose(
        self, conn: Connection, due: Sequence[Row[Any]], provider: str, *, now: int, most: int
    ) -> Admission:
        """Who of these (turns.candidates) leaves now; those that cannot are put off."""
        wants = [self._want(row, provider) for row in due]
        found = buckets.decide(conn, wants, self._paces.of, now=now, most=most)
        self._put_off(conn, found, now)
        return found

    def pass_provider(self, conn: Connection, held: Claim, provider: str, now: int) -> int | None:
        """A worker asks for a delivery whose provider shows only now: None it may, else until when."""
        bucket = provider_bucket(provider)
        if self._paces.of(bucket) is None:
            return None
        want = Want(
            held.delivery_id,
            (bucket,),
            urgent=held.priority <= MOST_URGENT,
            deadline_at=held.deadline_at,
        )
        found = buckets.decide(conn, [want], self._paces.of, now=now, most=1)
        if found.admitted:
            return None
        return found.waiting.get(want.delivery_id, want.deadline_at)

    def give_back(
        self, conn: Connection, rows: Sequence[Unsent], providers: Mapping[str, str], now: int
    ) -> None:
        """Put back what deliveries took that did not leave."""
        places = {row.contact_id for row in rows if row.contact_id is not None}
        columns = (contact.c.contact_id, contact.c.site_lookup, contact.c.recipient_id)
        known = {
            found[0]: (found[1], found[2])
            for found in bulk.select_many(conn, columns, contact.c.contact_id, sorted(places))
        }
        names = [
            name
            for row in rows
            for name in self._names(
                row.channel, providers.get(row.channel), *known.get(row.contact_id, (None, None))
            )
        ]
        paces = [(name, pace) for name in names if (pace := self._paces.of(name)) is not None]
        buckets.give_back(conn, paces, now)

    def _want(self, row: Row[Any], provider: str) -> Want:
        names = self._names(row.channel, provider, row.site_lookup, row.recipient_id)
        urgent = row.priority <= MOST_URGENT
        return Want(row.delivery_id, names, urgent=urgent, deadline_at=row.deadline_at)

    def _names(
        self, channel: str, provider: str | None, site: str | None, person: str | None
    ) -> tuple[str, ...]:
        names = [] if provider is None else [provider_bucket(provider)]
        if site:
            names.append(site_bucket(channel, site))
        if person is not None and channel in self._paces.persons:
            names.append(person_bucket(channel, person))
        return tuple(names)

    def _put_off(self, conn: Connection, found: Admission, now: int) -> None:
        if found.waiting:
            conn.execute(
                _PUT_OFF,
                [
                    {"is_delivery_id": each, "to_available_at": at, "to_now": now}
                    for each, at in found.waiting.items()
                ],
            )
        if found.hopeless:
            move_all(
                conn,
                delivery.c.delivery_id.in_(found.hopeless),
                origin=frozenset({PENDING, RETRY_WAIT}),
                to=EXPIRED,
                now=now,
                changes={"reason": RATE, "token": None, "lease_until": None},
            )
