"""The state of each stream just before and after an event, so that news can say what it ended.

A bounded memory over the log: a stream followed from its first event, or met lately, costs no read; any
other is folded from its own events once. States of a transaction that was rolled back are noticed by
their version and folded again.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from domain.chain_order import DomainEvent, FactConfirmed, FactJudged, HistoryRevised
from domain.facts import StreamFact
from domain.stream import STREAM_RULES, StreamState, evolve
from store.log import Recorded, read_aggregates

REMEMBERED_STREAMS = 50_000  # about 40 MB


class Histories:
    """States of streams by aggregate id, the least lately used forgotten first."""

    def __init__(self, remembered: int = REMEMBERED_STREAMS) -> None:
        self._remembered = remembered
        self._states: dict[UUID, StreamState] = {}

    def load(self, conn: Connection, chunk: Sequence[Recorded]) -> None:
        """Have the states at hand from which the chunk's stream events go on."""
        firsts = _first_events(chunk)
        unknown = [stream for stream, event in firsts.items() if not self._knows(event)]
        if unknown:
            pasts = read_aggregates(conn, unknown, up_to=chunk[0].position - 1)
            for stream, past in pasts.items():
                self._states[stream] = _folded(each.event for each in past)

    def step(self, event: DomainEvent) -> tuple[StreamState, StreamState]:
        """The stream's state before and after this event, which must be its next one."""
        before = self._states.pop(event.originator_id, STREAM_RULES.initial)
        after = evolve(before, event)
        self._states[event.originator_id] = after
        return before, after

    def trim(self) -> None:
        """Forget what is beyond the bound; called between chunks."""
        for originator_id in list(self._states)[: -self._remembered]:
            del self._states[originator_id]

    def _knows(self, event: DomainEvent) -> bool:
        if event.originator_version == 1:
            self._states.pop(event.originator_id, None)
            return True
        state = self._states.get(event.originator_id)
        return state is not None and state.version == event.originator_version - 1


def concerns_stream(event: DomainEvent) -> bool:
    """Whether the event belongs to a stream's aggregate."""
    if isinstance(event, FactJudged | FactConfirmed):
        return isinstance(event.fact, StreamFact)
    return isinstance(event, HistoryRevised) and isinstance(event.state, StreamState)


def _first_events(chunk: Sequence[Recorded]) -> dict[UUID, DomainEvent]:
    """The first event of each stream in a chunk."""
    firsts: dict[UUID, DomainEvent] = {}
    for recorded in chunk:
        if concerns_stream(recorded.event):
            firsts.setdefault(recorded.event.originator_id, recorded.event)
    return firsts


def _folded(events: Iterable[DomainEvent]) -> StreamState:
    state = STREAM_RULES.initial
    for event in events:
        state = evolve(state, event)
    return state
