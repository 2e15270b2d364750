"""Domain events to bytes and back, under short versioned topics that outlive every refactoring.

`state` is a msgpack array without the originator's id and version, which are columns:

    a fact's topic (stream.paused.1 …)   [fact, employer, employee, verdict, late]
    {stream,contract}.fact_confirmed.1   [storage id, topic of the fact, fact, employer, employee, verdict]
    {stream,contract}.history_revised.1  [since, since event id, job, before, after, state]
    any other event's own topic          its fields in order

A shape that must change gets a new topic number, and the old one an entry in UPCASTERS.
"""

from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from domain import contract, facts, notice, stream
from domain.chain_order import DomainEvent, FactConfirmed, FactJudged, HistoryRevised
from domain.facts import Fact
from domain.state import AggregateState
from domain.values import decode_value, encode_value
from store.errors import UnknownTopic

State = AggregateState | notice.NoticeState
StateT = TypeVar("StateT")

_ENCODER = msgspec.msgpack.Encoder(enc_hook=encode_value)


Change = Callable[[list[Any]], list[Any]]


class Upcaster(NamedTuple):
    """Turns an old stored shape into the next one.

    For a fact's topic `change` gets and gives the fact's own array, for others the whole array.
    """

    topic: str
    change: Change


UPCASTERS: Mapping[str, Upcaster] = {}


def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=decode_value)


def _fields_decoder(event: type[DomainEvent], **kinds: Any) -> msgspec.msgpack.Decoder[Any]:
    """Decodes the array of an event's own fields; `kinds` narrows some of their types."""
    own = msgspec.structs.fields(event)[2:]
    return _decoder(GenericAlias(tuple, tuple(kinds.get(field.name, field.type) for field in own)))


_FACTS: dict[str, type[Fact]] = {
    kind.TOPIC: kind for kind in (*facts.STREAM_FACTS, *facts.CONTRACT_FACTS)
}
_JUDGED = {topic: _fields_decoder(FactJudged, fact=kind) for topic, kind in _FACTS.items()}
_FACT_ALONE = {topic: _decoder(kind) for topic, kind in _FACTS.items()}

_OWN_TOPIC: tuple[type[Any], ...] = (
    contract.GapOpened,
    contract.GapHealed,
    contract.RangeFilled,
    notice.NoticePlanned,
    notice.DeliveryChanged,
    notice.NoticeRead,
)
_OWN_TOPICS: dict[type[DomainEvent], str] = {kind: kind.TOPIC for kind in _OWN_TOPIC}
_PLAIN: dict[str, tuple[type[DomainEvent], msgspec.msgpack.Decoder[Any]]] = {
    topic: (kind, _fields_decoder(kind)) for kind, topic in _OWN_TOPICS.items()
} | {
    "stream.history_revised.1": (
        HistoryRevised,
        _fields_decoder(HistoryRevised, state=stream.StreamState),
    ),
    "contract.history_revised.1": (
        HistoryRevised,
        _fields_decoder(HistoryRevised, state=contract.ContractState),
    ),
}
_CONFIRMED = ("stream.fact_confirmed.1", "contract.fact_confirmed.1")
_CONFIRMED_DECODER = _decoder(
    tuple[str, str, msgspec.Raw, str | None, str | None, str]  # as FactConfirmed, with the topic
)

TOPICS: frozenset[str] = frozenset((*_JUDGED, *_PLAIN, *_CONFIRMED))

_TOPIC_OF_STATE: dict[type[Any], str] = {
    stream.StreamState: "stream.state.1",
    contract.ContractState: "contract.state.1",
    notice.NoticeState: "notice.state.1",
}
STATE_TOPICS = {topic: kind for kind, topic in _TOPIC_OF_STATE.items()}


def encode(event: DomainEvent) -> tuple[str, bytes]:
    """The topic and the stored bytes of a domain event."""
    if isinstance(event, FactJudged):
        fields = (event.fact, event.employer, event.employee, event.verdict, event.late)
        return event.fact.TOPIC, _ENCODER.encode(fields)
    if isinstance(event, FactConfirmed):
        return _encode_confirmed(event)
    if isinstance(event, HistoryRevised):
        owner = "contract" if isinstance(event.state, contract.ContractState) else "stream"
        topic = f"{owner}.history_revised.1"
    else:
        topic = _OWN_TOPICS[type(event)]
    return topic, _ENCODER.encode(msgspec.structs.astuple(event)[2:])


def _encode_confirmed(event: FactConfirmed) -> tuple[str, bytes]:
    owner = "stream" if isinstance(event.fact, facts.StreamFact) else "contract"
    storage_id, fact, *rest = msgspec.structs.astuple(event)[2:]
    return f"{owner}.fact_confirmed.1", _ENCODER.encode((storage_id, fact.TOPIC, fact, *rest))


def decode(
    topic: str,
    state: bytes,
    originator_id: UUID,
    originator_version: int,
    *,
    upcasters: Mapping[str, Upcaster] = UPCASTERS,
) -> DomainEvent:
    """The domain event that was stored. Raises UnknownTopic; msgspec.DecodeError for damaged bytes."""
    topic, changes = _newest(topic, upcasters)
    if changes:
        state = _changed(state, changes, fact_only=topic in _JUDGED)
    judged = _JUDGED.get(topic)
    if judged is not None:
        return FactJudged(originator_id, originator_version, *judged.decode(state))
    if topic in _CONFIRMED:
        fields = _confirmed_fields(state, upcasters)
        return FactConfirmed(originator_id, originator_version, *fields)
    try:
        kind, decoder = _PLAIN[topic]
    except KeyError:
        raise UnknownTopic(topic) from None
    return kind(originator_id, originator_version, *decoder.decode(state))


def _confirmed_fields(state: bytes, upcasters: Mapping[str, Upcaster]) -> tuple[Any, ...]:
    storage_id, old_topic, raw, *rest = _CONFIRMED_DECODER.decode(state)
    topic, changes = _newest(old_topic, upcasters)
    if topic not in _FACT_ALONE:
        raise UnknownTopic(topic)
    if changes:
        raw = _changed(raw, changes, fact_only=False)
    return storage_id, _FACT_ALONE[topic].decode(raw), *rest


def _newest(topic: str, upcasters: Mapping[str, Upcaster]) -> tuple[str, list[Change]]:
    """The topic that an old one has become, and the changes that lead there, oldest first."""
    changes = []
    while topic in upcasters:
        topic, change = upcasters[topic]
        changes.append(change)
    return topic, changes


def _changed(raw: bytes, changes: list[Change], *, fact_only: bool) -> bytes:
    """Apply the changes to the whole array, or to the fact at its beginning."""
    fields = msgspec.msgpack.decode(raw)
    for change in changes:
        if fact_only:
            fields[0] = change(fields[0])
        else:
            fields = change(fields)
    return msgspec.msgpack.encode(fields)


def encode_state(state: State) -> bytes:
    """The stored form of an aggregate's state (caches and snapshots)."""
    return _ENCODER.encode(state)


def decode_state(kind: type[StateT], raw: bytes) -> StateT:
    """The state that encode_state stored."""
    return msgspec.msgpack.decode(raw, type=kind, dec_hook=decode_value)


def state_topic(state: State) -> str:
    """The topic of a snapshot of this state."""
    return _TOPIC_OF_STATE[type(state)]


def decode_snapshot(topic: str, raw: bytes) -> State:
    """The state in a snapshot. Raises UnknownTopic."""
    kind = STATE_TOPICS.get(topic)
    if kind is None:
        raise UnknownTopic(topic)
    state: State = decode_state(kind, raw)
    return state
