"""The one Application of the event-sourcing library: aggregates as they stand, or stood at a version.

Bulk work does not come through here (store/log.py appends and reads); both write the same rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    InfrastructureFactory,
    JSONTranscoder,
    Mapper,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType

from domain import contract, notice, stream
from domain.chain_order import DomainEvent
from domain.contract import ContractState
from domain.notice import NoticeState
from domain.stream import StreamState
from store.engine import Database
from store.factory import Factory
from store.mapper import (
    STATE_TOPICS,
    State,
    decode,
    decode_snapshot,
    encode,
    encode_state,
    state_topic,
)

StateT = TypeVar("StateT", StreamState, ContractState, NoticeState)
Fold = Callable[[StateT | None, Iterable[DomainEvent]], StateT | None]


@dataclass(frozen=True)
class StateSnapshot:
    """An aggregate's state at a version, in the shape of an event: the fold goes on from it."""

    originator_id: UUID
    originator_version: int
    state: State


class MsgspecMapper(Mapper[UUID]):
    """The library's door to store/mapper.py; knows no ciphers: the log holds nothing personal."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # asked for by the library, never used

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """A domain event or a snapshot as it is stored."""
        if isinstance(domain_event, StateSnapshot):
            topic, state = state_topic(domain_event.state), encode_state(domain_event.state)
        else:
            topic, state = encode(cast("DomainEvent", domain_event))
        return StoredEvent(
            domain_event.originator_id, domain_event.originator_version, topic, state
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """What was stored. Raises UnknownTopic."""
        originator_id = cast("UUID", stored_event.originator_id)
        version = stored_event.originator_version
        if stored_event.topic in STATE_TOPICS:
            state = decode_snapshot(stored_event.topic, stored_event.state)
            return StateSnapshot(originator_id, version, state)
        return decode(stored_event.topic, stored_event.state, originator_id, version)


class Histories(Application[UUID]):
    """Streams, contracts and notices by their ids; close it before its database."""

    name = "pausewire"
    log_section_size = 1000

    def __init__(self, database: Database) -> None:
        self._database = database
        super().__init__()

    def stream(self, originator_id: UUID, *, version: int | None = None) -> StreamState | None:
        """A stream's state now or at a version; None where nothing is recorded."""
        return self._get(originator_id, version, stream.fold)

    def contract(self, originator_id: UUID, *, version: int | None = None) -> ContractState | None:
        """A contract's state, likewise."""
        return self._get(originator_id, version, contract.fold)

    def notice(self, originator_id: UUID, *, version: int | None = None) -> NoticeState | None:
        """A notice's state, likewise."""
        return self._get(originator_id, version, notice.fold)

    def _get(self, originator_id: UUID, version: int | None, fold: Fold[StateT]) -> StateT | None:
        def project(state: Any, events: Iterable[Any]) -> Any:
            for event in events:
                is_snapshot = isinstance(event, StateSnapshot)
                state = event.state if is_snapshot else fold(state, (event,))
            return state

        try:
            found: Any = self.repository.get(originator_id, version=version, projector_func=project)
        except AggregateNotFoundError:
            return None
        return cast("StateT", found)

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Settings come from Pausewire's configuration, never from the library's variables."""
        del env
        return Environment(name, {"IS_SNAPSHOTTING_ENABLED": "y"})

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        """Our recorders, on the database of this process."""
        factory: InfrastructureFactory[Any] = Factory(env, database=self._database)
        return factory

    def construct_mapper(self) -> MsgspecMapper:
        """Our mapper."""
        return MsgspecMapper()
