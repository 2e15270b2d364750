"""The last reconciliation of each contract: what was compared, what was found, what is healed.

In: batches of a survey. Out: one row of `reconciliation` per contract, its findings beside it.
Next: certificate.py, the API's metrics, `pausewire status` and `pausewire reconcile` read them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from ingest.reconcile.comparing import Batch
from ingest.reconcile.findings import Finding, Kind
from store.bulk import upsert_many
from store.clock import now_micros
from store.columns import U64
from store.schema import ingest_source, key_text, metadata

MOST_KEPT: Final = 10_000  # findings of one contract that are kept by name
EQUAL, DIFFERS, UNREADABLE = "equal", "differs", "unreadable"
NOT_COMPARED, NOT_RECONCILABLE = "not compared", "not reconcilable"

# `at_ledger`: every stream was compared up to it at least. `findings`: how many, kept by name or not.
# `done`, `total`: streams, while a reconciliation is under way.
reconciliation = Table(
    "reconciliation",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("verdict", Text),
    Column("at_ledger", BigInteger),
    Column("streams", BigInteger),
    Column("equal", BigInteger),
    Column("findings", BigInteger),
    Column("finished_at", BigInteger),
    Column("done", BigInteger),
    Column("total", BigInteger),
)

reconcile_finding = Table(
    "reconcile_finding",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("stream_id", U64),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("healed", Boolean, nullable=False),
    Index("ix_reconcile_finding_kind", "kind"),
)
_RESULT: Final = (
    "contract_id",
    "verdict",
    "at_ledger",
    "streams",
    "equal",
    "findings",
    "finished_at",
    "done",
    "total",
)


@dataclass
class Tally:
    """What a survey has found so far."""

    at_ledger: int | None = None
    compared: int = 0
    count: int = 0
    kept: list[Finding] = field(default_factory=list)
    open_kinds: Counter[Kind] = field(default_factory=Counter)
    _unequal: set[int] = field(default_factory=set)

    def add(self, batch: Batch, findings: Sequence[Finding]) -> None:
        """Take a batch in; `findings`: its own, as they stand after healing."""
        if batch.at_ledger is not None:
            before = batch.at_ledger if self.at_ledger is None else self.at_ledger
            self.at_ledger = min(before, batch.at_ledger)
        self.compared += batch.compared
        self.count += len(findings)
        self.kept += findings[: MOST_KEPT - len(self.kept)]
        for each in findings:
            if each.is_open:
                self.open_kinds[each.kind] += 1
                if each.stream_id is not None:
                    self._unequal.add(each.stream_id)

    @property
    def equal(self) -> int:
        """Streams that are as the contract keeps them, by now."""
        return max(0, self.compared - len(self._unequal))

    @property
    def verdict(self) -> str:
        """One word; `equal` only if everything was compared."""
        kinds = set(self.open_kinds)
        if Kind.NOT_RECONCILABLE in kinds:
            return NOT_RECONCILABLE
        if kinds - {Kind.UNREADABLE, Kind.NOT_COMPARED}:
            return DIFFERS
        if Kind.UNREADABLE in kinds:
            return UNREADABLE
        return NOT_COMPARED if kinds or self.at_ledger is None else EQUAL


class Reconciled(NamedTuple):
    """The last finished reconciliation.

    `found`: how many findings, of which `findings` are kept. `finished_at`: microseconds.
    """

    verdict: str
    at_ledger: int | None
    streams: int
    equal: int
    found: int
    finished_at: int
    findings: list[Finding]


def say_under_way(conn: Connection, contract_id: str, *, done: int, total: int) -> None:
    """How far a survey has come; the last result stays."""
    row = (contract_id, done, total)
    columns = ("contract_id", "done", "total")
    upsert_many(conn, reconciliation, ("contract_id",), columns, [row])


def keep(conn: Connection, contract_id: str, tally: Tally) -> None:
    """Put this result in the place of the one before."""
    row = (
        contract_id,
        tally.verdict,
        tally.at_ledger,
        tally.compared,
        tally.equal,
        tally.count,
        now_micros(),
        None,
        None,
    )
    upsert_many(conn, reconciliation, ("contract_id",), _RESULT, [row])
    table = reconcile_finding
    conn.execute(delete(table).where(table.c.contract_id == contract_id))
    rows = [
        {
            "contract_id": contract_id,
            "n": n,
            "stream_id": each.stream_id,
            "kind": each.kind.value,
            "detail": each.detail,
            "healed": each.healed,
        }
        for n, each in enumerate(tally.kept)
    ]
    if rows:
        conn.execute(insert(table), rows)


def under_way(conn: Connection, contract_id: str) -> tuple[int, int] | None:
    """Streams compared and streams in all; None: none is under way."""
    row = conn.execute(
        select(reconciliation.c.done, reconciliation.c.total).where(
            reconciliation.c.contract_id == contract_id, reconciliation.c.total.is_not(None)
        )
    ).first()
    return None if row is None else (row.done, row.total)


def last(conn: Connection, contract_id: str) -> Reconciled | None:
    """The last result; None: there is none."""
    row = conn.execute(
        select(reconciliation).where(
            reconciliation.c.contract_id == contract_id, reconciliation.c.finished_at.is_not(None)
        )
    ).first()
    if row is None:
        return None
    table = reconcile_finding
    found = conn.execute(
        select(table).where(table.c.contract_id == contract_id).order_by(table.c.n)
    )
    findings = [
        Finding(Kind(each.kind), each.stream_id, each.detail, healed=each.healed) for each in found
    ]
    return Reconciled(
        row.verdict,
        row.at_ledger,
        row.streams,
        row.equal,
        row.findings,
        row.finished_at,
        findings,
    )


def open_findings(conn: Connection) -> dict[str, int]:
    """How many of which kind are not healed, of the contracts that are followed."""
    table = reconcile_finding
    query = (
        select(table.c.kind, func.count())
        .where(
            table.c.healed.is_(False),
            table.c.contract_id.in_(select(ingest_source.c.contract_id)),
        )
        .group_by(table.c.kind)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def oldest_finished(conn: Connection) -> int | None:
    """When the followed contract that waits longest was reconciled, microseconds; None: one never was."""
    finished = (
        select(func.min(func.coalesce(reconciliation.c.finished_at, 0)))
        .select_from(ingest_source)
        .outerjoin(reconciliation, reconciliation.c.contract_id == ingest_source.c.contract_id)
    )
    return conn.scalar(finished) or None
