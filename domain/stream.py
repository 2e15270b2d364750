"""The aggregate of one payment stream: how its facts are judged and what it remembers.

The chain has already decided what happened; `judge` says whether that fits what we know. A fact that
does not is kept as refused (an anomaly), changes nothing, and is judged anew when late facts arrive.
A stream may be first met by any fact: whatever was not seen before is unknown, not illegal.
"""

from collections.abc import Callable, Iterable
from typing import Any

from domain import actors, chain_order, facts
from domain.chain_order import APPLIED, REFUSED_PREFIX, REPEATED, Rules
from domain.state import (
    ACTIVE,
    CANCELLED,
    EXHAUSTED,
    PAUSED,
    UNKNOWN,
    AggregateState,
    Changes,
    enter,
)
from domain.values import I128

ALREADY_CREATED = REFUSED_PREFIX + "the stream already exists"
ALREADY_PAUSED = REFUSED_PREFIX + "the stream is already paused"
NOT_PAUSED = REFUSED_PREFIX + "the stream is not paused"
ALREADY_CANCELLED = REFUSED_PREFIX + "the stream is cancelled"


class StreamState(AggregateState, frozen=True, array_like=True, gc=False):
    """The fold of a stream's facts; `rate` in base units per second.

    `from_creation`: its creation was seen, so whoever is its delegate is known.
    """

    employer: str | None = None
    employee: str | None = None
    proposed_employer: str | None = None
    delegate: str | None = None
    rate: I128 | None = None
    from_creation: bool = False


def actor_of(state: StreamState, fact: actors.ActorNamed) -> actors.Actor | None:
    """Who acted, as what they are to the stream at that place; None: nobody is named."""
    return actors.of_stream(fact, state.employer, state.delegate, from_creation=state.from_creation)


def _judge(state: StreamState, fact: facts.StreamFact) -> str:
    if state.status == CANCELLED and not _may_follow_cancellation(state, fact):
        return ALREADY_CANCELLED
    judge = _JUDGES.get(type(fact))
    return APPLIED if judge is None else judge(state, fact)


def _may_follow_cancellation(state: StreamState, fact: facts.StreamFact) -> bool:
    """A withdrawal of what was earned, the cancellation stated once more, or who made it, is no anomaly."""
    if isinstance(fact, facts.StatusStated):
        return fact.status == state.status
    return isinstance(fact, facts.StreamWithdrawn | facts.StreamActorNamed)


def _judge_paused(state: StreamState, _: facts.StreamPaused) -> str:
    """An exhausted stream may have been refilled silently: the chain's pause is believed."""
    return ALREADY_PAUSED if state.status == PAUSED else APPLIED


def _judge_resumed(state: StreamState, _: facts.StreamResumed) -> str:
    return APPLIED if state.status in (PAUSED, UNKNOWN) else NOT_PAUSED


def _judge_created(state: StreamState, _: facts.StreamCreated) -> str:
    return APPLIED if state.status == UNKNOWN else ALREADY_CREATED


def _judge_stated(state: StreamState, fact: facts.StatusStated) -> str:
    return REPEATED if fact.status == state.status else APPLIED


def _judge_actor(state: StreamState, fact: facts.StreamActorNamed) -> str:
    return actors.verdict_of(actor_of(state, fact))


# By type: telling structs apart by isinstance one after the other took as long as all the rest.
_JUDGES: dict[type[facts.StreamFact], Callable[[StreamState, Any], str]] = {
    facts.StreamPaused: _judge_paused,
    facts.StreamResumed: _judge_resumed,
    facts.StreamCreated: _judge_created,
    facts.StatusStated: _judge_stated,
    facts.StreamActorNamed: _judge_actor,
}


def _created(state: StreamState, fact: facts.StreamCreated, cause: str) -> Changes:
    return enter(state, ACTIVE, fact, cause) | {
        "employer": fact.employer,
        "employee": fact.employee,
        "rate": fact.rate,
        "from_creation": True,
    }


def _parties(state: StreamState, employer: str | None, employee: str | None) -> Changes:
    return {"employer": employer or state.employer, "employee": employee or state.employee}


def _paused(state: StreamState, fact: facts.StreamPaused, cause: str) -> Changes:
    return _parties(state, fact.employer, fact.employee) | enter(state, PAUSED, fact, cause)


def _resumed(state: StreamState, fact: facts.StreamResumed, cause: str) -> Changes:
    return _parties(state, fact.employer, fact.employee) | enter(state, ACTIVE, fact, cause)


def _cancelled(state: StreamState, fact: facts.StreamCancelled, cause: str) -> Changes:
    return _parties(state, fact.employer, fact.employee) | enter(state, CANCELLED, fact, cause)


def _transferred(state: StreamState, fact: facts.EmployeeTransferred, _: str) -> Changes:
    return _parties(state, None, fact.employee)


def _employer_proposed(state: StreamState, fact: facts.EmployerProposed, _: str) -> Changes:
    return {"employer": fact.employer or state.employer, "proposed_employer": fact.proposed}


def _employer_accepted(state: StreamState, fact: facts.EmployerAccepted, _: str) -> Changes:
    return {"employer": fact.employer or state.employer, "proposed_employer": None}


def _topped_up(state: StreamState, fact: facts.StreamToppedUp, cause: str) -> Changes:
    return enter(state, ACTIVE, fact, cause) if state.status == EXHAUSTED else {}


def _rate_changed(_: StreamState, fact: facts.RateChanged, __: str) -> Changes:
    return {"rate": fact.rate}


def _status_stated(state: StreamState, fact: facts.StatusStated, cause: str) -> Changes:
    return enter(state, fact.status, fact, cause)


def _delegate_set(_: StreamState, fact: facts.DelegateSet, __: str) -> Changes:
    return {"delegate": fact.delegate}


_ABSORB: dict[type[facts.StreamFact], Callable[[StreamState, Any, str], Changes]] = {
    facts.StreamCreated: _created,
    facts.StreamPaused: _paused,
    facts.StreamResumed: _resumed,
    facts.StreamCancelled: _cancelled,
    facts.EmployeeTransferred: _transferred,
    facts.EmployerProposed: _employer_proposed,
    facts.EmployerAccepted: _employer_accepted,
    facts.StreamToppedUp: _topped_up,
    facts.RateChanged: _rate_changed,
    facts.StatusStated: _status_stated,
    facts.DelegateSet: _delegate_set,
}


def _absorb(state: StreamState, fact: facts.StreamFact, cause: str) -> Changes:
    change = _ABSORB.get(type(fact))
    return {} if change is None else change(state, fact, cause)


STREAM_RULES: Rules[StreamState] = Rules(
    initial=StreamState(),
    judge=_judge,
    absorb=_absorb,
    parties=lambda state: (state.employer, state.employee),
    carry=lambda _, refolded: refolded,
)


def evolve(state: StreamState, event: chain_order.DomainEvent) -> StreamState:
    """One step of the left fold by version."""
    return chain_order.evolve(STREAM_RULES, state, event)


def fold(
    state: StreamState | None, events: Iterable[chain_order.DomainEvent]
) -> StreamState | None:
    """The projector for the library's repository: None only where there was nothing at all."""
    for event in events:
        state = evolve(state or STREAM_RULES.initial, event)
    return state
