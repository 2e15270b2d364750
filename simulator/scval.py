"""Values as the Soroban host writes them: XDR bytes of ScVals, cached where they repeat.

Packed by hand because the SDK's objects cost 40 us an event, which is 4 s per 100,000 events; the
unit tests hold every function here equal to the SDK. Union numbers: Stellar-contract.x, SCValType.
"""

import base64
import struct
from collections.abc import Mapping
from functools import lru_cache

_BOOL, _VOID, _U32, _U64, _I128, _BYTES, _STRING, _SYMBOL = 0, 1, 3, 5, 10, 13, 14, 15
_VEC, _MAP, _ADDRESS = 16, 17, 18
_LOW_64 = (1 << 64) - 1

VOID = struct.pack(">I", _VOID)


def text(xdr: bytes) -> str:
    """XDR bytes as the RPC prints them: base64."""
    return base64.b64encode(xdr).decode("ascii")


def opaque(raw: bytes) -> bytes:
    """Variable-length opaque or string: length, bytes, padding to four."""
    return struct.pack(">I", len(raw)) + raw + b"\0" * (-len(raw) % 4)


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value
    """`SCV_BOOL`."""
    return struct.pack(">II", _BOOL, value)


def u32(value: int) -> bytes:
    """`SCV_U32`."""
    return struct.pack(">II", _U32, value)


def u64(value: int) -> bytes:
    """`SCV_U64`."""
    return struct.pack(">IQ", _U64, value)


def i128(value: int) -> bytes:
    """`SCV_I128`: signed high half, unsigned low half."""
    return struct.pack(">IqQ", _I128, value >> 64, value & _LOW_64)


def raw_bytes(value: bytes) -> bytes:
    """`SCV_BYTES`."""
    return struct.pack(">I", _BYTES) + opaque(value)


def string(value: str) -> bytes:
    """`SCV_STRING`."""
    return struct.pack(">I", _STRING) + opaque(value.encode())


@lru_cache(maxsize=1024)
def symbol(value: str) -> bytes:
    """`SCV_SYMBOL`."""
    return struct.pack(">I", _SYMBOL) + opaque(value.encode("ascii"))


@lru_cache(maxsize=65_536)
def address_body(strkey: str) -> bytes:
    """`SCAddress` without the ScVal's own number: for ledger keys, invocations and accounts."""
    from stellar_sdk import Address

    return Address(strkey).to_xdr_sc_address().to_xdr_bytes()


@lru_cache(maxsize=65_536)
def address(strkey: str) -> bytes:
    """`SCV_ADDRESS` of an account (`G…`) or a contract (`C…`)."""
    return struct.pack(">I", _ADDRESS) + address_body(strkey)


def optional_address(strkey: str | None) -> bytes:
    """`Option<Address>`: `None` is `SCV_VOID`."""
    return VOID if strkey is None else address(strkey)


def vec(*items: bytes) -> bytes:
    """`SCV_VEC`: a Rust tuple or `Vec`; an enum's variant is `vec(symbol(name), …)`."""
    return struct.pack(">III", _VEC, 1, len(items)) + b"".join(items)


def mapping(fields: Mapping[str, bytes]) -> bytes:
    """`SCV_MAP` of a `#[contracttype]` struct: symbol keys in sorted order."""
    entries = b"".join(symbol(name) + fields[name] for name in sorted(fields))
    return struct.pack(">III", _MAP, 1, len(fields)) + entries


@lru_cache(maxsize=1024)
def symbol_topic(value: str) -> str:
    """A symbol as a topic: base64 text."""
    return text(symbol(value))


@lru_cache(maxsize=65_536)
def id_topic(value: int) -> str:
    """A u64 id as a topic: base64 text."""
    return text(u64(value))


@lru_cache(maxsize=65_536)
def address_topic(strkey: str) -> str:
    """An address as a topic: base64 text."""
    return text(address(strkey))
