"""A revised history folded again: all facts of an aggregate up to a position, in chain order.

Late facts moved what had been judged: state, pauses, verdicts and parties are those of the walk over
all facts, not of the order in which they were learned.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.chain_order import (
    FactConfirmed,
    FactJudged,
    HistoryRevised,
    Parties,
    Placed,
    Step,
    placed_facts,
    walk,
)
from projections import fold as folds
from projections.fold import AnyFold, Pause
from store.log import Recorded, read_aggregates


class Ranked(NamedTuple):
    """A fact at its rank in chain order: where the log has it, and what is judged of it now."""

    rank: int
    position: int
    verdict: str
    parties: Parties


class Refolded(NamedTuple):
    """An aggregate's history in chain order; `version` of the revision that asked for it."""

    version: int
    fold: AnyFold
    pauses: list[Pause]
    ranked: list[Ranked]


def fold_facts(
    originator_id: UUID, placed: Sequence[Placed]
) -> tuple[AnyFold, list[Pause], list[Step]]:
    """Fold facts (at least one, in chain order) from the beginning; pauses oldest first."""
    first = placed[0].fact
    fold = folds.begin(originator_id, first)
    steps = list(walk(folds.rules_of(first), placed))
    pauses: dict[str, Pause] = {}
    for step in steps:
        fact, cause = step.placed
        changed = folds.advance(fold, fact, cause, step.verdict, step.before, step.after)
        if changed is not None:
            pauses[changed.interval.id] = changed
    fold.last = folds.mark_of(placed[-1].fact)
    return fold, list(pauses.values()), steps


def refold(conn: Connection, revised: Sequence[tuple[int, HistoryRevised]]) -> dict[UUID, Refolded]:
    """Fold the facts of aggregates up to and with their revision, each given with its position."""
    if not revised:
        return {}
    up_to = max(position for position, _ in revised)
    histories = read_aggregates(conn, [event.originator_id for _, event in revised], up_to=up_to)
    return {
        event.originator_id: _refold(histories[event.originator_id], position, event)
        for position, event in revised
    }


def _refold(history: Sequence[Recorded], position: int, revision: HistoryRevised) -> Refolded:
    known = [each for each in history if each.position <= position]
    fold, pauses, steps = fold_facts(
        revision.originator_id, placed_facts(each.event for each in known)
    )
    fold.version, fold.position = revision.originator_version, position
    recorded_at = {
        each.event.fact.event_id: each.position
        for each in known
        if isinstance(each.event, FactJudged | FactConfirmed)
    }
    rules = folds.rules_of(steps[0].placed.fact)
    ranked = [
        Ranked(
            rank,
            recorded_at[step.placed.fact.event_id],
            step.verdict,
            rules.parties(step.after),
        )
        for rank, step in enumerate(steps, start=1)
    ]
    return Refolded(revision.originator_version, fold, pauses, ranked)
