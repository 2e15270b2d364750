"""The completeness certificate: which ledgers of a contract were wholly scanned, and which were not.

In: scanned ranges, the contract's own history in the log, evidence, the last reconciliation. Out:
Certificate, one per contract.
Next: `pausewire completeness` prints it.

True from the database alone: nothing here asks the RPC, a read model or a cache. A ledger counts as seen
when a committed page has passed it, and not while a recorded gap over it is open. What storage told of a
gap (`healed_by` storage) is its pauses, not its events: such a gap still counts as missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from domain.chain_order import DomainEvent
from domain.contract import GapHealed, GapOpened
from domain.values import NetworkId, contract_uuid
from ingest import confirming, coverage, profile_conflicts
from ingest.coverage import LedgerRange, missing
from ingest.cursors import window_end
from ingest.profile_conflicts import ProfileConflict
from ingest.reconcile import report
from ingest.reconcile.report import Reconciled
from ingest.stored import IN_QUARANTINE, superseded
from store import log
from store.schema import evidence, evidence_outcome, ingest_source

STORAGE: Final = "storage"


class Gap(NamedTuple):
    """Ledgers that live following missed, both included.

    `since`: when that was recorded, unix seconds; None where no scan has come to them at all.
    `healed_by`: None while open, `storage` where only the pauses are known, else what filled it.
    """

    from_ledger: int
    to_ledger: int
    since: int | None
    healed_by: str | None

    @property
    def ledgers(self) -> LedgerRange:
        """Its ledgers."""
        return LedgerRange(self.from_ledger, self.to_ledger)

    @property
    def is_open(self) -> bool:
        """Whether events of these ledgers may be unknown to us."""
        return self.healed_by in (None, STORAGE)


class Certificate(NamedTuple):
    """What we can say about one contract; the range is None where nothing was ever scanned.

    `quarantined`: events of the range that are kept and not understood. `conflicts`: events whose fact
    stands although today's profile would read them otherwise. `reconciled`: how
    our record compares with what the contract itself keeps, None where that was never looked at.
    `confirmed`: the ledgers that were compared with whole ledgers, too.
    """

    contract_id: str
    ledgers: LedgerRange | None
    gaps: list[Gap]
    quarantined: int
    conflicts: list[ProfileConflict]
    reconciled: Reconciled | None = None
    confirmed: Sequence[LedgerRange] = ()

    @property
    def complete(self) -> bool:
        """Every ledger of the range was wholly scanned."""
        return self.ledgers is not None and not any(gap.is_open for gap in self.gaps)


def followed(conn: Connection) -> list[str]:
    """The contracts that live following reads."""
    return list(conn.scalars(select(ingest_source.c.contract_id).order_by("contract_id")))


def certify(
    conn: Connection,
    network: NetworkId,
    contract_id: str,
    *,
    from_ledger: int | None,
    to_ledger: int | None,
) -> Certificate:
    """Look at one contract. No ledger given: from the first to the last one that we know about."""
    scanned = [
        LedgerRange(row.from_ledger, row.to_ledger)
        for row in conn.execute(coverage.ranges(contract_id))
    ]
    history = log.read_aggregate(conn, contract_uuid(network, contract_id))
    recorded = _recorded_gaps(each.event for each in history)
    wanted = _wanted(from_ledger, to_ledger, [*scanned, *(gap.ledgers for gap in recorded)])
    reconciled = report.last(conn, contract_id)
    if wanted is None:
        return Certificate(contract_id, None, [], 0, [], reconciled)
    return Certificate(
        contract_id,
        wanted,
        _gaps(recorded, scanned, wanted),
        quarantined(conn, contract_id, wanted),
        profile_conflicts.standing(conn, contract_id, wanted),
        reconciled,
        confirming.confirmed(conn, contract_id, wanted),
    )


def _wanted(
    from_ledger: int | None, to_ledger: int | None, known: Sequence[LedgerRange]
) -> LedgerRange | None:
    """The range to certify: never an empty one, of which all could be said."""
    firsts = [each.from_ledger for each in known] + ([] if to_ledger is None else [to_ledger])
    lasts = [each.to_ledger for each in known] + ([] if from_ledger is None else [from_ledger])
    first = min(firsts, default=None) if from_ledger is None else from_ledger
    last = max(lasts, default=None) if to_ledger is None else to_ledger
    return None if first is None or last is None else LedgerRange(first, last)


def _recorded_gaps(events: Iterable[DomainEvent]) -> list[Gap]:
    """Gaps as the contract's history tells them, cut where they were healed in part."""
    gaps: list[Gap] = []
    for event in events:
        if isinstance(event, GapOpened):
            gaps.append(Gap(event.from_ledger, event.to_ledger, event.noticed_at, None))
        elif isinstance(event, GapHealed):
            gaps = [part for gap in gaps for part in _healed(gap, event)]
    return gaps


def _healed(gap: Gap, event: GapHealed) -> Iterator[Gap]:
    """The parts of a gap after a healing; what an event source has filled stays filled."""
    low, high = max(gap.from_ledger, event.from_ledger), min(gap.to_ledger, event.to_ledger)
    if low > high or not gap.is_open:
        yield gap
        return
    if gap.from_ledger < low:
        yield gap._replace(to_ledger=low - 1)
    yield gap._replace(from_ledger=low, to_ledger=high, healed_by=event.healed_by)
    if high < gap.to_ledger:
        yield gap._replace(from_ledger=high + 1)


def _gaps(
    recorded: Sequence[Gap], scanned: Sequence[LedgerRange], wanted: LedgerRange
) -> list[Gap]:
    """The gaps within a range: recorded ones, and ledgers that no scan has come to."""
    found: list[Gap] = []
    for gap in recorded:
        part = _overlap(gap, wanted)
        if part is None:
            continue
        unscanned = missing(scanned, part)
        found += [
            gap._replace(from_ledger=low, to_ledger=high) for low, high in missing(unscanned, part)
        ]
        told = STORAGE if gap.healed_by == STORAGE else None
        found += [Gap(low, high, gap.since, told) for low, high in unscanned]
    accounted = sorted([*scanned, *(gap.ledgers for gap in recorded)])
    found += [Gap(low, high, None, None) for low, high in missing(accounted, wanted)]
    return sorted(found, key=lambda gap: gap.from_ledger)


def _overlap(gap: Gap, wanted: LedgerRange) -> LedgerRange | None:
    low, high = max(gap.from_ledger, wanted.from_ledger), min(gap.to_ledger, wanted.to_ledger)
    return LedgerRange(low, high) if low <= high else None


def quarantined(conn: Connection, contract_id: str, ledgers: LedgerRange) -> int:
    """Events whose last outcome is quarantine; an event id begins with its ledger, bytewise in order."""
    counted = (
        select(func.count())
        .select_from(evidence_outcome)
        .join(evidence, evidence.c.event_id == evidence_outcome.c.event_id)
        .where(
            IN_QUARANTINE,
            evidence.c.contract_id == contract_id,
            evidence.c.event_id > window_end(ledgers.from_ledger - 1),
            evidence.c.event_id <= window_end(ledgers.to_ledger),
            ~superseded(),
        )
    )
    return conn.scalar(counted) or 0
