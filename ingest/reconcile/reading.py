"""A node's entries -> streams read, or findings that say why one could not be read.

In: the entries of up to 100 streams, as one answer of getLedgerEntries. Nothing a node says stops the
others: each stream that does not read is named, with what is wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ingest.errors import Undecodable
from ingest.profiles.storage import StorageLayout
from ingest.reconcile.compare import StreamRead
from ingest.reconcile.findings import Finding, Kind
from ingest.reconcile.keys import stream_key
from ingest.reconcile.stored import read_pauses, read_stream
from ingest.reconcile.told_facts import Entry
from ingest.rpc import LedgerEntries, LedgerEntry

NEAR_END_LEDGERS: Final = 120_960  # a week of five-second ledgers: time to restore or extend
ENTRY_BYTES: Final = 64 * 1024  # the network's limit of a contract data entry
_NEAR_LIMIT: Final = ENTRY_BYTES * 9 // 10


class Reading(NamedTuple):
    """One answer. `to_ledger`: what we compare up to; `latest`: no record is later, unix seconds."""

    contract_id: str
    layout: StorageLayout
    entries: Mapping[bytes, LedgerEntry]
    read_at: int
    to_ledger: int
    latest: int

    @classmethod
    def of(
        cls,
        answer: LedgerEntries,
        *,
        contract_id: str,
        layout: StorageLayout,
        to_ledger: int,
        latest: int,
    ) -> "Reading":
        """Entries by their keys; those of keys that were not asked for are never looked at."""
        by_key = {entry.key: entry for entry in answer.found}
        return cls(contract_id, layout, by_key, answer.latest_ledger, to_ledger, latest)

    def changed_since(self, key: bytes) -> bool:
        """Whether the entry tells of ledgers that are not compared yet."""
        entry = self.entries.get(key)
        if entry is None:
            return False
        return self.to_ledger < entry.last_modified_ledger_seq <= self.read_at

    def entry(self, key: bytes, stream_id: int | None) -> Entry | None:
        """The entry under a key, if there is one. Raises Undecodable where it cannot be true."""
        found = self.entries.get(key)
        if found is None:
            return None
        if found.last_modified_ledger_seq > self.read_at:
            raise Undecodable(
                f"changed in ledger {found.last_modified_ledger_seq}, says a node whose newest"
                f" ledger is {self.read_at}"
            )
        return Entry(
            self.contract_id, stream_id, found.xdr, found.last_modified_ledger_seq, self.read_at
        )

    def warnings(self, key: bytes, stream_id: int | None, name: str) -> Iterator[Finding]:
        """What may soon make the entry unusable, or has."""
        found = self.entries.get(key)
        if found is None:
            return
        live_until = found.live_until_ledger_seq
        if live_until is not None and live_until < self.read_at:
            detail = f"{name} is archived: nobody can change it before it is restored"
            yield Finding(Kind.ARCHIVED, stream_id, detail)
        elif live_until is not None and live_until - self.read_at < NEAR_END_LEDGERS:
            detail = f"{name} lives until ledger {live_until}, then it is archived unless extended"
            yield Finding(Kind.TIME_TO_LIVE, stream_id, detail)
        if len(found.xdr) > _NEAR_LIMIT:
            detail = (
                f"{name} takes {len(found.xdr)} of {ENTRY_BYTES} bytes; full, nothing can pause it"
            )
            yield Finding(Kind.SIZE, stream_id, detail)


def keys_of(layout: StorageLayout, contract_id: str, stream_id: int) -> list[bytes]:
    """The keys of a stream's entries: itself, then its pauses where they are kept."""
    variants = [each.key for each in (layout.stream, layout.pauses) if each is not None]
    return [stream_key(contract_id, variant, stream_id) for variant in variants]


def read_one(
    reading: Reading, stream_id: int, *, pauses_told: bool
) -> tuple[StreamRead | None, list[Finding]]:
    """One stream, if it reads, and what was found while reading it.

    `pauses_told`: events told of pauses, so that the contract must keep them.
    """
    layout = reading.layout
    keys = keys_of(layout, reading.contract_id, stream_id)
    names = [each.key for each in (layout.stream, layout.pauses) if each is not None]
    found = [
        each
        for key, name in zip(keys, names, strict=True)
        for each in reading.warnings(key, stream_id, name)
    ]
    try:
        return _read(reading, stream_id, keys, pauses_told=pauses_told), found
    except Undecodable as error:
        return None, [*found, Finding(Kind.UNREADABLE, stream_id, error.reason)]


def _read(
    reading: Reading, stream_id: int, keys: Sequence[bytes], *, pauses_told: bool
) -> StreamRead:
    layout = reading.layout
    if layout.stream is None:
        raise Undecodable("the profile does not say how streams are kept")
    entry = reading.entry(keys[0], stream_id)
    if entry is None:
        raise Undecodable(f"there is no {layout.stream.key} entry")
    stored = read_stream(layout.stream, keys[0], entry.xdr)
    if layout.pauses is None:
        return StreamRead(entry, stored, None, None)
    pauses = reading.entry(keys[1], stream_id)
    if pauses is None:
        if pauses_told:
            raise Undecodable(
                f"there is no {layout.pauses.key} entry, though events told of pauses"
            )
        return StreamRead(entry, stored, None, ())
    records = read_pauses(
        layout.pauses, keys[1], pauses.xdr, stream_id=stream_id, latest=reading.latest
    )
    return StreamRead(entry, stored, pauses, records)
