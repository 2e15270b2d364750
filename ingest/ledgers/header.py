"""The head of a LedgerCloseMeta: which ledger it is, what came before it, when it closed.

Protocols add arms to the header (CAP-83, CAP-88) that bytes of another time do not know, and XDR tells
no lengths. The header's own hash does: it is the sha256 of the header's XDR and stands right before it,
so the header ends where the hash is right. No arm needs to be known, and a header that was changed in
any bit has no end. Source: Stellar-ledger.x of protocol 28.
"""

import struct
from hashlib import sha256
from typing import Final, NamedTuple

from ingest.decode import LAST_SECOND
from ingest.errors import LedgerUnreadable, Undecodable
from ingest.ledgers.walking import (
    EXTENSION_POINT,
    U64,
    VOID,
    WORD,
    array,
    choice,
    opaque,
    struct_of,
    uint32,
)

_HASH: Final = 32
_CLOSE_EXT: Final = choice("a close meta's extension", VOID, struct_of(EXTENSION_POINT, U64))
_BEFORE_HEADER: Final = choice("a close meta", VOID, _CLOSE_EXT, _CLOSE_EXT)
_UPGRADES: Final = array(opaque)

# Places in a header: protocol, previous hash, the consensus value (transaction set, close time, upgrades).
_PREVIOUS: Final = 4
_TRANSACTION_SET: Final = 36
_CLOSED_AT: Final = 68
_UPGRADES_AT: Final = 76
# From the results' hash on: that, the buckets' hash, the ledger's number, totals, limits, skip list.
_TAIL: Final = 236
_NUMBER_IN_TAIL: Final = 64
_LONGEST_UNKNOWN: Final = 8_192


class Header(NamedTuple):
    """What is needed of a ledger's header; `closed_at`: unix seconds. `end`: where it ends in the meta."""

    version: int
    sequence: int
    closed_at: int
    hash: bytes
    previous_hash: bytes
    transaction_set_hash: bytes
    results_hash: bytes
    end: int


def read_header(meta: bytes, sequence: int, at: int = 0) -> Header:
    """The head of the LedgerCloseMeta of that ledger, which begins at `at`. Raises LedgerUnreadable."""
    try:
        return _header(meta, _BEFORE_HEADER(meta, at), uint32(meta, at), sequence)
    except (Undecodable, struct.error) as error:
        raise LedgerUnreadable(sequence, str(error)) from error


def header_at(meta: bytes, at: int, sequence: int) -> Header | None:
    """The header whose hash stands at `at`, if one does: how ledgers of a batch are told apart."""
    try:
        return _header(meta, at, -1, sequence)
    except (Undecodable, struct.error):
        return None


def _header(meta: bytes, at: int, version: int, sequence: int) -> Header:
    start = at + _HASH
    end = _end_of(meta, start, meta[at:start])
    tail = _tail_of(meta, start, end, sequence)
    closed_at = int.from_bytes(meta[start + _CLOSED_AT : start + _UPGRADES_AT])
    if closed_at > LAST_SECOND:
        raise Undecodable("its close time is beyond all calendars")
    return Header(
        version=version,
        sequence=sequence,
        closed_at=closed_at,
        hash=meta[at:start],
        previous_hash=meta[start + _PREVIOUS : start + _TRANSACTION_SET],
        transaction_set_hash=meta[start + _TRANSACTION_SET : start + _CLOSED_AT],
        results_hash=meta[tail : tail + _HASH],
        end=EXTENSION_POINT(meta, end),
    )


def _end_of(meta: bytes, start: int, wanted: bytes) -> int:
    """Where the header ends: the first word after which its hash is right."""
    first = _UPGRADES(meta, start + _UPGRADES_AT) + WORD + _TAIL + WORD
    digest = sha256(meta[start:first])
    for end in range(first, min(first + _LONGEST_UNKNOWN, len(meta)) + 1, WORD):
        if digest.digest() == wanted:
            return end
        digest.update(meta[end : end + WORD])
    raise Undecodable("the header is not the one that its hash is of")


def _tail_of(meta: bytes, start: int, end: int, sequence: int) -> int:
    """Where the part behind the consensus value begins; the ledger's number in it shows that."""
    number = sequence.to_bytes(WORD)
    first = start + _UPGRADES_AT + 2 * WORD
    for tail in range(end - WORD - _TAIL, first - 1, -WORD):
        if meta[tail + _NUMBER_IN_TAIL : tail + _NUMBER_IN_TAIL + WORD] == number:
            return tail
    raise Undecodable("the header is another ledger's")
