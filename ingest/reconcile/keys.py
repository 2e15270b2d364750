"""Keys of a contract's entries as LedgerKey XDR, made without the SDK: a contract has thousands.

Stellar-ledger-entries.x: LedgerKey, arm CONTRACT_DATA: the contract's address, the key, the durability.
An entry (LedgerEntryData) begins with the same bytes, an empty extension behind the arm.
"""

import base64
import struct
from typing import Final

from ingest.errors import Undecodable
from ingest.scval import ScVal, decode_scval

_CONTRACT_DATA: Final = struct.pack(">I", 6)
_CONTRACT_ADDRESS: Final = struct.pack(">I", 1)
_PERSISTENT: Final = struct.pack(">I", 1)
_NO_EXTENSION: Final = bytes(4)
_U64, _SYMBOL, _VEC = 5, 15, 16  # SCValType


def stream_key(contract_id: str, variant: str, stream_id: int) -> bytes:
    """The key of a stream's persistent entry, `Vec[Symbol variant, U64 id]`."""
    name = variant.encode("ascii")
    padded = name + bytes(-len(name) % 4)
    return b"".join(
        (
            _CONTRACT_DATA,
            _CONTRACT_ADDRESS,
            base64.b32decode(contract_id)[1:-2],
            struct.pack(">IIIII", _VEC, 1, 2, _SYMBOL, len(name)),
            padded,
            struct.pack(">IQ", _U64, stream_id),
            _PERSISTENT,
        )
    )


def entry_value(key: bytes, entry: bytes) -> ScVal:
    """The value of the entry (LedgerEntryData XDR) that must stand under this key. Raises Undecodable."""
    head = key[:4] + _NO_EXTENSION + key[4:]
    if not entry.startswith(head):
        raise Undecodable("it is the entry of another key")
    return decode_scval(entry[len(head) :])
