"""Which code a contract ran at a place in chain order, and what must be read again when that changes.

An upgrade that is learned late shows other code at places whose events were read already.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from sqlalchemy import Connection, select

from domain.contract import Upgrade, wasm_at, with_upgrade
from domain.facts import ContractUpgraded
from domain.values import ChainKey
from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.cursors import FIRST_LEDGER, LAST_LEDGER
from ingest.decision import Reread
from ingest.stored import last_kept_ledger
from store.schema import ingest_job

# Whether events of a contract read the same under two wasm hashes (hex, None: not known).
ReadsAlike: TypeAlias = Callable[[str, str | None, str | None], bool]

_BEGINNING: Final[ChainKey] = (0, "")


class CodeHistory:
    """A contract's upgrades: those known before a slice, and those that the slice adds."""

    def __init__(self, contract_id: str, upgrades: tuple[Upgrade, ...]) -> None:
        self._contract_id = contract_id
        self._before = upgrades
        self._now = upgrades

    def add(self, fact: ContractUpgraded) -> None:
        """One more upgrade; known already: nothing."""
        self._now = with_upgrade(self._now, fact)

    def wasm_at(self, closed_at: int, event_id: str) -> str | None:
        """What the contract ran there, hex; None where no upgrade tells."""
        return wasm_at(self._now, (closed_at, event_id)) if self._now else None

    def reread(self, reads_alike: ReadsAlike) -> Reread | None:
        """The ledgers where events now read otherwise than before the slice; None: there are none."""
        if self._now == self._before:
            return None
        changed = [
            ledgers
            for place, ledgers in self._stretches()
            if not reads_alike(
                self._contract_id, wasm_at(self._before, place), wasm_at(self._now, place)
            )
        ]
        if not changed:
            return None
        return Reread(self._contract_id, LedgerRange(changed[0].from_ledger, changed[-1].to_ledger))

    def _stretches(self) -> Iterator[tuple[ChainKey, LedgerRange]]:
        """Each stretch without an upgrade in it: its first place, its ledgers."""
        starts = [(_BEGINNING, FIRST_LEDGER), *((each.at, each.ledger) for each in self._now)]
        ends = [*(each.ledger for each in self._now), LAST_LEDGER]
        for (place, first), last in zip(starts, ends, strict=True):
            yield place, LedgerRange(first, last)


def request_rereads(conn: Connection, rereads: list[Reread]) -> None:
    """Ask for what was read by the wrong code to be read again, unless a job that waits will do so."""
    for contract_id, ledgers in rereads:
        last = last_kept_ledger(conn, contract_id, ledgers)
        if last is None:
            continue
        waiting = select(ingest_job.c.id).where(
            ingest_job.c.state == jobs.WAITING,
            ingest_job.c.kind == jobs.REPROCESS_ALL,
            ingest_job.c.contract_id == contract_id,
            ingest_job.c.from_ledger <= ledgers.from_ledger,
            ingest_job.c.to_ledger >= last,
        )
        if conn.execute(waiting).first() is None:
            wanted = LedgerRange(ledgers.from_ledger, last)
            jobs.request(conn, kind=jobs.REPROCESS_ALL, contract_id=contract_id, ledgers=wanted)
