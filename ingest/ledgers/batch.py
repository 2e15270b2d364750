"""One object of a data lake -> its ledgers: zstd, then LedgerCloseMetaBatch.

The batch is (first, last, array of LedgerCloseMeta), and nothing says where one meta ends and the next
begins. Each header names the hash of the ledger before it, and stands right behind its own: where the
hash of a ledger is met again and a header of the next number begins, the next ledger is.
"""

from collections.abc import Iterator
from typing import Final

import zstandard

from ingest.errors import LedgerUnreadable, Undecodable
from ingest.ledgers.header import Header, header_at, read_header
from ingest.ledgers.pages import RawLedger
from ingest.ledgers.walking import WORD, uint32

# The largest ledgers of the public network have some megabytes; a batch of 64 of them still fits.
MOST_BYTES: Final = 512 * 1024 * 1024
_HEAD: Final = 3 * WORD
_HASH: Final = 32
_FIRST_WITH_EXTENSION: Final = 20  # the protocol from which close metas are V1 and V2


def unpacked(body: bytes, most: int = MOST_BYTES) -> bytes:
    """The content of a zstd frame. Raises Undecodable, also where it is larger than `most`."""
    unpacker = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True)
    try:
        content = unpacker.read(most + 1)
    except zstandard.ZstdError as error:
        raise Undecodable(f"it is not zstd: {error}") from error
    if len(content) > most:
        raise Undecodable(f"it unpacks to more than {most} bytes")
    return bytes(content)


def ledgers_of(batch: bytes, *, first: int, last: int) -> Iterator[RawLedger]:
    """The ledgers of a batch for these, which may lack some at its ends. Raises LedgerUnreadable.

    The network's first batch begins with ledger 2 or 3, wherever its name says that it does.
    """
    if len(batch) < _HEAD:
        raise LedgerUnreadable(first, "its batch ends too early", last + 1)
    begin, end, count = (uint32(batch, place) for place in range(0, _HEAD, WORD))
    if not (first <= begin <= end <= last and count == end - begin + 1):
        says = f"its batch says {count} ledgers from {begin} to {end}"
        raise LedgerUnreadable(first, says, last + 1)
    yield from _split(batch, begin, end)


def _split(batch: bytes, first: int, last: int) -> Iterator[RawLedger]:
    start = _HEAD
    for sequence in range(first, last + 1):
        header = read_header(batch, sequence, start)
        end = len(batch) if sequence == last else _start_of_next(batch, header)
        yield RawLedger(sequence, batch[start:end])
        start = end


def _start_of_next(batch: bytes, header: Header) -> int:
    """Where the close meta of the next ledger begins."""
    at = header.end
    while True:
        at = batch.find(header.hash, at)
        if at < 0:
            raise LedgerUnreadable(header.sequence + 1, "its batch does not go on to it")
        place = at - WORD - _HASH  # its own hash, its protocol, the hash before it
        if header_at(batch, place, header.sequence + 1) is not None:
            return _start_of_meta(batch, place)
        at += 1


def _start_of_meta(batch: bytes, place: int) -> int:
    """From where the header's hash stands back over version and extension of the close meta."""
    protocol = uint32(batch, place + _HASH)
    if protocol < _FIRST_WITH_EXTENSION:
        return place - WORD
    if uint32(batch, place - WORD) == 0 and uint32(batch, place - 2 * WORD) in (1, 2):
        return place - 2 * WORD
    return place - 5 * WORD  # the extension's first version: its number, 0, and eight bytes
