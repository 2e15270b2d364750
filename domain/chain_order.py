"""Chain order: facts are judged where they happened, however late they were learned.

`position` and `version` say when we learned; `chain_key` says when it happened. A fact beyond the
aggregate's tip is judged against the state. A fact before it is recorded late and changes nothing by
itself; one `HistoryRevised` per slice then carries the fold of all facts in chain order, so that the
plain left fold by version always equals the fold in chain order.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from domain.facts import Fact
from domain.state import AggregateState, Changes, S, StorageMark
from domain.values import ChainKey

APPLIED = "applied"
REPEATED = "repeated"
REFUSED_PREFIX = "refused: "


# Employer and employee: whom a stream concerns; both None on a contract.
Parties: TypeAlias = tuple[str | None, str | None]
NO_PARTIES: Parties = (None, None)


class DomainEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an aggregate decided; `originator_version` counts from 1 in the order of learning."""

    originator_id: UUID
    originator_version: int


class FactJudged(DomainEvent, frozen=True, array_like=True, gc=False):
    """One fact, the parties as folded at it, and the verdict as judged then."""

    fact: Fact
    employer: str | None
    employee: str | None
    verdict: str
    late: bool = False


class FactConfirmed(DomainEvent, frozen=True, array_like=True, gc=False):
    """An event that tells what a storage fact had told before; its place and id count from now on."""

    storage_id: str
    fact: Fact
    employer: str | None
    employee: str | None
    verdict: str


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What people are told about: status and parties."""

    status: str
    employer: str | None
    employee: str | None


class HistoryRevised(DomainEvent, frozen=True, array_like=True, gc=False):
    """Late facts moved the history: `state` is the fold of all facts in chain order.

    `since`, `since_event_id`: the earliest late fact. `job`: the ingest job that brought them, if any.
    """

    since: ChainKey
    since_event_id: str
    job: str | None
    before: Standing
    after: Standing
    state: AggregateState


class Placed(NamedTuple):
    """A fact in chain order, and the id its notices are keyed by."""

    fact: Fact
    cause: str


class Step(NamedTuple):
    """One fact judged in chain order, with the state on either side."""

    placed: Placed
    verdict: str
    before: AggregateState
    after: AggregateState


@dataclass(frozen=True, kw_only=True)
class Rules(Generic[S]):
    """What differs between kinds of aggregates.

    `judge(state, fact)` gives the verdict; `absorb(state, fact, cause)` what an applied fact changes;
    `carry(old, refolded)` keeps what is not folded from facts when a history is revised.
    """

    initial: S
    judge: Callable[[S, Any], str]
    absorb: Callable[[S, Any, str], Changes]
    parties: Callable[[S], Parties]
    carry: Callable[[S, S], S]


def advance(
    rules: Rules[S], state: S, fact: Fact, cause: str, verdict: str, version: int | None = None
) -> S:
    """The state after a judged fact; `cause`: its Placed's; None keeps the version.

    A repeated fact changes no status, but it may tell what keeps it so.
    """
    changes = rules.absorb(state, fact, cause) if verdict in (APPLIED, REPEATED) else {}
    key = fact.chain_key
    if state.tip is None or key > state.tip:
        changes["tip"] = key
    if version is not None:
        changes["version"] = version
    if fact.from_storage:
        mark = StorageMark(fact.TOPIC, fact.closed_at, fact.event_id)
        changes["unconfirmed"] = (*state.unconfirmed, mark)
    return msgspec.structs.replace(state, **changes)


def evolve(rules: Rules[S], state: S, event: DomainEvent) -> S:
    """The left fold by version, one step."""
    version = event.originator_version
    if isinstance(event, FactJudged) and not event.late:
        return advance(rules, state, event.fact, event.fact.event_id, event.verdict, version)
    if isinstance(event, HistoryRevised):
        revised: S = event.state  # type: ignore[assignment] # the mapper decodes each aggregate's own state type
        return msgspec.structs.replace(revised, version=version)
    return msgspec.structs.replace(state, version=version)


def placed_facts(events: Iterable[DomainEvent]) -> list[Placed]:
    """The facts of an aggregate's events in chain order; a confirmed one stands where its event does."""
    known: dict[str, Placed] = {}
    for event in events:
        if isinstance(event, FactJudged):
            known[event.fact.event_id] = Placed(event.fact, event.fact.event_id)
        elif isinstance(event, FactConfirmed):
            cause = known.pop(event.storage_id).cause
            known[event.fact.event_id] = Placed(event.fact, cause)
    return sorted(known.values(), key=lambda placed: (placed.fact.chain_key, placed.fact.event_id))


def walk(rules: Rules[S], placed: Iterable[Placed]) -> Iterator[Step]:
    """Judge facts one after the other in chain order, from the beginning."""
    state = rules.initial
    for each in placed:
        verdict = rules.judge(state, each.fact)
        after = advance(rules, state, *each, verdict)
        yield Step(each, verdict, state, after)
        state = after


def standing(rules: Rules[S], state: S) -> Standing:
    """What people are told about."""
    employer, employee = rules.parties(state)
    return Standing(state.status, employer, employee)
