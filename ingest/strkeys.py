"""XDR of an address -> its strkey (SEP-23), cached: few accounts appear in many events.

Every arm of SCAddress that the SDK knows: account G…, contract C…, muxed account M…, claimable balance
B…, liquidity pool L…. CAP-84's muxed contract (arm 5, W…) is not among them: Undecodable.
"""

import base64
import binascii
import struct
from functools import lru_cache
from typing import Final

from ingest.errors import Undecodable

_CACHED_ADDRESSES: Final = 65_536
_ARM: Final = 4
# Bytes of each arm with its number: public key type + key, hash, id + key, balance type + hash, hash.
_SIZES: Final = (40, 36, 44, 40, 36)
_VERSIONS: Final = tuple(("ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) << 3) for letter in "GCMBL")
_MUXED_ID: Final = 8

_uint32 = struct.Struct(">I").unpack_from


def read_address(xdr: bytes, at: int, _: int = 0) -> tuple[tuple[str, str], int]:
    """("address", strkey) of the SCAddress at `at`, and where it ends. Raises Undecodable, struct.error."""
    arm = _uint32(xdr, at)[0]
    if arm >= len(_SIZES):
        raise Undecodable(f"{arm} is not a known kind of address")
    end = at + _SIZES[arm]
    if end > len(xdr):
        raise Undecodable("the bytes end within an address")
    return _address(xdr[at:end]), end


@lru_cache(_CACHED_ADDRESSES)
def _address(xdr: bytes) -> tuple[str, str]:
    arm = xdr[_ARM - 1]
    key = xdr[_ARM:]
    if arm == 0:  # account: a public key, of which there is one kind, ed25519
        key = _only_kind(key, "public key")
    elif arm == 2:  # muxed account: XDR has the id first, the strkey last
        key = key[_MUXED_ID:] + key[:_MUXED_ID]
    elif arm == 3:  # claimable balance: the strkey keeps one byte of the balance's type
        key = b"\0" + _only_kind(key, "claimable balance")
    body = bytes((_VERSIONS[arm],)) + key
    checksum = binascii.crc_hqx(body, 0).to_bytes(2, "little")
    return "address", base64.b32encode(body + checksum).decode("ascii").rstrip("=")


def _only_kind(key: bytes, what: str) -> bytes:
    kind = int.from_bytes(key[:_ARM])
    if kind != 0:
        raise Undecodable(f"{kind} is not a known kind of {what}")
    return key[_ARM:]
