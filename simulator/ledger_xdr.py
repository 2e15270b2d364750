"""A closed ledger as XDR: contract events, transaction results and metas, the header, the close meta.

Packed by hand, as every ledger's hashes need it; the unit tests read all of it back with the SDK.
Sources: Stellar-ledger.x and Stellar-transaction.x of protocol 28, CAP-88 for 30.
"""

import hashlib
import struct
from binascii import a2b_base64
from collections.abc import Sequence

from simulator import scval
from simulator.ledger import ContractEvent, Ledger, Transaction

_ZERO = struct.pack(">I", 0)
_ONE = struct.pack(">I", 1)
_EVENT_TYPES = {"system": 0, "contract": 1}
_FEE_CHARGED = struct.pack(">q", 100_000)
_INVOKE_HOST_FUNCTION = struct.pack(">I", 24)
_TRANSACTION_FAILED = struct.pack(">i", -1)
_FUNCTION_TRAPPED = struct.pack(">i", -2)

# version, previous hash, value (tx set hash, close time, upgrades), and behind the value's kind: result
# hash, bucket hash, sequence, coins, fee pool, inflation, id pool, base fee, base reserve, set size, skip
# list, ext
_HEADER_START = struct.Struct(">I32s32sQI")
_HEADER_END = struct.Struct(">32s32sIqqIQIII128sI")
_BASIC_VALUE = _ZERO
# `STELLAR_VALUE_SIGNED_MS` of CAP-88: milliseconds, the validator's key, its signature
_SIGNED_MS = struct.Struct(">IQI32sI64s")
_ALL_LUMENS = 10**18
_BASE_FEE = 100
_BASE_RESERVE = 5_000_000
_MOST_TRANSACTIONS = 1_000


def array(items: Sequence[bytes]) -> bytes:
    """A variable-length array: count, items."""
    return struct.pack(">I", len(items)) + b"".join(items)


def contract_event(event: ContractEvent) -> bytes:
    """`ContractEvent`."""
    # an SCAddress of a contract is its type and the 32 bytes that ContractID is
    contract_id = _ONE + scval.address_body(event.contract_id)[4:]
    kind = struct.pack(">I", _EVENT_TYPES[event.type])
    topics = array([a2b_base64(topic) for topic in event.topics])
    return _ZERO + contract_id + kind + _ZERO + topics + a2b_base64(event.value)


def transaction_result(*, failed: bool, events: Sequence[bytes]) -> bytes:
    """`TransactionResult`; a success carries the hash of its return value and events."""
    operation = _ZERO + _INVOKE_HOST_FUNCTION
    if failed:
        return _FEE_CHARGED + _TRANSACTION_FAILED + _ONE + operation + _FUNCTION_TRAPPED + _ZERO
    digest = hashlib.sha256(scval.VOID + array(events)).digest()
    return _FEE_CHARGED + _ZERO + _ONE + operation + _ZERO + digest + _ZERO


def fee_bump_result(inner_hash: str, inner: bytes, *, failed: bool) -> bytes:
    """`TransactionResult` of a fee bump around a transaction with this result."""
    code = struct.pack(">i", -13 if failed else 1)  # txFEE_BUMP_INNER_FAILED, _SUCCESS
    return _FEE_CHARGED + code + bytes.fromhex(inner_hash) + inner + _ZERO


def transaction_meta(transaction: Transaction) -> bytes:
    """`TransactionMeta` V4: the events of the one operation and of the fee, no storage changes."""
    events = [contract_event(event) for event in transaction.events]
    no_changes, no_diagnostics = _ZERO, _ZERO
    fees = [struct.pack(">I", each.stage) + contract_event(each.event) for each in transaction.fees]
    operation = _ZERO + no_changes + array(events)
    operations = array([] if transaction.failed else [operation])
    soroban = _ZERO if transaction.failed else _ONE + _ZERO + _ONE + scval.VOID
    version = struct.pack(">I", 4)
    body = _ZERO + no_changes + operations + no_changes + soroban + array(fees) + no_diagnostics
    return version + body


def transaction_set(previous_hash: str, transactions: Sequence[Transaction]) -> bytes:
    """`GeneralizedTransactionSet`: an empty classic phase, then ours in the Soroban phase."""
    no_base_fee = _ZERO
    component = _ZERO + no_base_fee + array([each.envelope for each in transactions])
    classic = _ZERO + array([])
    soroban = _ZERO + array([component] if transactions else [])
    return _ONE + bytes.fromhex(previous_hash) + array([classic, soroban])


def result_pairs(transactions: Sequence[Transaction]) -> list[bytes]:
    """`TransactionResultPair` of each transaction."""
    return [bytes.fromhex(each.hash) + each.result for each in transactions]


def header(
    previous_hash: str,
    sequence: int,
    closed_at: int,
    transactions: Sequence[Transaction],
    *,
    protocol: int,
) -> bytes:
    """`LedgerHeader`: its sha256 is the ledger's hash."""
    no_upgrades, no_extension = 0, 0
    start = _HEADER_START.pack(
        protocol,
        bytes.fromhex(previous_hash),
        hashlib.sha256(transaction_set(previous_hash, transactions)).digest(),
        closed_at,
        no_upgrades,
    )
    value = _BASIC_VALUE
    if protocol >= 30:
        value = _SIGNED_MS.pack(3, closed_at * 1000 + 250, 0, bytes(32), 64, bytes(64))
    return (
        start
        + value
        + _HEADER_END.pack(
            hashlib.sha256(array(result_pairs(transactions))).digest(),
            bytes(32),  # the buckets are not simulated
            sequence,
            _ALL_LUMENS,
            0,
            0,
            0,
            _BASE_FEE,
            _BASE_RESERVE,
            _MOST_TRANSACTIONS,
            bytes(128),
            no_extension,
        )
    )


def close_meta(ledger: Ledger) -> bytes:
    """`LedgerCloseMeta` V2: everything of the ledger, as backfills read it."""
    previous_hash = ledger.header[4:36].hex()
    history_entry = bytes.fromhex(ledger.hash) + ledger.header + _ZERO
    processing = [
        _ZERO + pair + _ZERO + transaction_meta(transaction) + _ZERO
        for transaction, pair in zip(
            ledger.transactions, result_pairs(ledger.transactions), strict=True
        )
    ]
    no_upgrades, no_scp, no_state_size, nothing_evicted = _ZERO, _ZERO, bytes(8), _ZERO
    version = struct.pack(">I", 2)
    return (
        version
        + _ZERO
        + history_entry
        + transaction_set(previous_hash, ledger.transactions)
        + array(processing)
        + no_upgrades
        + no_scp
        + no_state_size
        + nothing_evicted
    )
