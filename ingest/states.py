"""The states that T1 decides on: kept in memory, read on a miss, dropped on any doubt.

Only the active indexer writes histories, so what it keeps is right until a transaction fails; then
everything is forgotten and read again. Bounded: beyond that many aggregates all are forgotten.

An Aggregate is a place in memory that facts of one slice can be grouped by: hashing a UUID for each of
them cost 8 % of the whole path.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain import chain_order, contract
from domain.chain_order import Rules
from domain.contract import CONTRACT_RULES
from domain.state import AggregateState
from domain.stream import STREAM_RULES, StreamState
from domain.values import NetworkId, contract_uuid, stream_uuid
from store import bulk, log, mapper
from store.schema import stream_state

AGGREGATES_KEPT = 200_000


class Aggregate:
    """A stream, or a contract (`stream_id` None), and its last committed state where that is known."""

    __slots__ = ("contract_id", "originator_id", "rules", "state", "stream_id")

    def __init__(
        self, originator_id: UUID, rules: Rules[Any], contract_id: str, stream_id: int | None
    ) -> None:
        self.originator_id = originator_id
        self.rules = rules
        self.contract_id = contract_id
        self.stream_id = stream_id
        self.state: AggregateState | None = None


class StateCache:
    """The aggregates of one network."""

    def __init__(self, network: NetworkId, kept: int = AGGREGATES_KEPT) -> None:
        self._network = network
        self._kept = kept
        self._streams: dict[tuple[str, int], Aggregate] = {}
        self._contracts: dict[str, Aggregate] = {}

    def stream(self, contract_id: str, stream_id: int) -> Aggregate:
        """The aggregate of a stream; its state may not be loaded."""
        found = self._streams.get((contract_id, stream_id))
        if found is None:
            originator_id = stream_uuid(self._network, contract_id, stream_id)
            found = Aggregate(originator_id, STREAM_RULES, contract_id, stream_id)
            self._streams[contract_id, stream_id] = found
        return found

    def contract(self, contract_id: str) -> Aggregate:
        """The aggregate of a contract; its state may not be loaded."""
        found = self._contracts.get(contract_id)
        if found is None:
            originator_id = contract_uuid(self._network, contract_id)
            found = Aggregate(originator_id, CONTRACT_RULES, contract_id, None)
            self._contracts[contract_id] = found
        return found

    def load(self, conn: Connection, aggregates: Iterable[Aggregate]) -> None:
        """Read the states that are not known; what has no history begins with the initial state."""
        missing = [each for each in aggregates if each.state is None]
        streams = {each.originator_id: each for each in missing if each.stream_id is not None}
        key = stream_state.c.originator_id
        rows = bulk.select_many(conn, (key, stream_state.c.state), key, list(streams))
        for found, state in rows:
            streams[found].state = mapper.decode_state(StreamState, state)
        for event in log.read_beyond_state(conn, [found for found, _ in rows]):
            aggregate = streams[event.originator_id]
            before = aggregate.state or aggregate.rules.initial
            aggregate.state = chain_order.evolve(aggregate.rules, before, event)
        for each in missing:
            if each.stream_id is None:
                recorded = log.read_aggregate(conn, each.originator_id)
                each.state = contract.fold(None, (one.event for one in recorded))
            each.state = each.state or each.rules.initial

    def keep(self, states: Mapping[Aggregate, AggregateState]) -> None:
        """Take over what a committed transaction decided."""
        for aggregate, state in states.items():
            aggregate.state = state
        if len(self._streams) > self._kept:
            self.forget()

    def forget(self) -> None:
        """Drop everything: a transaction failed, or somebody else may have written meanwhile."""
        self._streams.clear()
        self._contracts.clear()
