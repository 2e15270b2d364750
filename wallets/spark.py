"""Spark addresses: bech32m (BIP-350) of a protobuf message whose one field is the identity key.

Prefixes are `spark`, `sparkt`, `sparkrt`, `sparks`, `sparkl`, and the older `sp`, `spt`, `sprt`, `sps`,
`spl`; the payload is 0x0a 0x21 and 33 bytes of compressed secp256k1. With more fields it is an invoice:
not somebody's address.
"""

from collections.abc import Iterable
from typing import Final

PREFIXES: Final = frozenset(
    f"{name}{network}" for name in ("spark", "sp") for network in ("", "t", "rt", "s", "l")
)
KEY_BYTES: Final = 33
_FIELD: Final = b"\x0a\x21"  # field 1, bytes, 33 of them
_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M: Final = 0x2BC830A3
_CHECKSUM_LETTERS: Final = 6


def identity_key(text: str) -> bytes | None:
    """The key that an address carries; None: it is no Spark address."""
    if text not in (text.lower(), text.upper()):
        return None
    prefix, _, letters = text.lower().rpartition("1")
    if prefix not in PREFIXES or set(letters) - set(_ALPHABET):
        return None
    numbers = [_ALPHABET.index(letter) for letter in letters]
    if len(numbers) < _CHECKSUM_LETTERS or _checksum(prefix, numbers) != _BECH32M:
        return None
    payload = _as_bytes(numbers[:-_CHECKSUM_LETTERS])
    if payload is None or payload[:2] != _FIELD or len(payload) != len(_FIELD) + KEY_BYTES:
        return None
    return payload[2:]


def _checksum(prefix: str, numbers: Iterable[int]) -> int:
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for number in (*expanded, *numbers):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ number
        for bit, value in enumerate(_GENERATOR):
            check ^= value if top >> bit & 1 else 0
    return check


def _as_bytes(numbers: Iterable[int]) -> bytes | None:
    """Groups of 5 bits as bytes; what is left over must be under 5 bits, all zero."""
    held = bits = 0
    out = bytearray()
    for number in numbers:
        held = (held << 5 | number) & 0xFFF
        bits += 5
        if bits >= 8:
            bits -= 8
            out.append(held >> bits & 0xFF)
    if bits >= 5 or held & (1 << bits) - 1:
        return None
    return bytes(out)
