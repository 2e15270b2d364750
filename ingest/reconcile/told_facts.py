"""Facts told by a contract's storage: their ids, their place in chain order, their evidence.

A record of the pause history has its own second and place in the vector, so that an event found later
confirms it. A state without a time stands at the close of the ledger that last changed its entry, behind
everything of that second. Evidence: msgpack array (LedgerEntryData XDR, the ledger it was read at).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from domain.facts import (
    STORAGE_PREFIX,
    UNKNOWN_START_PREFIX,
    ContractPauseSet,
    EmployeeTransferred,
    EmployerAccepted,
    Fact,
    StatusStated,
    StreamPaused,
    StreamResumed,
)
from ingest.reconcile.stored import StoredPause, StoredStream
from ingest.told import Told

TOLD_BY: Final = "storage@1"


class Closes(Protocol):
    """Close times of ledgers, as far as they are stored."""

    def closed_at(self, ledger: int) -> int:
        """When it closed, or the last ledger known before it; unix seconds."""
        ...

    def ledger_at(self, closed_at: int, latest: int) -> int:
        """The ledger that closed in this second, or `latest` where none is known."""
        ...


class Entry(NamedTuple):
    """One entry as a node gave it. `read_at`: that node's newest ledger."""

    contract_id: str
    stream_id: int | None
    xdr: bytes
    changed_at: int
    read_at: int


def told_pauses(
    entry: Entry,
    missing: Iterable[tuple[StoredPause, int]],
    closes: Closes,
    parties: StoredStream | None = None,
) -> Iterator[Told]:
    """Facts of records, each with its number among those of equal flag and second.

    `parties`: of a stream that no event told us of; else the history says whom it concerned then.
    """
    employer, employee = (parties.employer, parties.employee) if parties else (None, None)
    for record, k in missing:
        kind = StreamPaused if record.is_pause else StreamResumed
        identity = f"{entry.stream_id}:{int(record.is_pause)}:{record.at}:{k}"
        fact = kind(
            event_id=f"{STORAGE_PREFIX}{entry.contract_id}:{identity}",
            closed_at=record.at,
            ledger=closes.ledger_at(record.at, entry.changed_at),
            tx_hash="",
            order=f"~{record.place:010d}",
            contract_id=entry.contract_id,
            stream_id=entry.stream_id or 0,
            employer=employer,
            employee=employee,
        )
        yield _told(fact, entry)


def told_status(entry: Entry, status: str, closes: Closes) -> Told:
    """The stream's status, since when is not known."""
    return _told(StatusStated(**_place(entry, "status", status, closes), status=status), entry)


def told_parties(
    entry: Entry, stored: StoredStream, known: tuple[str | None, str | None], closes: Closes
) -> Iterator[Told]:
    """The parties that are not those we know (employer, employee)."""
    employer, employee = known
    if stored.employer != employer:
        place = _place(entry, "employer", stored.employer, closes)
        yield _told(EmployerAccepted(**place, previous=employer, employer=stored.employer), entry)
    if stored.employee != employee:
        place = _place(entry, "employee", stored.employee, closes)
        yield _told(
            EmployeeTransferred(**place, previous=employee, employee=stored.employee), entry
        )


def told_contract_pause(entry: Entry, *, paused: bool, closes: Closes) -> Told:
    """The contract-wide pause as it is set, since when is not known."""
    place = _place(entry, "paused", str(paused).lower(), closes)
    return _told(ContractPauseSet(**place, paused=paused), entry)


def _place(entry: Entry, field: str, value: str, closes: Closes) -> dict[str, Any]:
    """Id and place of a state without a time."""
    whose = "-" if entry.stream_id is None else entry.stream_id
    place: dict[str, Any] = {
        "event_id": f"{STORAGE_PREFIX}{entry.contract_id}:{whose}:{field}={value}:{entry.changed_at}",
        "closed_at": closes.closed_at(entry.changed_at),
        "ledger": entry.changed_at,
        "tx_hash": "",
        "order": UNKNOWN_START_PREFIX + field,
        "contract_id": entry.contract_id,
    }
    return place if entry.stream_id is None else {**place, "stream_id": entry.stream_id}


def _told(fact: Fact, entry: Entry) -> Told:
    return Told(
        fact=fact,
        evidence_bytes=msgspec.msgpack.encode((entry.xdr, entry.read_at)),
        told_by=TOLD_BY,
    )
