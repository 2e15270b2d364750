"""Step 5. THE transaction (T1): evidence, events, states, cursor and coverage, all or nothing.

In: a Page of contract events and the position it was fetched from.
Out: recorded events in the log; the position moved.
Next: projections/follow.py and notifier/plan.py read the log.

Twice is once: the position row is compared and set, ids already in evidence are taken out first, and
the unique indexes are the net. A large page is written in several transactions, small ones share one
(slices.py). A page that was cut short is fetched and looked at as a whole: another node may tell of an
event that the first one left out.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from ingest import coverage, disputes
from ingest.code_history import request_rereads
from ingest.decision import Decision, united, write_states
from ingest.decode import Page
from ingest.evidence import split_known, write_conflicts, write_evidence, write_outcomes
from ingest.jobs import count_found
from ingest.judge import Judge
from ingest.slices import Fetched, Slice, slices
from ingest.sources import Position, Source, move_all
from ingest.states import StateCache
from ingest.told import Tellable, Telling, Told
from store import log
from store.clock import now_micros
from store.engine import Database
from store.killpoint import reached
from store.lease import Lease

_LOG = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What one page brought: how many events of which outcome, and where the source stands."""

    position: Position
    outcomes: dict[str, int]
    conflicts: int


class Judged(NamedTuple):
    """What is new in a slice, what is known otherwise, and what is decided about the new."""

    fresh: list[Tellable]
    conflicting: list[Tellable]
    decision: Decision


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
        self.slice_events = slice_events

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
        fetched = Fetched(page=page, source=source, position=position)
        written = [
            self._record_slices([part], lease, job)[0]
            for part in slices(fetched, self.slice_events)
        ]
        return self._tell(fetched, written)

    def record_together(self, pages: Sequence[Fetched], *, lease: Lease) -> list[Recorded]:
        """Record pages that may share a transaction (slices.py) in one: all of them or none.

        Raises as `record`, and StoreErrors where they might not share it after all.
        """
        parts = [part for fetched in pages for part in slices(fetched, self.slice_events)]
        written = self._record_slices(parts, lease, None)
        return [self._tell(fetched, [one]) for fetched, one in zip(pages, written, strict=True)]

    def _tell(self, fetched: Fetched, written: Sequence[Judged]) -> Recorded:
        """Say what was recorded of a page to those who want to know."""
        page = fetched.page
        disputes.tell(page.disputes)
        outcomes = Counter(
            each.outcome for one in written for each in one.decision.outcomes.values()
        )
        recorded = Recorded(
            position=Position(source=fetched.position.source, cursor=page.cursor),
            outcomes=dict(outcomes),
            conflicts=sum(len(one.conflicting) for one in written),
        )
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
                fresh, conflicting, decision = self._judged(conn, told, job)
            with self._database.begin(durable=False) as conn:
                lease.renew(conn)
                request_rereads(conn, decision.rereads)
                write_evidence(conn, fresh, telling)
                write_conflicts(conn, conflicting, telling)
                self.write_decision(conn, decision, lease)
                if job is not None:
                    count_found(conn, job, len(fresh), telling.source)
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(decision.states)
        _alarm(conflicting, telling)
        return dict(Counter(each.outcome for each in decision.outcomes.values()))

    def _record_slices(self, parts: Sequence[Slice], lease: Lease, job: str | None) -> list[Judged]:
        """One transaction: everything about these slices, of which none shares a contract."""
        try:
            judged = self._judge_all(parts, job)
            decision = united([one.decision for one in judged])
            reached("before_record")
            with self._database.begin(durable=False) as conn:
                lease.renew(conn)
                move_all(conn, [(part.before, part.after) for part in parts])
                request_rereads(conn, decision.rereads)
                for part, one in zip(parts, judged, strict=True):
                    write_evidence(conn, one.fresh, part.fetched.page)
                    write_conflicts(conn, one.conflicting, part.fetched.page)
                    disputes.write_disputes(conn, part.fetched.page.disputes)
                    if job is not None:
                        count_found(conn, job, len(one.fresh), part.fetched.page.source)
                self.write_decision(conn, decision, lease)
                _cover(conn, parts)
                reached("in_record")
            reached("after_record")
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(decision.states)
        for part, one in zip(parts, judged, strict=True):
            _alarm(one.conflicting, part.fetched.page)
        return judged

    def _judge_all(self, parts: Sequence[Slice], job: str | None) -> list[Judged]:
        """What is new in each, and what is decided about it; nothing is asked where nothing came."""
        if not any(part.events for part in parts):
            return [Judged([], [], Decision()) for _ in parts]
        with self._database.read() as conn:
            return [self._judged(conn, part.events, job) for part in parts]

    def _judged(self, conn: Connection, events: Sequence[Tellable], job: str | None) -> Judged:
        fresh, conflicting = split_known(conn, events)
        return Judged(fresh, conflicting, self._judge.decide(conn, fresh, job=job))

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


def _cover(conn: Connection, parts: Sequence[Slice]) -> None:
    """What is scanned now, and when its ledgers closed; of two times of a ledger the first one stands."""
    closes: dict[int, int] = {}
    scanned: dict[coverage.LedgerRange, list[str]] = {}
    for part in parts:
        closes = part.closes | closes
        if part.scanned is not None:
            scanned.setdefault(part.scanned, []).extend(part.fetched.source.contract_ids)
    coverage.remember_closes(conn, closes)
    for ledgers, contract_ids in scanned.items():
        coverage.extend(conn, contract_ids, ledgers)
