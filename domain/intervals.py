"""Pause intervals: what a history of facts says about when something stood still.

A change of status is all it takes: entering `paused` opens an interval, leaving it closes one. What is
first met by `resumed` was paused since an unknown time.
"""

from collections.abc import Iterable

import msgspec

from domain.chain_order import Step
from domain.facts import ContractPauseSet, Fact, StreamResumed
from domain.state import ACTIVE, PAUSED, UNKNOWN, AggregateState

_ENDED_BY = {ACTIVE: "resumed"}


class PauseInterval(msgspec.Struct, frozen=True, gc=False):
    """One pause. `id`: event id of its start, or of its end where the start is unknown.

    Times in unix seconds (ledger close). `ended_by`: resumed, cancelled or exhausted; None while open.
    """

    id: str
    start_known: bool
    paused_at: int | None
    start_ledger: int | None
    start_tx_hash: str | None
    start_event_id: str | None
    resumed_at: int | None = None
    end_ledger: int | None = None
    end_tx_hash: str | None = None
    end_event_id: str | None = None
    ended_by: str | None = None

    @property
    def duration_seconds(self) -> int | None:
        """Seconds from start to end; None while open or where the start is unknown."""
        if self.paused_at is None or self.resumed_at is None or not self.start_known:
            return None
        return self.resumed_at - self.paused_at


def opened(fact: Fact) -> PauseInterval:
    """The interval that a fact begins."""
    return PauseInterval(
        id=fact.event_id,
        start_known=fact.time_known,
        paused_at=fact.closed_at if fact.time_known else None,
        start_ledger=fact.ledger,
        start_tx_hash=fact.tx_hash,
        start_event_id=fact.event_id,
    )


def closed(interval: PauseInterval | None, fact: Fact, status: str) -> PauseInterval:
    """The interval as a fact ends it; None: it began before anything we know."""
    if interval is None:
        interval = PauseInterval(
            id=fact.event_id,
            start_known=False,
            paused_at=None,
            start_ledger=None,
            start_tx_hash=None,
            start_event_id=None,
        )
    return msgspec.structs.replace(
        interval,
        resumed_at=fact.closed_at,
        end_ledger=fact.ledger,
        end_tx_hash=fact.tx_hash,
        end_event_id=fact.event_id,
        ended_by=_ENDED_BY.get(status, status),
    )


def change(
    before: AggregateState, after: AggregateState, fact: Fact, running: PauseInterval | None
) -> PauseInterval | None:
    """The interval that this fact opened or closed, if it did either.

    `running`: the open interval before the fact.
    """
    if before.status == after.status:
        return None
    if after.status == PAUSED:
        return opened(fact)
    first_met_by_its_end = before.status == UNKNOWN and isinstance(
        fact, StreamResumed | ContractPauseSet
    )
    if before.status == PAUSED or first_met_by_its_end:
        return closed(running, fact, after.status)
    return None


def intervals(steps: Iterable[Step]) -> list[PauseInterval]:
    """All pauses of a history judged in chain order, oldest first."""
    found: dict[str, PauseInterval] = {}
    running: PauseInterval | None = None
    for step in steps:
        changed = change(step.before, step.after, step.placed.fact, running)
        if changed is None:
            continue
        found[changed.id] = changed
        running = changed if changed.ended_by is None else None
    return list(found.values())
