"""How an aggregate decides about the facts of a slice: on time one by one, late ones with a revision.

Pure: whoever calls brings the state and, where facts are late, the aggregate's events so far.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from domain.chain_order import (
    DomainEvent,
    FactConfirmed,
    FactJudged,
    HistoryRevised,
    Rules,
    Step,
    advance,
    placed_facts,
    standing,
    walk,
)
from domain.errors import HistoryMissing
from domain.facts import Fact
from domain.state import AggregateState, S


def storage_match(state: AggregateState, fact: Fact) -> str | None:
    """The id of the unconfirmed storage fact that this event tells of, if there is one."""
    if not state.unconfirmed or fact.from_storage:
        return None
    for mark in state.unconfirmed:
        if mark.topic == fact.TOPIC and mark.closed_at == fact.closed_at:
            return mark.event_id
    return None


def is_late(state: AggregateState, fact: Fact) -> bool:
    """Whether the fact belongs before what the aggregate has seen (a confirming one always does)."""
    if state.tip is None:
        return False
    return fact.chain_key < state.tip or storage_match(state, fact) is not None


def decide(
    rules: Rules[S],
    originator_id: UUID,
    state: S,
    facts: Sequence[Fact],
    *,
    past: Sequence[DomainEvent] | None = None,
    job: str | None = None,
) -> tuple[list[DomainEvent], S]:
    """Judge one aggregate's facts of a slice: late ones, one revision, then the rest.

    `facts`: new ones only, any order. `past`: the aggregate's events so far; needed when any fact is
    late. Returns the domain events in version order and the state after them.
    Raises HistoryMissing.
    """
    in_order = sorted(facts, key=lambda fact: fact.chain_key)
    late = [fact for fact in in_order if is_late(state, fact)]
    events: list[DomainEvent] = []
    if late:
        if past is None:
            raise HistoryMissing(
                f"{len(late)} late facts of {originator_id} need the events so far"
            )
        events, state = _revise(rules, originator_id, state, late, past=past, job=job)
        late_ids = {fact.event_id for fact in late}
        in_order = [fact for fact in in_order if fact.event_id not in late_ids]
    for fact in in_order:
        event, state = judge_next(rules, originator_id, state, fact)
        events.append(event)
    return events, state


def judge_next(rules: Rules[S], originator_id: UUID, state: S, fact: Fact) -> tuple[FactJudged, S]:
    """Judge one fact on time."""
    verdict = rules.judge(state, fact)
    version = state.version + 1
    after = advance(rules, state, fact, fact.event_id, verdict, version)
    employer, employee = rules.parties(after)
    return FactJudged(originator_id, version, fact, employer, employee, verdict), after


def _revise(
    rules: Rules[S],
    originator_id: UUID,
    state: S,
    late: Sequence[Fact],
    *,
    past: Sequence[DomainEvent],
    job: str | None,
) -> tuple[list[DomainEvent], S]:
    """Late facts (in chain order) and the one revision that places them."""
    matches = _match_storage(state, late)
    drafts: list[FactJudged | FactConfirmed] = []
    for version, fact in enumerate(late, start=state.version + 1):
        storage_id = matches.get(fact.event_id)
        if storage_id is None:
            drafts.append(FactJudged(originator_id, version, fact, None, None, "", late=True))
        else:
            drafts.append(FactConfirmed(originator_id, version, storage_id, fact, None, None, ""))
    steps = list(walk(rules, placed_facts([*past, *drafts])))
    at_fact = {step.placed.fact.event_id: step for step in steps}
    events: list[DomainEvent] = [
        _with_verdict(rules, draft, at_fact[draft.fact.event_id]) for draft in drafts
    ]
    refolded: S = steps[-1].after  # type: ignore[assignment] # the walk keeps the rules' state type
    version = state.version + len(late) + 1
    revised = msgspec.structs.replace(rules.carry(state, refolded), version=version)
    events.append(
        HistoryRevised(
            originator_id,
            version,
            since=late[0].chain_key,
            since_event_id=late[0].event_id,
            job=job,
            before=standing(rules, state),
            after=standing(rules, revised),
            state=revised,
        )
    )
    return events, revised


def _match_storage(state: AggregateState, late: Sequence[Fact]) -> dict[str, str]:
    """Pair confirming events with storage facts one to one: {event id: storage id}."""
    open_marks = list(state.unconfirmed)
    pairs: dict[str, str] = {}
    for fact in late:
        if fact.from_storage:
            continue
        for mark in open_marks:
            if mark.topic == fact.TOPIC and mark.closed_at == fact.closed_at:
                pairs[fact.event_id] = mark.event_id
                open_marks.remove(mark)
                break
    return pairs


def _with_verdict(
    rules: Rules[S], draft: FactJudged | FactConfirmed, step: Step
) -> FactJudged | FactConfirmed:
    after: S = step.after  # type: ignore[assignment] # the walk keeps the rules' state type
    employer, employee = rules.parties(after)
    return msgspec.structs.replace(
        draft, employer=employer, employee=employee, verdict=step.verdict
    )
