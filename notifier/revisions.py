"""What late facts made of a history: the same aggregate with them and without them, side by side.

One revision and all revisions of a job are read the same way. What was recorded on time stands on both
sides, so live news between a job's slices is not taken for the job's doing.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.chain_order import (
    APPLIED,
    DomainEvent,
    FactConfirmed,
    FactJudged,
    HistoryRevised,
    Parties,
    Rules,
    Step,
    placed_facts,
    standing,
    walk,
)
from domain.contract import RangeFilled
from domain.intervals import PauseInterval, intervals
from domain.state import S
from notifier.content import Pause
from notifier.news import REVISED, Listener, News, stream_of
from store.log import Recorded, read_aggregate

LISTED_PAUSES = 5  # a note names the latest of them; the history shows all


class Change(NamedTuple, Generic[S]):
    """An aggregate's history judged in chain order, as it reads in three cases.

    `known`: when the first late facts came, which is what people were told. `before`: now, had the late
    facts never come. `after`: now. For a single revision `known` and `before` are the same.
    """

    rules: Rules[S]
    known: list[Step]
    before: list[Step]
    after: list[Step]

    @property
    def parties_before(self) -> Parties:
        """Whom the aggregate would concern now without the late facts."""
        return self.rules.parties(_end(self.before))

    @property
    def parties_after(self) -> Parties:
        """Whom it concerns."""
        return self.rules.parties(_end(self.after))

    @property
    def stands_differently(self) -> bool:
        """Whether people should hear how it stands: status or parties are not what they knew.

        What live facts changed while a job ran counts too: who was told of it is not told again.
        """
        known, before, after = (
            standing(self.rules, _end(steps)) for steps in (self.known, self.before, self.after)
        )
        return not known == before == after

    @property
    def first_late(self) -> Step:
        """The earliest fact that the late facts added."""
        known = {step.placed.fact.event_id for step in self.before}
        return next(step for step in self.after if step.placed.fact.event_id not in known)

    @property
    def outdated_causes(self) -> set[str]:
        """The causes of news that no longer hold: refused now, or no longer the present status."""
        applied = {step.placed.cause for step in self.after if step.verdict == APPLIED}
        told = {
            step.placed.cause
            for step in (*self.known, *self.before)
            if step.before.status != step.after.status
        }
        was = _end(self.before).status_cause
        outdated = told - applied
        if was is not None and was != _end(self.after).status_cause:
            outdated.add(was)
        return outdated

    @property
    def changed_pauses(self) -> tuple[Pause, ...] | None:
        """The latest pauses that are new or read differently; None: no pause changed at all."""
        before, after = _pauses(self.before), _pauses(self.after)
        if before == after:
            return None
        return tuple(pause for pause in after if pause not in before)[-LISTED_PAUSES:]


def status_step(steps: Sequence[Step]) -> Step | None:
    """The fact that made the status a history ends in; None where nothing did."""
    for step in reversed(steps):
        if step.before.status != step.after.status:
            return step
    return None


def revision_note(
    change: Change[Any], told_by: Recorded, cause: str, audience: tuple[Listener, ...] = ()
) -> News:
    """The note that only the past changed."""
    fact = change.first_late.placed.fact
    return News(
        REVISED,
        cause,
        told_by.position,
        told_by.recorded_at,
        fact.contract_id,
        stream_of(fact),
        fact.closed_at,
        audience,
        late=True,
        pauses=change.changed_pauses or (),
    )


def _end(steps: Sequence[Step]) -> Any:
    """The state a history ends in; none is empty, since only what came on time can be revised."""
    return steps[-1].after


def _pauses(steps: Sequence[Step]) -> list[Pause]:
    return [Pause(*_told(interval)) for interval in intervals(steps)]


def _told(interval: PauseInterval) -> tuple[int | None, int | None]:
    """What people see of a pause: a confirmed id or a transaction found later changes nothing for them."""
    return (interval.paused_at if interval.start_known else None), interval.resumed_at


def change_by(
    conn: Connection,
    rules: Rules[Any],
    originator_id: UUID,
    *,
    late_news: HistoryRevised | RangeFilled,
    position: int,
) -> Change[Any]:
    """What a revision, or a job's revisions, made of an aggregate, as known at a position."""
    past = [each.event for each in read_aggregate(conn, originator_id, up_to=position)]

    def brought(revision: HistoryRevised) -> bool:
        if isinstance(late_news, RangeFilled):
            return revision.job == late_news.job
        return revision.originator_version == late_news.originator_version

    known, rest = without(past, brought)
    known_steps, before, after = (
        list(walk(rules, placed_facts(events))) for events in (known, rest, past)
    )
    return Change(rules, known_steps, before, after)


def without(
    events: Sequence[DomainEvent], brought: Callable[[HistoryRevised], bool]
) -> tuple[list[DomainEvent], list[DomainEvent]]:
    """The events before the first revision that `brought` picks, and all but those revisions' late facts.

    A slice's late facts stand directly before their revision (domain/judgement.py, decide).
    """
    known: list[DomainEvent] | None = None
    kept: list[DomainEvent] = []
    late: list[FactJudged | FactConfirmed] = []
    dropped: set[str] = set()
    for event in events:
        if isinstance(event, HistoryRevised):
            if brought(event):
                known = list(kept) if known is None else known
                dropped.update(each.fact.event_id for each in late)
            else:
                kept.extend(late)
            late = []
        elif isinstance(event, FactConfirmed) or (isinstance(event, FactJudged) and event.late):
            late.append(event)
        else:
            kept.append(event)
    # What confirmed a dropped storage fact has nothing left to confirm.
    rest = [
        event
        for event in kept
        if not (isinstance(event, FactConfirmed) and event.storage_id in dropped)
    ]
    return (kept if known is None else known), rest
