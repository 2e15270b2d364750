"""Step 5. THE transaction (T1): evidence, events, states, cursor and coverage, all or nothing.

In: a Page of contract events and the position it was fetched from.
Out: recorded events in the log; the position moved.
Next: projections/follow.py and notifier/plan.py read the log.

Twice is once: the position row is compared and set, ids already in evidence are taken out first, and
the unique indexes are the net. A page larger than a slice is written in several transactions; all but
the last only move `through` (the last event id recorded of that page). A page that was cut short is
fetched and looked at as a whole: another node may tell of an event that the first one left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, update

from ingest import coverage, disputes
from ingest.code_history import request_rereads
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger
from ingest.decision import Decision, write_states
from ingest.decode import ContractEvent, Page
from ingest.errors import CursorMoved
from ingest.evidence import split_known, write_conflicts, write_evidence, write_outcomes
from ingest.jobs import count_found
from ingest.judge import Judge
from ingest.sources import Position, Source
from ingest.states import StateCache
from ingest.told import Tellable, Telling, Told
from store import log
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.lease import Lease
from store.schema import ingest_position

_LOG = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Part of a page: its events, and the position before and after."""

    events: Sequence[ContractEvent]
    before: Position
    after: Position
    scanned: LedgerRange | None
    closes: dict[int, int]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What one page brought: how many events of which outcome, and where the source stands."""

    position: Position
    outcomes: dict[str, int]
    conflicts: int


def slices(page: Page, position: Position, size: int) -> Iterator[Slice]:
    """Cut a page fetched at `position` into slices; the last one carries the page's cursor."""
    events = page.events
    before = position
    for first in range(0, max(len(events), 1), size):
        part = events[first : first + size]
        closes = {event.ledger: event.closed_at for event in part if event.defect is None}
        if first + size < len(events):
            after = Position(
                source=position.source, cursor=position.cursor, through=part[-1].event_id
            )
            yield Slice(events=part, before=before, after=after, scanned=None, closes=closes)
            before = after
            continue
        after = Position(source=position.source, cursor=page.cursor)
        scanned = LedgerRange(needed_ledger(position.cursor), needed_ledger(page.cursor) - 1)
        closes[page.latest_ledger] = page.latest_closed_at
        yield Slice(events=part, before=before, after=after, scanned=scanned, closes=closes)


class Recorder:
    """The one record loop's hands: writes slices under the lease's fence."""

    def __init__(
        self,
        database: Database,
        *,
        judge: Judge,
        cache: StateCache,
        slice_events: int,
        on_recorded: Callable[[Page, "Recorded"], None] = lambda _page, _recorded: None,
    ) -> None:
        self._database = database
        self._on_recorded = on_recorded
        self._judge = judge
        self._cache = cache
        self._slice_events = slice_events

    def record(
        self,
        page: Page,
        *,
        source: Source,
        position: Position,
        lease: Lease,
        job: str | None = None,
    ) -> Recorded:
        """Record a page. Raises CursorMoved, FenceLost, LeaseLost, or a transient StoreError.

        On any error nothing of the slice at hand is written and all cached states are dropped.
        """
        outcomes: dict[str, int] = {}
        conflicts = 0
        for part in slices(page, position, self._slice_events):
            try:
                decision, conflicting = self._record_slice(part, page, source, lease, job)
            except BaseException:
                self._cache.forget()
                raise
            self._cache.keep(decision.states)
            conflicts += conflicting
            for outcome in decision.outcomes.values():
                outcomes[outcome.outcome] = outcomes.get(outcome.outcome, 0) + 1
            position = part.after
        disputes.tell(page.disputes)
        recorded = Recorded(position=position, outcomes=outcomes, conflicts=conflicts)
        self._on_recorded(page, recorded)
        return recorded

    def record_told(
        self, told: Sequence[Told], telling: Telling, *, lease: Lease, job: str | None = None
    ) -> dict[str, int]:
        """Record facts that no event told, in one transaction: no cursor moves, no ledger is scanned.

        Those already in evidence are taken out first. Returns how many of which outcome are new; at
        most a slice at a time keeps the transaction short. Raises as `record`.
        """
        try:
            with self._database.read() as conn:
                fresh, conflicting = split_known(conn, told)
                decision = self._judge.decide(conn, fresh, job=job)
            with self._database.begin(durable=False) as conn:
                lease.renew(conn)
                self._write(conn, fresh, conflicting, decision, telling, lease=lease)
                if job is not None:
                    count_found(conn, job, len(fresh), telling.source)
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(decision.states)
        _alarm(conflicting, telling)
        return dict(Counter(each.outcome for each in decision.outcomes.values()))

    def _record_slice(
        self, part: Slice, page: Page, source: Source, lease: Lease, job: str | None
    ) -> tuple[Decision, int]:
        with self._database.read() as conn:
            fresh, conflicting = split_known(conn, part.events)
            decision = self._judge.decide(conn, fresh, job=job)
        reached("before_record")
        with self._database.begin(durable=False) as conn:
            lease.renew(conn)
            move(conn, part.before, part.after)
            self._write(conn, fresh, conflicting, decision, page, lease=lease)
            disputes.write_disputes(conn, page.disputes)
            coverage.remember_closes(conn, part.closes)
            if job is not None:
                count_found(conn, job, len(fresh), page.source)
            if part.scanned is not None:
                coverage.extend(conn, source.contract_ids, part.scanned)
            reached("in_record")
        reached("after_record")
        _alarm(conflicting, page)
        return decision, len(conflicting)

    def _write(
        self,
        conn: Connection,
        fresh: Sequence[Tellable],
        conflicting: Sequence[Tellable],
        decision: Decision,
        telling: Telling,
        *,
        lease: Lease,
    ) -> None:
        request_rereads(conn, decision.rereads)
        write_evidence(conn, fresh, telling)
        write_conflicts(conn, conflicting, telling)
        self.write_decision(conn, decision, lease)

    def write_decision(
        self,
        conn: Connection,
        decision: Decision,
        lease: Lease,
        earlier: Mapping[str, int] | None = None,
    ) -> None:
        """Write what was decided about events in evidence; `earlier` as in write_outcomes."""
        first = self._append(conn, decision, lease)
        write_outcomes(conn, decision, first, earlier)
        write_states(conn, decision)

    def _append(self, conn: Connection, decision: Decision, lease: Lease) -> int:
        """Append the events under the fence; returns the position of the first."""
        if not decision.events:
            return 0
        last = log.append(conn, decision.events, recorded_at=now_micros(), fence=lease.epoch)
        self._database.bell.ring(conn, "log")
        return last - len(decision.events) + 1

    def forget(self) -> None:
        """Drop all cached states: leadership may have been somebody else's meanwhile."""
        self._cache.forget()


def _alarm(conflicting: Sequence[Tellable], telling: Telling) -> None:
    for event in conflicting:
        _LOG.error("evidence_conflicted", event_id=event.event_id, source=telling.source)


def move(conn: Connection, before: Position, after: Position) -> None:
    """Compare and set the position. Raises CursorMoved when it is not where the page began."""
    moved = conn.execute(
        update(ingest_position)
        .where(
            ingest_position.c.source == before.source,
            ingest_position.c.cursor == before.cursor,
            ingest_position.c.through.is_not_distinct_from(before.through),
        )
        .values(cursor=after.cursor, through=after.through, updated_at=now_micros())
    )
    if moved.rowcount != 1:
        raise CursorMoved(before.source, before.cursor)
