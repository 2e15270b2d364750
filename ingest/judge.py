"""What a slice of contract events will change: decided before the transaction begins.

In: contract events that are not in evidence yet, in id order.
Out: a Decision: domain events in log order, outcomes, the states after.
Next: record.py writes it, whole or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TypeAlias

from sqlalchemy import Connection

from domain import judgement
from domain.contract import ContractState
from domain.facts import ContractUpgraded, Fact, StreamFact
from ingest.code_history import CodeHistory, ReadsAlike
from ingest.decision import (
    OUTCOME_APPLIED,
    OUTCOME_IGNORED,
    OUTCOME_QUARANTINED,
    Decision,
    Outcome,
)
from ingest.decode import ContractEvent
from ingest.states import Aggregate, StateCache
from ingest.told import Tellable, Told
from ingest.translate import Applied, Quarantined, Translation
from store import log

Translate = Callable[[ContractEvent, str | None], Translation]
Addressed = tuple[Aggregate, Fact]
Translated: TypeAlias = list[tuple[Tellable, Translation]]
Code: TypeAlias = dict[str, CodeHistory]


def never_alike(_contract_id: str, wasm: str | None, other: str | None) -> bool:
    """What holds of a reader that does not say how it uses the code."""
    return wasm == other


class Judge:
    """Turns contract events into decisions of their aggregates."""

    def __init__(
        self, translate: Translate, cache: StateCache, reads_alike: ReadsAlike = never_alike
    ) -> None:
        self._translate = translate
        self._cache = cache
        self._reads_alike = reads_alike

    def decide(
        self, conn: Connection, events: Sequence[Tellable], *, job: str | None = None
    ) -> Decision:
        """Judge a slice. `events`: new ones, ascending; `job`: the ingest job that brings them."""
        return self.decide_read(conn, self.read(conn, events), job=job)

    def read(self, conn: Connection, events: Sequence[Tellable]) -> Translated:
        """Each event, and how it reads by the code that ran at its place; the upgrades come first."""
        code = self._code_of(conn, {event.contract_id for event in events})
        upgrades: dict[str, Translation] = {}
        for event in events:
            if isinstance(event, Told) or event.type == "system":
                found = self._read(event, None)
                upgrades[event.event_id] = found
                _note_upgrade(code, found)
        return [
            (event, upgrades.get(event.event_id) or self._read_at(event, code)) for event in events
        ]

    def decide_read(
        self, conn: Connection, translated: Translated, *, job: str | None = None
    ) -> Decision:
        """Judge events that were read already."""
        decision = Decision()
        facts = _understand(translated, decision)
        code = self._code_of(conn, {event.contract_id for event, _ in translated})
        for _, found in translated:
            _note_upgrade(code, found)
        rereads = (history.reread(self._reads_alike) for history in code.values())
        decision.rereads = [reread for reread in rereads if reread is not None]
        addressed = [(self._aggregate(fact), fact) for fact in facts]
        self._load(conn, addressed, decision)
        late = self._decide_late(conn, addressed, decision, job)
        for aggregate, fact in addressed:
            if aggregate not in late:
                event, decision.states[aggregate] = judgement.judge_next(
                    aggregate.rules, aggregate.originator_id, decision.states[aggregate], fact
                )
                decision.events.append(event)
        return decision

    def _read(self, event: Tellable, wasm: str | None) -> Translation:
        if isinstance(event, Told):
            return Applied(event.fact, event.told_by)
        return self._translate(event, wasm)

    def _read_at(self, event: Tellable, code: Code) -> Translation:
        wasm = code[event.contract_id].wasm_at(event.closed_at, event.event_id)
        return self._read(event, wasm)

    def _code_of(self, conn: Connection, contract_ids: Iterable[str]) -> Code:
        """What each contract ran and when, as far as its history tells."""
        contracts = [self._cache.contract(contract_id) for contract_id in contract_ids]
        self._cache.load(conn, contracts)
        return {
            each.contract_id: CodeHistory(each.contract_id, each.state.upgrades)
            for each in contracts
            if isinstance(each.state, ContractState)
        }

    def _aggregate(self, fact: Fact) -> Aggregate:
        if isinstance(fact, StreamFact):
            return self._cache.stream(fact.contract_id, fact.stream_id)
        return self._cache.contract(fact.contract_id)

    def _load(self, conn: Connection, addressed: Sequence[Addressed], decision: Decision) -> None:
        concerned = dict.fromkeys(aggregate for aggregate, _ in addressed)
        self._cache.load(conn, concerned)
        decision.states = {
            each: each.rules.initial if each.state is None else each.state for each in concerned
        }

    def _decide_late(
        self,
        conn: Connection,
        addressed: Sequence[Addressed],
        decision: Decision,
        job: str | None,
    ) -> set[Aggregate]:
        """Decide the aggregates that have any late fact; returns which."""
        late = dict.fromkeys(
            aggregate
            for aggregate, fact in addressed
            if judgement.is_late(decision.states[aggregate], fact)
        )
        for aggregate in late:
            facts = [fact for owner, fact in addressed if owner is aggregate]
            past = [each.event for each in log.read_aggregate(conn, aggregate.originator_id)]
            events, decision.states[aggregate] = judgement.decide(
                aggregate.rules,
                aggregate.originator_id,
                decision.states[aggregate],
                facts,
                past=past,
                job=job,
            )
            decision.events.extend(events)
        return set(late)


def _note_upgrade(code: Code, found: Translation) -> None:
    if type(found) is Applied and type(found.fact) is ContractUpgraded:
        code[found.fact.contract_id].add(found.fact)


def _understand(translated: Translated, decision: Decision) -> list[Fact]:
    """The facts in chain order; what became of each event is noted in the decision."""
    facts: list[Fact] = []
    for event, found in translated:
        if isinstance(found, Applied):
            facts.append(found.fact)
            outcome = Outcome(OUTCOME_APPLIED, None, found.profile)
        elif isinstance(found, Quarantined):
            outcome = Outcome(OUTCOME_QUARANTINED, found.reason, found.profile)
        else:
            outcome = Outcome(OUTCOME_IGNORED, found.reason, found.profile)
        decision.outcomes[event.event_id] = outcome
    facts.sort(key=attrgetter("chain_key"))
    return facts
