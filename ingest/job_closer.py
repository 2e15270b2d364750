"""The end of a job: `RangeFilled` for what it brought, and `GapHealed` for gaps that it closed.

In: a job and where it stands. Out: its end, recorded under the lease's fence.
Next: notifier/late_news.py tells what the job's late facts changed.
"""

from sqlalchemy import Connection

from domain import contract
from domain.contract import ContractState, GapHealed, RangeFilled
from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger
from ingest.jobs import READ_AGAIN, Job, has_found, tellers
from ingest.sources import Position
from ingest.states import Aggregate, StateCache
from store import log
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease


class JobCloser:
    """Ends jobs under the lease's fence."""

    def __init__(self, database: Database, cache: StateCache) -> None:
        self._database = database
        self._cache = cache

    def close(self, job: Job, here: Position, lease: Lease, reason: str | None = None) -> Position:
        """Record what the job has filled; `reason`: why it did not come further, if it did not.

        Even a job that failed says `RangeFilled` for its part, be it no whole ledger: planning waits.
        """
        filled = LedgerRange(job.ledgers.from_ledger, needed_ledger(here.cursor) - 1)
        states: dict[Aggregate, ContractState] = {}
        try:
            with self._database.begin() as conn:
                lease.renew(conn)
                if self._says_filled(conn, job, here, filled):
                    states = self._record(conn, job, filled, lease)
                jobs.end(conn, job.id, reason)
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(states)
        return here

    def _says_filled(self, conn: Connection, job: Job, here: Position, filled: LedgerRange) -> bool:
        """Evidence that was read again to no effect leaves no trace in the log."""
        if job.kind in READ_AGAIN:
            return has_found(conn, job.id)
        return here.through is not None or filled.to_ledger >= filled.from_ledger

    def _record(
        self, conn: Connection, job: Job, filled: LedgerRange, lease: Lease
    ) -> dict[Aggregate, ContractState]:
        aggregate = self._cache.contract(job.contract_id)
        self._cache.load(conn, [aggregate])
        state = aggregate.state if isinstance(aggregate.state, ContractState) else ContractState()
        healed = job.kind not in READ_AGAIN and any(
            gap.from_ledger <= filled.to_ledger and gap.to_ledger >= filled.from_ledger
            for gap in state.gaps
        )
        events: list[GapHealed | RangeFilled] = []
        if healed:
            events.append(
                GapHealed(
                    aggregate.originator_id,
                    state.version + 1,
                    job.contract_id,
                    *filled,
                    healed_by=_healed_by(conn, job),
                    noticed_at=now_micros() // 1_000_000,
                )
            )
        events.append(
            RangeFilled(
                aggregate.originator_id,
                state.version + 1 + healed,
                job.id,
                job.contract_id,
                *filled,
            )
        )
        for event in events:
            state = contract.evolve(state, event)
        log.append(conn, events, recorded_at=now_micros(), fence=lease.epoch)
        self._database.bell.ring(conn, "log")
        return {aggregate: state}


def _healed_by(conn: Connection, job: Job) -> str:
    """Which job, and who told it: `heal:<id> from <source>, <source>`."""
    told_by = ", ".join(tellers(conn, job.id))
    return f"{job.kind}:{job.id} from {told_by}" if told_by else f"{job.kind}:{job.id}"
