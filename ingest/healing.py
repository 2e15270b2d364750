"""Healing: whoever leads has open gaps filled by jobs of its own accord, again and again until they are.

In: the gaps of the followed contracts, and what became of earlier jobs. Out: rows of `ingest_job`.
Next: job_runner.py works them off, from whichever source has the ledgers.

A gap gets one job at a time. Where that failed (no source has the ledgers), the next one follows after
ten minutes, then twice as long each time up to six hours: an operator may name another source meanwhile,
and a lake or a provider may come to have them. All of it is counted from the rows, so that a restart
changes nothing.
"""

from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Connection, func, select

from domain.contract import ContractState, Gap
from ingest.certificate import followed
from ingest.coverage import LedgerRange
from ingest.jobs import FAILED, HEAL, RUNNING, WAITING, request
from ingest.states import StateCache
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease
from store.schema import ingest_job

_LOG = structlog.get_logger()
_MICROS: Final = 1_000_000
FIRST_WAIT_SECONDS: Final = 600
LONGEST_WAIT_SECONDS: Final = 6 * 3600
_DOUBLINGS: Final = 6


class Healer:
    """Requests jobs for open gaps, on the recording thread: only there the states are read."""

    def __init__(
        self, database: Database, cache: StateCache, clock: Callable[[], int] = now_micros
    ) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock

    def request_due(self, lease: Lease) -> None:
        """Ask for each open gap whose time has come. Raises LeaseLost."""
        gaps = self._open_gaps()
        if not gaps:
            return
        with self._database.begin() as conn:
            lease.renew(conn)
            for contract_id, gap in gaps:
                if not self._due(conn, contract_id, gap):
                    continue
                ledgers = LedgerRange(gap.from_ledger, gap.to_ledger)
                job = request(conn, kind=HEAL, contract_id=contract_id, ledgers=ledgers)
                _LOG.info(
                    "gap_healing_requested",
                    job=job.id,
                    contract_id=contract_id,
                    **ledgers._asdict(),
                )

    def _open_gaps(self) -> list[tuple[str, Gap]]:
        """Of the followed contracts. Storage tells pauses only: what it healed is open for events."""
        with self._database.read() as conn:
            contracts = [self._cache.contract(each) for each in followed(conn)]
            self._cache.load(conn, contracts)
        return [
            (each.contract_id, gap)
            for each in contracts
            if isinstance(each.state, ContractState)
            for gap in each.state.gaps
        ]

    def _due(self, conn: Connection, contract_id: str, gap: Gap) -> bool:
        """Whether no job is at it, and the last one failed long enough ago."""
        table = ingest_job.c
        overlapping = (
            table.contract_id == contract_id,
            table.from_ledger <= gap.to_ledger,
            table.to_ledger >= gap.from_ledger,
        )
        at_it = select(table.id).where(
            *overlapping, table.kind == HEAL, table.state.in_((WAITING, RUNNING))
        )
        if conn.execute(at_it.limit(1)).first() is not None:
            return False
        failed = conn.execute(
            select(func.count(), func.max(table.updated_at)).where(
                table.contract_id == contract_id,
                table.kind == HEAL,
                table.state == FAILED,
                table.to_ledger == gap.to_ledger,
            )
        ).one()
        count, last = int(failed[0]), failed[1]
        if count == 0:
            return True
        wait = min(FIRST_WAIT_SECONDS << min(count - 1, _DOUBLINGS), LONGEST_WAIT_SECONDS)
        return self._clock() >= int(last) + wait * _MICROS
