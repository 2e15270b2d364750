"""Step 3. One RPC page -> contract events and the evidence of each.

In:   the JSON text of getEvents' result (ingest/rpc.py)
Out:  Page: contract events in id order, the cursor behind them, the node's first and last ledger
Next: translate.py reads what each event says; record.py keeps its bytes

A page that does not read is the endpoint's fault: RpcUnavailable, fetched again. An event that does
not read is kept with its `defect` and quarantined; the page goes on without it.

Evidence of an event: the msgpack array (id, type, contract id, ledger, close time in whole unix
seconds, tx hash, [topic XDR …], value XDR), base64 decoded, nothing else. It is the same from every
source, so equal hashes mean equal events. Of a broken field it keeps the raw text in that place.
"""

import binascii
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from domain.errors import InvalidValue
from domain.values import contract_id
from ingest import wire
from ingest.cursors import ledger_of
from ingest.dispute import Dispute
from ingest.errors import RpcUnavailable, Undecodable

_TX_HASH_LENGTH: Final = 64
LAST_SECOND: Final = 253_402_300_799  # of the year 9999: no clock of ours writes a later one
_NUL: Final = "\0"  # legal in JSON, refused by PostgreSQL's texts


class ContractEvent(msgspec.Struct, frozen=True, gc=False):
    """What the chain emitted, as the RPC told it.

    `closed_at`: the ledger's close time, unix seconds. `topics`, `value`: XDR of ScVals. `defect`: why
    the event cannot be used; its other fields then hold what could be read (0 and empty otherwise).
    """

    event_id: str
    type: str
    contract_id: str
    ledger: int
    closed_at: int
    tx_hash: str
    topics: list[bytes]
    value: bytes
    evidence_bytes: bytes
    sha256: bytes
    defect: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Contract events of some ledgers, ascending, where to go on, and which ledgers the node has.

    Close times: unix seconds. `source`: who told it; `seen_at`: microseconds; `disputes`: who does not.
    """

    events: list[ContractEvent]
    cursor: str
    oldest_ledger: int
    latest_ledger: int
    oldest_closed_at: int
    latest_closed_at: int
    source: str
    seen_at: int
    disputes: tuple[Dispute, ...] = ()


_EVIDENCE = msgspec.msgpack.Encoder()


def decode_page(result: bytes | msgspec.Raw, *, source: str, seen_at: int) -> Page:
    """Read getEvents' result. Raises RpcUnavailable when it is not a page."""
    try:
        page, events = _read(result)
        ledger_of(page.cursor)
        oldest_closed_at = _close_time(page.oldestLedgerCloseTime)
        latest_closed_at = _close_time(page.latestLedgerCloseTime)
    except (msgspec.DecodeError, Undecodable, ValueError, RecursionError) as error:
        raise RpcUnavailable(
            f"{source} answered with a page that does not read: {error}"
        ) from error
    by_id = {event.event_id: event for event in events}
    if len(by_id) < len(events) and any(by_id[each.event_id] != each for each in events):
        raise RpcUnavailable(f"{source} told two events under one id in a page")
    if any(_NUL in event_id for event_id in by_id):
        raise RpcUnavailable(f"{source} told an event under an id that cannot be kept")
    return Page(
        events=[by_id[event_id] for event_id in sorted(by_id)],
        cursor=page.cursor,
        oldest_ledger=page.oldestLedger,
        latest_ledger=page.latestLedger,
        oldest_closed_at=oldest_closed_at,
        latest_closed_at=latest_closed_at,
        source=source,
        seen_at=seen_at,
    )


def _read(result: bytes | msgspec.Raw) -> tuple[wire.Page[Any], list[ContractEvent]]:
    """All events at once; one by one only where one of them does not read."""
    try:
        page = wire.PAGE.decode(result)
    except msgspec.ValidationError:
        raw_page = wire.PAGE_OF_RAW_EVENTS.decode(result)
        return raw_page, [_read_one(raw) for raw in raw_page.events]
    return page, [contract_event(event) for event in page.events]


