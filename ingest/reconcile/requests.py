"""Reconcile jobs: who asks for one, what it may heal, and when the next one is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.jobs import RUNNING, WAITING, Job
from ingest.reconcile.findings import HEALED_ON_SCHEDULE, Kind
from ingest.reconcile.report import reconciliation
from ingest.sources import passed
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease
from store.schema import ingest_job, ingest_source, ledger_close

BY_HAND, ON_SCHEDULE, CHECK = "reconcile", "reconcile-scheduled", "reconcile-check"
HEALS: Final[Mapping[str, frozenset[Kind]]] = {
    BY_HAND: frozenset(Kind),
    ON_SCHEDULE: HEALED_ON_SCHEDULE,
    CHECK: frozenset(),
}
_MICROS: Final = 1_000_000
_LOOK_EVERY_MICROS: Final = 5 * _MICROS
_CAUGHT_UP_SECONDS: Final = 120  # further behind, most entries were changed since


def join(conn: Connection, *, kind: str, contract_id: str) -> Job:
    """The job of this kind that is not through, else a new one."""
    row = conn.execute(
        select(ingest_job).where(
            ingest_job.c.state.in_((RUNNING, WAITING)),
            ingest_job.c.kind == kind,
            ingest_job.c.contract_id == contract_id,
        )
    ).first()
    if row is not None:
        ledgers = LedgerRange(row.from_ledger, row.to_ledger)
        return Job(id=row.id, kind=kind, contract_id=contract_id, ledgers=ledgers)
    ledgers = LedgerRange(1, max(passed(conn, contract_id) or 1, 1))
    return jobs.request(conn, kind=kind, contract_id=contract_id, ledgers=ledgers)


@dataclass
class Schedule:
    """Asks for a reconciliation of each followed contract every so often, while this process leads.

    `hours`: 0 is never. `heal`: record what is found, or only report it.
    """

    database: Database
    hours: float
    heal: bool
    _looked_at: int = field(default=0, init=False)

    def request_due(self, lease: Lease) -> None:
        """Called between jobs; looks every five seconds. Raises LeaseLost, StoreError."""
        now = now_micros()
        if not self.hours or now < self._looked_at + _LOOK_EVERY_MICROS:
            return
        self._looked_at = now
        with self.database.read() as conn:
            due = [each for each in self._due(conn, now) if _has_caught_up(conn, each, now)]
        if not due:
            return
        with self.database.begin() as conn:
            lease.renew(conn)
            for contract_id in due:
                kind = ON_SCHEDULE if self.heal else CHECK
                join(conn, kind=kind, contract_id=contract_id)

    def _due(self, conn: Connection, now: int) -> Iterator[str]:
        """Compared long ago or never."""
        rows = conn.execute(select(reconciliation.c.contract_id, reconciliation.c.finished_at))
        finished: dict[str, int | None] = {row[0]: row[1] for row in rows}
        for contract_id in conn.scalars(select(ingest_source.c.contract_id)):
            if now >= (finished.get(contract_id) or 0) + self.hours * 3600 * _MICROS:
                yield contract_id


def _has_caught_up(conn: Connection, contract_id: str, now: int) -> bool:
    """Whether live following is close enough for a comparison."""
    reached = passed(conn, contract_id)
    closed_at = conn.scalar(
        select(ledger_close.c.closed_at).where(ledger_close.c.ledger == reached)
    )
    return closed_at is not None and closed_at * _MICROS > now - _CAUGHT_UP_SECONDS * _MICROS
