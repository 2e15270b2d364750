"""Where a notice goes: the inbox always, and each of the recipient's places while the news is fresh.

Pure. In: a notice's id and kind, its ledger's close, the recipient's contacts. Out: delivery rows. The
inbox row is delivered by being written; what is too old for a channel is kept as expired, and counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from notifier import privacy, states
from notifier.content import IN_APP
from notifier.news import (
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    CORRECTION,
    REMINDER,
    REVISED,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    STREAM_PAUSED,
    STREAM_RESUMED,
    family,
)
from notifier.preferences import DAILY
from notifier.recipients import Contact

PUSH = "push"
STALE = "stale"
ONE_PLACE = "-"  # endpoint of a channel that has one place per recipient
MICROS = 1_000_000

# Lower is claimed first: who has stopped earning hears before who earns again.
PRIORITIES: Mapping[str, int] = {
    STREAM_PAUSED: 0,
    STREAM_CANCELLED_WHILE_PAUSED: 0,
    CONTRACT_PAUSED: 0,
    STREAM_CANCELLED: 1,
    STREAM_RESUMED: 1,
    CONTRACT_RESUMED: 1,
    REMINDER: 1,
    REVISED: 2,
    CORRECTION: 2,
}
IN_APP_ONLY = frozenset({REVISED, CORRECTION})


class Place(NamedTuple):
    """A channel and endpoint on which a notice goes out beside the inbox, or why it must not."""

    channel: str
    endpoint: str
    contact_id: UUID
    suppressed: str | None = None


class PlannedDelivery(NamedTuple):
    """A new row of `delivery`; the fields are its columns, times in microseconds."""

    delivery_id: UUID
    notice_id: UUID
    channel: str
    endpoint: str
    contact_id: UUID | None
    state: str
    reason: str | None
    generation: int
    priority: int
    available_at: int
    deadline_at: int
    attempts: int
    possible_duplicate: bool
    planned_at: int
    delivered_at: int | None
    updated_at: int
    bundle: str | None = None
    purpose: str | None = None


def places_for(kind: str, contacts: Sequence[Contact], channels: Iterable[str]) -> Iterator[Place]:
    """Where a notice of this kind goes beside the inbox: each push device, else one place a channel.

    `contacts`: oldest first; a suppressed one stands back. `channels`: those that this deployment has.
    """
    if kind in IN_APP_ONLY:
        return
    left = set(channels)
    for contact_id, channel, suppressed in sorted(contacts, key=_is_suppressed):
        if channel not in left:
            continue
        if channel == PUSH:
            yield Place(channel, str(contact_id), contact_id, suppressed)
        else:
            left.discard(channel)
            yield Place(channel, ONE_PLACE, contact_id, suppressed)


def _is_suppressed(contact: Contact) -> bool:
    return contact.suppressed is not None


def inbox_delivery(notice_id: UUID, kind: str, now: int) -> PlannedDelivery:
    """The in-app message: there as soon as it is written."""
    return PlannedDelivery(
        privacy.delivery_id(notice_id, IN_APP, ONE_PLACE),
        notice_id,
        IN_APP,
        ONE_PLACE,
        contact_id=None,
        state=states.DELIVERED,
        reason=None,
        generation=0,
        priority=PRIORITIES[family(kind)],
        available_at=now,
        deadline_at=now,
        attempts=0,
        possible_duplicate=False,
        planned_at=now,
        delivered_at=now,
        updated_at=now,
    )


def sent_delivery(
    notice_id: UUID,
    kind: str,
    place: Place,
    *,
    deadline_at: int,
    now: int,
    held_until: int | None = None,
) -> PlannedDelivery:
    """A delivery that the relay takes on, now or later, or one that must not leave."""
    state, reason = (states.PENDING if held_until is None else states.HELD), None
    if place.suppressed is not None:
        state, reason = states.SUPPRESSED, place.suppressed
    elif now >= deadline_at:
        state, reason = states.EXPIRED, STALE
    return PlannedDelivery(
        privacy.delivery_id(notice_id, place.channel, place.endpoint),
        notice_id,
        place.channel,
        place.endpoint,
        contact_id=place.contact_id,
        state=state,
        reason=reason,
        generation=0,
        priority=PRIORITIES[family(kind)],
        available_at=now if held_until is None else held_until,
        deadline_at=deadline_at,
        attempts=0,
        possible_duplicate=False,
        planned_at=now,
        delivered_at=None,
        updated_at=now,
    )


def for_digest(planned: PlannedDelivery, bundle: str) -> PlannedDelivery:
    """One that waits for its reader's daily digest, with the others; unchanged where it never leaves."""
    if planned.state != states.HELD:
        return planned
    return planned._replace(reason=DAILY, bundle=bundle)
