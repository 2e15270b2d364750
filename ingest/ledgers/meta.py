"""Contract events out of one LedgerCloseMeta, with the ids that getEvents gives them.

In:   the XDR of a ledger, its header, the wanted contracts
Out:  what getEvents would have told of them (`wire.Event`), in id order
Next: pages.py makes pages of them

A ledger in which no wanted contract's bytes occur costs one search. In any other one, what stands before
the events is passed over, and nothing is missed silently: the transaction set ends where its hash is
right, so that no envelope needs to be understood, and the results met on the way must have the hash that
the header tells. Ids: stellar-rpc v28, db/event.go. Fee events stand at (ledger, 0, 0), those after a
transaction at its operation 4095, those after all transactions at transaction 1048575.
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from ingest import wire
from ingest.errors import LedgerUnreadable, Undecodable
from ingest.ledgers.entries import CHANGES
from ingest.ledgers.header import Header
from ingest.ledgers.results import RESULT_PAIR
from ingest.ledgers.transactions import (
    AFTER_ALL,
    AFTER_TRANSACTION,
    BEFORE_ALL,
    Emitted,
    read_transaction,
)
from ingest.ledgers.walking import EXTENSION_POINT, WORD, count_at

_HASH: Final = 32
_NO_RESULTS: Final = sha256(bytes(WORD)).digest()
_LAST_TRANSACTION: Final = 2**20 - 1
_LAST_OPERATION: Final = 2**12 - 1


def events_of(meta: bytes, header: Header, wanted: Mapping[bytes, str]) -> list[wire.Event]:
    """The events of wanted contracts, {raw 32 bytes: strkey}. Raises LedgerUnreadable."""
    if header.results_hash == _NO_RESULTS or not any(raw in meta for raw in wanted):
        return []
    try:
        # The walk meets fee events between all others; the text of ids sorts in chain order.
        return sorted(_walk(meta, header, wanted), key=lambda event: event.id)
    except (Undecodable, struct.error, RecursionError) as error:
        raise LedgerUnreadable(header.sequence, str(error)) from error


def _walk(meta: bytes, header: Header, wanted: Mapping[bytes, str]) -> Iterator[wire.Event]:
    closed_at = datetime.fromtimestamp(header.closed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw_ids = frozenset(wanted)
    at = _behind_transaction_set(meta, header)
    count = count_at(meta, at)
    results = sha256(meta[at : at + WORD])
    at += WORD
    fees = after_all = 0
    for order in range(1, count + 1):
        pair = EXTENSION_POINT(meta, at) if header.version == 2 else at
        at = RESULT_PAIR(meta, pair)
        results.update(meta[pair:at])
        transaction = read_transaction(meta, CHANGES(meta, at), raw_ids)
        for each in transaction.emitted:
            yield wire.Event(
                id=_event_id(header.sequence, order, each, fees, after_all),
                type=each.event.type,
                ledger=header.sequence,
                ledgerClosedAt=closed_at,
                contractId=wanted[each.event.contract],
                txHash=meta[pair : pair + _HASH].hex(),
                value=each.event.value,
                topic=each.event.topics,
            )
        fees += transaction.of_stages[BEFORE_ALL]
        after_all += transaction.of_stages[AFTER_ALL]
        at = CHANGES(meta, transaction.end) if header.version == 2 else transaction.end
    if at > len(meta) or results.digest() != header.results_hash:
        raise Undecodable("its transactions are not those that its header is of")


def _event_id(ledger: int, order: int, each: Emitted, fees: int, after_all: int) -> str:
    """`fees`, `after_all`: such events of the transactions before, which count on over the ledger."""
    transaction, operation, index = order, each.operation, each.number
    if each.stage == BEFORE_ALL:
        transaction, index = 0, fees + index
    elif each.stage == AFTER_TRANSACTION:
        operation = _LAST_OPERATION
    elif each.stage == AFTER_ALL:
        transaction, index = _LAST_TRANSACTION, after_all + index
    return f"{ledger << 32 | transaction << 12 | operation:019d}-{index:010d}"


def _behind_transaction_set(meta: bytes, header: Header) -> int:
    """Where the transaction set ends: the first place at which it has the header's hash.

    A set of version 0 (before protocol 20) is hashed without the count of its transactions. Only places
    are tried that a plausible count of results follows.
    """
    start = header.end
    at = start + _HASH + 2 * WORD
    digest = sha256(meta[start:at])
    if header.version == 0:
        at = start + _HASH + WORD
        digest = sha256(meta[start : start + _HASH])
    hashed = at
    for end in range(at, len(meta) - WORD, WORD):
        # Fewer than 65,536 results; in version 2 an extension point, 0, stands before the first.
        if meta[end] or meta[end + 1] or (header.version == 2 and any(meta[end + 4 : end + 8])):
            continue
        digest.update(meta[hashed:end])
        hashed = end
        if digest.digest() == header.transaction_set_hash:
            return end
    raise Undecodable("its transaction set is not the one that its header is of")