def _read_one(raw: msgspec.Raw) -> ContractEvent:
    """Raises DecodeError where the event has not even an id to keep it under."""
    try:
        return contract_event(wire.EVENT.decode(raw))
    except msgspec.ValidationError as error:
        event_id = wire.EVENT_ID.decode(raw).id
        return _salvage(event_id, wire.RAW_FIELDS.decode(raw), f"the event does not read: {error}")


def contract_event(told: wire.Event) -> ContractEvent:
    """The event with its evidence: the same from whichever source the same was told."""
    closed_at = _unix_seconds(told.ledgerClosedAt)
    evidence = _EVIDENCE.encode(
        (
            told.id,
            told.type,
            told.contractId,
            told.ledger,
            told.ledgerClosedAt if closed_at is None else closed_at,
            told.txHash,
            told.topic,
            told.value,
        )
    )
    return ContractEvent(
        told.id,
        told.type,
        told.contractId.replace(_NUL, ""),
        told.ledger,
        closed_at or 0,
        told.txHash,
        told.topic,
        told.value,
        evidence,
        sha256(evidence).digest(),
        defect_of(told, closed_at),
    )


def defect_of(told: wire.Event, closed_at: int | None) -> str | None:
    """What does not fit in an event that reads; None when all is well."""
    try:
        ledger = ledger_of(told.id)
    except Undecodable as error:
        return f"event id: {error.reason}"
    if ledger != told.ledger:
        return f"the event id says ledger {ledger}, the event says {told.ledger}"
    if closed_at is None:
        return f"close time {told.ledgerClosedAt[:40]!r} is not RFC 3339"
    if not _is_contract(told.contractId):
        return f"contract id {told.contractId[:60]!r} is not a contract's strkey"
    if not _is_hash(told.txHash):
        return f"tx hash {told.txHash[:70]!r} is not 64 hex characters"
    return None


@lru_cache(4096)
def _unix_seconds(text: str) -> int | None:
    """RFC 3339 -> whole unix seconds; many events share one close time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    seconds = int(moment.timestamp())
    return seconds if 0 <= seconds <= LAST_SECOND else None


def _close_time(told: str | int) -> int:
    """A close time of the node's window. Raises ValueError."""
    seconds = int(told)
    if not 0 <= seconds <= LAST_SECOND:
        raise ValueError("a close time is beyond all calendars")
    return seconds


@lru_cache(4096)
def _is_contract(text: str) -> bool:
    try:
        contract_id(text)
    except InvalidValue:
        return False
    return True


def _is_hash(text: str) -> bool:
    try:
        return len(text) == _TX_HASH_LENGTH and len(bytes.fromhex(text)) == _TX_HASH_LENGTH // 2
    except ValueError:
        return False


# --- events that do not read -----------------------------------------------------------------------


def _salvage(event_id: str, fields: dict[str, msgspec.Raw], defect: str) -> ContractEvent:
    """Keep what can be read of an event, and the JSON text of what cannot."""
    kind, contract, tx_hash, closed_text = (
        _field(fields, name, str, "") for name in ("type", "contractId", "txHash", "ledgerClosedAt")
    )
    closed_at = _unix_seconds(closed_text)
    ledger = _field(fields, "ledger", wire.LedgerNumber, 0)
    topics = _field(fields, "topic", list[str], [])
    if isinstance(topics, list):
        topics = [_bytes_or_text(text) for text in topics]
    value = _bytes_or_text(_field(fields, "value", str, ""))
    closed = closed_text if closed_at is None else closed_at
    evidence = _EVIDENCE.encode((event_id, kind, contract, ledger, closed, tx_hash, topics, value))
    return ContractEvent(
        event_id,
        kind,
        contract.replace(_NUL, ""),
        ledger if isinstance(ledger, int) else 0,
        closed_at or 0,
        tx_hash,
        [],
        b"",
        evidence,
        sha256(evidence).digest(),
        defect,
    )


def _field(fields: dict[str, msgspec.Raw], name: str, kind: Any, missing: Any) -> Any:
    if name not in fields:
        return missing
    try:
        return msgspec.json.decode(fields[name], type=kind)
    except msgspec.ValidationError:
        return bytes(fields[name]).decode(errors="replace")


def _bytes_or_text(text: str) -> bytes | str:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return text
