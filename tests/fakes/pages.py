"""Pages made of facts: contract events whose translation is known beforehand."""

import hashlib
from collections.abc import Iterable

import msgspec

from domain.facts import ContractUpgraded, Fact
from ingest.cursors import window_end
from ingest.decode import ContractEvent, Page
from ingest.translate import Applied, Ignored, Quarantined, Translation
from tests.fakes import chain

PROFILE = "paystream@1"


def contract_event(fact: Fact, *, value: bytes = b"") -> ContractEvent:
    """The contract event that a fact came from; other `value` bytes make other evidence."""
    raw = msgspec.msgpack.encode([fact.event_id, fact.TOPIC, value])
    return ContractEvent(
        event_id=fact.event_id,
        type="system" if isinstance(fact, ContractUpgraded) else "contract",
        contract_id=fact.contract_id,
        ledger=fact.ledger,
        closed_at=fact.closed_at,
        tx_hash=fact.tx_hash,
        topics=[],
        value=value,
        evidence_bytes=raw,
        sha256=hashlib.sha256(raw).digest(),
    )


def page(
    events: Iterable[ContractEvent],
    *,
    cursor: str | None = None,
    latest_ledger: int = 100,
    source: str = "fake",
) -> Page:
    """A page that ends with the window of `latest_ledger`, unless a cursor says otherwise."""
    return Page(
        events=list(events),
        cursor=cursor or window_end(latest_ledger),
        oldest_ledger=1,
        latest_ledger=latest_ledger,
        oldest_closed_at=chain.GENESIS,
        latest_closed_at=chain.GENESIS + latest_ledger * 5,
        source=source,
        seen_at=1_000_000,
    )


class KnownTranslations:
    """Translates events by id to the facts they were made of; unknown ids are quarantined."""

    def __init__(self) -> None:
        self._facts: dict[str, Fact] = {}
        self._ignored: set[str] = set()
        self.wasm_seen: list[str | None] = []

    def events(self, *known: Fact) -> list[ContractEvent]:
        """Contract events of these facts, from now on understood."""
        self._facts.update((fact.event_id, fact) for fact in known)
        return [contract_event(fact) for fact in known]

    def ignore(self, event_id: str) -> None:
        """From now on this event is of no concern."""
        self._ignored.add(event_id)

    def __call__(self, event: ContractEvent, wasm: str | None) -> Translation:
        self.wasm_seen.append(wasm)
        if event.event_id in self._ignored:
            return Ignored("fees are of no concern", PROFILE)
        fact = self._facts.get(event.event_id)
        if fact is None:
            return Quarantined("no shape of the profile fits", PROFILE)
        return Applied(fact, PROFILE)
