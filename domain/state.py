"""What every aggregate that can be paused remembers, and how it enters a status.

Streams and contracts share this: status, since when, by which fact, and the totals of closed pauses.
"""

from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from domain.facts import Fact
from domain.values import ChainKey

UNKNOWN = "unknown"
ACTIVE = "active"
PAUSED = "paused"
CANCELLED = "cancelled"
EXHAUSTED = "exhausted"


class StorageMark(NamedTuple):
    """A storage fact that no event has confirmed yet: the fact's topic, close second and id."""

    topic: str
    closed_at: int
    event_id: str


class AggregateState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The fold of an aggregate's facts in chain order.

    `tip`: the highest chain key seen, refused facts included. `status_at`: unix seconds.
    `status_cause`: the id that keys notices about the present status (a storage id stays the key
    after an event confirmed it). `paused_seconds`: closed pauses with a known start.
    """

    version: int = 0
    tip: ChainKey | None = None
    unconfirmed: tuple[StorageMark, ...] = ()
    status: str = UNKNOWN
    status_at: int | None = None
    status_event_id: str | None = None
    status_cause: str | None = None
    status_start_known: bool = True
    pause_count: int = 0
    paused_seconds: int = 0


S = TypeVar("S", bound=AggregateState)

# New values of a state's fields, by name: however many rules have a say, a state is copied once a fact.
Changes: TypeAlias = dict[str, Any]


def enter(state: AggregateState, status: str, fact: Fact, cause: str) -> Changes:
    """Take a status on because of a fact; a pause that ends is added to the totals."""
    if status == state.status:
        return {}
    count, seconds = state.pause_count, state.paused_seconds
    if state.status == PAUSED and state.status_start_known and state.status_at is not None:
        seconds += fact.closed_at - state.status_at
    if status == PAUSED and fact.time_known:
        count += 1
    return {
        "status": status,
        "status_at": fact.closed_at,
        "status_event_id": fact.event_id,
        "status_cause": cause,
        "status_start_known": fact.time_known,
        "pause_count": count,
        "paused_seconds": seconds,
    }
