"""One answer of a node beside one look at the database: the contract itself, or up to 100 streams.

Entries and fold speak of the same ledger: the earlier one of the node's newest and the last that live
following has wholly passed. What was changed after it is left for another reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection

from domain.chain_order import Placed
from domain.facts import StreamPaused, StreamResumed
from domain.values import NetworkId
from ingest.errors import Undecodable
from ingest.instance import instance_key
from ingest.profiles.shapes import Profile
from ingest.profiles.storage import StorageLayout
from ingest.reconcile import known
from ingest.reconcile.compare import compare_contract, compare_stream
from ingest.reconcile.findings import Finding, Kind
from ingest.reconcile.reading import Reading, keys_of, read_one
from ingest.reconcile.stored import read_contract, wasm_of
from ingest.reconcile.told_facts import Closes
from ingest.rpc import LedgerEntries

MOST_NOT_MET: Final = 100_000  # ids looked up that no event told of: a counter may say anything


class Batch(NamedTuple):
    """Part of a survey. `at_ledger`: compared up to it. `compared`, `equal`: how many streams."""

    at_ledger: int | None
    findings: list[Finding]
    compared: int = 0
    equal: int = 0


class Streams(NamedTuple):
    """The streams to go through, and how they are kept; `whole`: there can be no others."""

    layout: StorageLayout
    ids: list[int]
    whole: bool


@dataclass(frozen=True)
class Comparer:
    """Compares one contract by its profile."""

    network: NetworkId
    contract_id: str
    profile: Profile

    def contract(self, conn: Connection, answer: LedgerEntries) -> tuple[Batch, Streams | None]:
        """The contract's own state, and which streams it has. Raises Undecodable."""
        key = instance_key(self.contract_id)
        entry = next((each for each in answer.found if each.key == key), None)
        if entry is None:
            raise Undecodable("the network has no such contract, or its instance is gone")
        layout = self.profile.section(wasm_of(key, entry.xdr)).storage
        if layout is None:
            detail = f"{self.profile.label} does not say how the contract keeps its state"
            return Batch(None, [Finding(Kind.NOT_RECONCILABLE, None, detail)]), None
        closes = known.StoredCloses(conn)
        reading = self._reading(conn, answer, layout, closes.latest())
        if reading is None:
            return Batch(None, [not_compared(None, "it is not followed yet")]), None
        findings, counted = self._contract_itself(conn, reading, closes)
        streams, unlikely = self._streams(conn, layout, counted)
        return Batch(reading.to_ledger, [*findings, *unlikely]), streams

    def _contract_itself(
        self, conn: Connection, reading: Reading, closes: Closes
    ) -> tuple[list[Finding], int | None]:
        """Findings about it, and how many streams it counts. Raises Undecodable."""
        key = instance_key(self.contract_id)
        entry = reading.entry(key, None)
        if entry is None:
            raise Undecodable("there is no instance")
        stored = read_contract(reading.layout, key, entry.xdr)
        findings = list(reading.warnings(key, None, "its instance"))
        if reading.changed_since(key):
            detail = f"changed in ledger {entry.changed_at}, we have come to {reading.to_ledger}"
            return [*findings, not_compared(None, detail)], stored.streams
        past = known.contract_facts(conn, self.network, self.contract_id, reading.to_ledger)
        findings += compare_contract(entry, past, closes, paused=stored.paused)
        return findings, stored.streams

    def _streams(
        self, conn: Connection, layout: StorageLayout, counted: int | None
    ) -> tuple[Streams, list[Finding]]:
        """The streams that we were told of and those that the contract counts."""
        if layout.stream is None:
            return Streams(layout, [], whole=False), []
        met = known.stream_ids(conn, self.contract_id)
        last = min(counted or 0, len(met) + MOST_NOT_MET)
        unlikely = []
        if counted is not None and counted > last:
            detail = f"it counts {counted} streams; those after {last} are not looked up"
            unlikely.append(Finding(Kind.UNREADABLE, None, detail))
        whole = counted is not None and layout.pauses is not None
        return Streams(layout, sorted({*met, *range(1, last + 1)}), whole=whole), unlikely

    def streams(
        self, conn: Connection, layout: StorageLayout, ids: Sequence[int], answer: LedgerEntries
    ) -> tuple[Batch, list[int]]:
        """Some streams, and which of them have to be read again later."""
        closes = known.StoredCloses(conn)
        reading = self._reading(conn, answer, layout, closes.latest())
        if reading is None:
            return Batch(None, []), list(ids)
        facts = known.stream_facts(conn, self.network, self.contract_id, ids, reading.to_ledger)
        batch = Batch(reading.to_ledger, [])
        again: list[int] = []
        equal = compared = 0
        for stream_id in ids:
            if any(map(reading.changed_since, keys_of(layout, self.contract_id, stream_id))):
                again.append(stream_id)
                continue
            found = self._stream(reading, stream_id, facts[stream_id], closes)
            batch.findings.extend(found)
            compared += 1
            equal += not any(each.is_open for each in found)
        return batch._replace(compared=compared, equal=equal), again

    def _stream(
        self, reading: Reading, stream_id: int, past: Sequence[Placed], closes: Closes
    ) -> list[Finding]:
        pauses_told = any(isinstance(fact, StreamPaused | StreamResumed) for fact, _ in past)
        read, found = read_one(reading, stream_id, pauses_told=pauses_told)
        if read is not None:
            found += compare_stream(read, past, closes)
        return found

    def _reading(
        self, conn: Connection, answer: LedgerEntries, layout: StorageLayout, latest: int
    ) -> Reading | None:
        to_ledger = known.compared_ledger(conn, self.contract_id, answer.latest_ledger)
        if to_ledger is None:
            return None
        return Reading.of(
            answer,
            contract_id=self.contract_id,
            layout=layout,
            to_ledger=to_ledger,
            latest=latest,
        )


def not_compared(stream_id: int | None, detail: str) -> Finding:
    """Something that nobody can say anything about yet."""
    return Finding(Kind.NOT_COMPARED, stream_id, detail)
