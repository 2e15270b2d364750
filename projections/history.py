"""A stream as it stood at a time or a ledger, folded from its recorded events in chain order.

What counts is when things happened, not when they were learned: a fact that arrived late is in the
answer for any moment after it happened.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from domain.chain_order import DomainEvent, placed_facts
from domain.facts import Fact
from projections import pauses, streams
from projections.pauses import PauseRow
from projections.refold import fold_facts
from projections.streams import StreamRow
from store.schema import ledger_close


class Moment(NamedTuple):
    """Up to when: facts closed at or before `closed_at` (unix seconds).

    `ledger`: of events, those in ledgers up to this one instead; `closed_at` is then that ledger's
    (see closed_at_or_before) and bounds the storage facts.
    """

    closed_at: int
    ledger: int | None = None

    def covers(self, fact: Fact) -> bool:
        """Whether the fact had happened by then."""
        if self.ledger is None or fact.from_storage:
            return fact.closed_at <= self.closed_at
        return fact.ledger <= self.ledger


class StreamAt(NamedTuple):
    """A stream and its pauses, oldest first; `total_paused_seconds` counts an open one up to then."""

    stream: StreamRow
    pauses: list[PauseRow]


def stream_at(
    originator_id: UUID, events: Iterable[DomainEvent], moment: Moment
) -> StreamAt | None:
    """Fold a stream's events up to a moment; None where nothing had happened by then.

    `version` and `position` are 0: they would tell of arrival.
    """
    placed = [each for each in placed_facts(events) if moment.covers(each.fact)]
    if not placed:
        return None
    fold, moved, _ = fold_facts(originator_id, placed)
    row = streams.row_of(fold)
    open_seconds = 0 if row.paused_since is None else max(0, moment.closed_at - row.paused_since)
    return StreamAt(
        row._replace(total_paused_seconds=row.total_paused_seconds + open_seconds),
        [pauses.row_of(fold, pause) for pause in moved],
    )


def closed_at_or_before(ledger: int) -> Select[Any]:
    """The latest close time stored for this ledger or one before it."""
    return (
        select(ledger_close.c.closed_at)
        .where(ledger_close.c.ledger <= ledger)
        .order_by(ledger_close.c.ledger.desc())
        .limit(1)
    )
