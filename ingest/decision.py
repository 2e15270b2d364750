"""What one transaction will write about a slice of contract events, and the rows of its states."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, insert

from domain.chain_order import DomainEvent, FactConfirmed, FactJudged, HistoryRevised
from domain.state import CANCELLED, AggregateState
from domain.stream import StreamState
from ingest.coverage import LedgerRange
from ingest.states import Aggregate
from store import bulk, mapper
from store.schema import snapshot, stream_state

OUTCOME_APPLIED = "applied"
OUTCOME_IGNORED = "ignored"
OUTCOME_QUARANTINED = "quarantined"

SNAPSHOT_EVERY = 100
# Versions that a stream's row may lack: read from the log where the state is loaded (states.py).
STATE_EVERY = 8
_STATE_COLUMNS = (
    "originator_id",
    "contract_id",
    "stream_id",
    "version",
    "status",
    "employer",
    "employee",
    "state",
)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one contract event; `profile`: name@version of the profile that read it."""

    outcome: str
    reason: str | None
    profile: str | None


class Reread(NamedTuple):
    """Ledgers whose evidence of a contract was read as if other code ran there."""

    contract_id: str
    ledgers: LedgerRange


@dataclass
class Decision:
    """Everything that one transaction will write about a slice."""

    events: list[DomainEvent] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    states: dict[Aggregate, AggregateState] = field(default_factory=dict)
    rereads: list[Reread] = field(default_factory=list)

    def offsets(self) -> dict[str, int]:
        """Which domain event tells of a contract event: {event id: index in `events`}."""
        return {
            event.fact.event_id: index
            for index, event in enumerate(self.events)
            if type(event) is FactJudged or isinstance(event, FactConfirmed)
        }


def united(decisions: Sequence[Decision]) -> Decision:
    """Decisions of which none concerns what another does, in their order, as one."""
    if len(decisions) == 1:
        return decisions[0]
    together = Decision()
    for each in decisions:
        together.events += each.events
        together.outcomes |= each.outcomes
        together.states |= each.states
        together.rereads += each.rereads
    return together


def write_states(conn: Connection, decision: Decision) -> None:
    """Write the decision cache's rows, and snapshots, where they are due."""
    rows = [
        (
            aggregate.originator_id,
            aggregate.contract_id,
            aggregate.stream_id,
            state.version,
            state.status,
            state.employer,
            state.employee,
            mapper.encode_state(state),
        )
        for aggregate, state in decision.states.items()
        if isinstance(state, StreamState) and _is_due(aggregate.state, state)
    ]
    bulk.upsert_many(conn, stream_state, ("originator_id",), _STATE_COLUMNS, rows)
    _write_snapshots(conn, decision)


def _is_due(before: AggregateState | None, after: StreamState) -> bool:
    """Whether a stream's row must say more than it does: who streams, or it is eight versions behind.

    To write it for each event took more of PostgreSQL's time than all the rest of a slice.
    """
    if not isinstance(before, StreamState) or before.version == 0:
        return True
    if before.version // STATE_EVERY != after.version // STATE_EVERY:
        return True
    return _who_streams(before) != _who_streams(after)


def _who_streams(state: StreamState) -> tuple[str | None, str | None, bool]:
    """What others read of a row."""
    return state.employer, state.employee, state.status == CANCELLED


def _write_snapshots(conn: Connection, decision: Decision) -> None:
    """One snapshot per aggregate each 100 versions, and wherever a history was revised."""
    due = {
        event.originator_id
        for event in decision.events
        if event.originator_version % SNAPSHOT_EVERY == 0 or type(event) is HistoryRevised
    }
    if not due:
        return
    for aggregate, state in decision.states.items():
        if aggregate.originator_id in due:
            conn.execute(
                insert(snapshot).values(
                    originator_id=aggregate.originator_id,
                    originator_version=state.version,
                    topic=mapper.state_topic(state),
                    state=mapper.encode_state(state),
                )
            )
