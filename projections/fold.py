"""The fold of one aggregate: all that a read model needs to go on from, one judged fact at a time.

The domain's own state says how things stand; the fold adds what people ask for beside it: which event
made the status, which came last, how many facts were refused, and the pause that is running. It is
kept as bytes in the aggregate's row, so a chunk goes on where the last one ended; a history that was
revised is folded again from its facts (refold.py). Both go through `advance`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Generic
from uuid import UUID

import msgspec

from domain import chain_order, intervals
from domain.actors import ActorNamed, of_contract
from domain.chain_order import APPLIED, REFUSED_PREFIX, FactJudged, Rules
from domain.contract import CONTRACT_RULES, ContractState
from domain.facts import (
    ContractActorNamed,
    ContractPauseSet,
    Fact,
    StreamActorNamed,
    StreamCreated,
    StreamFact,
    StreamPaused,
)
from domain.intervals import PauseInterval
from domain.state import PAUSED, AggregateState, S
from domain.stream import STREAM_RULES, StreamState, actor_of
from domain.values import decode_value, encode_value


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The event that did something: its id, ledger, tx hash and close time (unix seconds)."""

    event_id: str
    ledger: int
    tx_hash: str
    closed_at: int


class Pause(msgspec.Struct, frozen=True, gc=False):
    """A pause interval with its place in chain order and the ids that key notices about its ends.

    `chain_at`, `place`: where the fact stands that gave the interval its id. `paused_by`: who began it
    (strkey), `paused_by_role`: one of domain/actors.py, None where only the event names them.
    """

    interval: PauseInterval
    chain_at: int
    place: str
    start_cause: str | None
    end_cause: str | None = None
    paused_by: str | None = None
    paused_by_role: str | None = None


class Fold(msgspec.Struct, Generic[S], array_like=True, gc=False):
    """What is known of one aggregate. `stream_id` is None for a contract.

    `version`, `position`: of the recorded event that last shaped it. `entered`: what made the present
    status; `paused_by`: who made it, while paused, with their role once the transaction is known, before
    that whom the event names; `running`: the open pause's place in chain order.
    `listed`: what the searchable row says (streams.py).
    """

    originator_id: UUID
    contract_id: str
    stream_id: int | None
    state: S
    last: Mark
    version: int = 0
    position: int = 0
    created_at: int | None = None
    entered: Mark | None = None
    paused_by: str | None = None
    anomalies: int = 0
    running: str | None = None
    listed: tuple[str, str | None, str | None] | None = None
    paused_by_role: str | None = None


AnyFold = Fold[Any]

_ENCODER = msgspec.msgpack.Encoder(enc_hook=encode_value)
STREAM_DECODER = msgspec.msgpack.Decoder(Fold[StreamState], dec_hook=decode_value)
CONTRACT_DECODER = msgspec.msgpack.Decoder(Fold[ContractState], dec_hook=decode_value)


def rules_of(fact: Fact) -> Rules[Any]:
    """The rules of the aggregate that a fact is about."""
    return STREAM_RULES if isinstance(fact, StreamFact) else CONTRACT_RULES


def begin(originator_id: UUID, fact: Fact) -> AnyFold:
    """The fold of an aggregate that nothing was known of before this fact."""
    stream_id = fact.stream_id if isinstance(fact, StreamFact) else None
    initial = rules_of(fact).initial
    return Fold(originator_id, fact.contract_id, stream_id, initial, mark_of(fact))


def mark_of(fact: Fact) -> Mark:
    """The event that a fact came from."""
    return Mark(fact.event_id, fact.ledger, fact.tx_hash, fact.closed_at)


def take(fold: AnyFold, events: Sequence[tuple[int, FactJudged]]) -> Iterator[Pause]:
    """Go on with facts that came on time, each with its position; gives each pause they move."""
    rules = rules_of(events[0][1].fact)
    for _, event in events:
        fact, before = event.fact, fold.state
        after = chain_order.advance(rules, before, fact, fact.event_id, event.verdict)
        moved = advance(fold, fact, fact.event_id, event.verdict, before, after)
        if moved is not None:
            yield moved
    position, event = events[-1]
    fold.last = mark_of(event.fact)
    fold.version, fold.position = event.originator_version, position


def advance(  # a step of the walk, taken apart
    fold: AnyFold,
    fact: Fact,
    cause: str,
    verdict: str,
    before: AggregateState,
    after: AggregateState,
) -> Pause | None:
    """Take one judged fact in; returns the pause it opened or closed. `last` is the caller's."""
    fold.state = after
    if verdict == APPLIED:
        if type(fact) is StreamCreated:
            fold.created_at = fact.closed_at
    elif verdict.startswith(REFUSED_PREFIX):
        fold.anomalies += 1
    if before.status != after.status:
        return _turn(fold, fact, cause, before, after)
    if isinstance(fact, StreamActorNamed | ContractActorNamed):
        return _name(fold, fact, after)
    return None


def _name(fold: AnyFold, fact: ActorNamed, state: AggregateState) -> Pause | None:
    """Who made the present pause; what was made by other events changes nothing that is shown."""
    if fold.entered is None or fold.entered.event_id != fact.of_event or state.status != PAUSED:
        return None
    actor = actor_of(state, fact) if isinstance(state, StreamState) else of_contract(fact)
    if actor is not None:
        fold.paused_by, fold.paused_by_role = actor
    return _running(fold, state)


def _turn(
    fold: AnyFold, fact: Fact, cause: str, before: AggregateState, after: AggregateState
) -> Pause | None:
    """A change of status: the pause it opened or closed, if any."""
    running = _running(fold, before)
    fold.entered, fold.running = mark_of(fact), None
    fold.paused_by, fold.paused_by_role = _named_in(fact, after), None
    known = None if running is None else running.interval
    interval = intervals.change(before, after, fact, known)
    if interval is None:
        return None
    if interval.ended_by is None:
        fold.running = place(fact)
        return Pause(interval, fact.closed_at, fold.running, cause, paused_by=fold.paused_by)
    if running is None:
        return Pause(interval, fact.closed_at, place(fact), None, cause)
    return msgspec.structs.replace(running, interval=interval, end_cause=cause)


def _running(fold: AnyFold, before: AggregateState) -> Pause | None:
    """The open pause, made again from what began it: the fold stays small."""
    begun = fold.entered
    if fold.running is None or begun is None:
        return None
    known = before.status_start_known
    interval = PauseInterval(
        id=begun.event_id,
        start_known=known,
        paused_at=begun.closed_at if known else None,
        start_ledger=begun.ledger,
        start_tx_hash=begun.tx_hash,
        start_event_id=begun.event_id,
    )
    return Pause(
        interval,
        begun.closed_at,
        fold.running,
        before.status_cause,
        paused_by=fold.paused_by,
        paused_by_role=fold.paused_by_role,
    )


def _named_in(fact: Fact, after: AggregateState) -> str | None:
    """Whom a pause names; a stream's pause that names nobody was its employer's to make."""
    if type(fact) is StreamPaused and type(after) is StreamState:
        return fact.employer or after.employer
    if type(fact) is ContractPauseSet and fact.paused:
        return fact.by
    return None


def place(fact: Fact) -> str:
    """Text that sorts facts of one close time in chain order, and differs for any two of them.

    A space sorts before all that an `order` is made of, so that equal orders meet their event ids.
    """
    return f"{fact.order} {fact.event_id}" if fact.order else fact.event_id


def encode(fold: AnyFold) -> bytes:
    """The stored form of a fold."""
    return _ENCODER.encode(fold)
