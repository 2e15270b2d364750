"""The end of a reconcile job, in one transaction: gaps whose pauses are known now, and the result.

In: the tally of a survey whose facts are recorded. Out: `GapHealed` by storage for gaps that lie before
the compared ledger, `RangeFilled` where the job brought facts (planning waits for it), the report.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from domain import contract
from domain.contract import ContractState, GapHealed, RangeFilled
from ingest import jobs
from ingest.jobs import Job
from ingest.reconcile import report
from ingest.reconcile.findings import Kind
from ingest.reconcile.report import Tally
from ingest.states import Aggregate, StateCache
from store import log
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease
from store.schema import ingest_job

_STORAGE: Final = "storage"  # heals pauses only: domain/contract.py
_PAUSES_UNSURE: Final = frozenset(
    (Kind.UNREADABLE, Kind.NOT_COMPARED, Kind.PAUSE_MISSED, Kind.STREAM_NOT_MET)
)


class ReconcileCloser:
    """Ends reconcile jobs under the lease's fence."""

    def __init__(self, database: Database, cache: StateCache) -> None:
        self._database = database
        self._cache = cache

    def close(
        self, job: Job, tally: Tally, lease: Lease, *, heals_gaps: bool, reason: str | None
    ) -> None:
        """`heals_gaps`: every stream there can be was looked at, to be healed. `reason`: of a failure.

        Raises FenceLost, LeaseLost, or a transient StoreError.
        """
        states: dict[Aggregate, ContractState] = {}
        try:
            with self._database.begin() as conn:
                lease.renew(conn)
                states = self._record(conn, job, tally, lease, heals_gaps=heals_gaps)
                if reason is None:
                    report.keep(conn, job.contract_id, tally)
                jobs.end(conn, job.id, reason)
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(states)

    def _record(
        self, conn: Connection, job: Job, tally: Tally, lease: Lease, *, heals_gaps: bool
    ) -> dict[Aggregate, ContractState]:
        aggregate = self._cache.contract(job.contract_id)
        self._cache.load(conn, [aggregate])
        state = aggregate.state if isinstance(aggregate.state, ContractState) else ContractState()
        events: list[GapHealed | RangeFilled] = []
        if heals_gaps and not _PAUSES_UNSURE & set(tally.open_kinds):
            events += _heal(aggregate, state, tally.at_ledger or 0)
        found = select(ingest_job.c.events_found).where(ingest_job.c.id == job.id)
        if conn.scalar(found):
            version = state.version + len(events) + 1
            events.append(
                RangeFilled(aggregate.originator_id, version, job.id, job.contract_id, *job.ledgers)
            )
        if not events:
            return {}
        for event in events:
            state = contract.evolve(state, event)
        log.append(conn, events, recorded_at=now_micros(), fence=lease.epoch)
        self._database.bell.ring(conn, "log")
        return {aggregate: state}


def _heal(aggregate: Aggregate, state: ContractState, at_ledger: int) -> Iterator[GapHealed]:
    """The pauses of open gaps that end before the compared ledger are known now."""
    unhealed = [gap for gap in state.gaps if not gap.pauses_healed and gap.to_ledger <= at_ledger]
    for version, gap in enumerate(unhealed, start=state.version + 1):
        yield GapHealed(
            aggregate.originator_id,
            version,
            aggregate.contract_id,
            gap.from_ledger,
            gap.to_ledger,
            healed_by=_STORAGE,
            noticed_at=now_micros() // 1_000_000,
        )
