"""The aggregate of one notice: planned for a recipient, tried on channels, read.

A notice's id comes from the recipient's secret key (architecture §6), so the log says that somebody
was told, and only whoever holds the key can say who. Times are microseconds since 1970.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from domain.chain_order import DomainEvent


class NoticePlanned(DomainEvent, frozen=True, array_like=True):
    """Somebody should know. `recipient_id`: keyed hash, hex. `cause_event_id`: what happened."""

    TOPIC = "notice.planned.1"

    recipient_id: str
    kind: str
    cause_event_id: str
    contract_id: str
    stream_id: int | None
    late: bool
    planned_at: int


class DeliveryChanged(DomainEvent, frozen=True, array_like=True):
    """A delivery entered a state that matters to a proof (never a destination, only its channel)."""

    TOPIC = "notice.delivery_changed.1"

    delivery_id: UUID
    channel: str
    endpoint: str
    state: str
    reason: str | None
    attempt: int
    provider: str | None
    changed_at: int


class NoticeRead(DomainEvent, frozen=True, array_like=True):
    """The recipient read the notice: in the inbox, or behind the link of a letter."""

    TOPIC = "notice.read.1"

    read_at: int


class NoticeState(msgspec.Struct, frozen=True, array_like=True):
    """The fold of a notice's events: the last state of each delivery, and when it was read."""

    version: int = 0
    recipient_id: str = ""
    kind: str = ""
    cause_event_id: str = ""
    deliveries: dict[str, str] = {}
    read_at: int | None = None


def evolve(state: NoticeState, event: DomainEvent) -> NoticeState:
    """One step of the left fold by version."""
    state = msgspec.structs.replace(state, version=event.originator_version)
    if isinstance(event, NoticePlanned):
        return msgspec.structs.replace(
            state,
            recipient_id=event.recipient_id,
            kind=event.kind,
            cause_event_id=event.cause_event_id,
        )
    if isinstance(event, DeliveryChanged):
        deliveries = state.deliveries | {str(event.delivery_id): event.state}
        return msgspec.structs.replace(state, deliveries=deliveries)
    if isinstance(event, NoticeRead):
        return msgspec.structs.replace(state, read_at=state.read_at or event.read_at)
    return state


def fold(state: NoticeState | None, events: Iterable[DomainEvent]) -> NoticeState | None:
    """The projector for the library's repository: None only where there was nothing at all."""
    for event in events:
        state = evolve(state or NoticeState(), event)
    return state
