"""What an address is: its kind, the account it stands for, and the key it carries, if it carries one.

Strkeys are base32 of version byte, body and CRC16-XModem (SEP-23): G… an account's ed25519 key, M… the
same with a number behind it, C… a contract, which has no key. Spark addresses: spark.py.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from typing import Final

from domain.errors import InvalidValue
from wallets import spark

KEY_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 2
_MUXED_ID_BYTES: Final = 8
_LONGEST: Final = 120


class Kind(Enum):
    """A kind of address, in words that an error can use."""

    ACCOUNT = "an account (G…)"
    MUXED = "a muxed account (M…)"
    CONTRACT = "a contract (C…)"
    SPARK = "a Spark address"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that is well formed. `account`: whom it stands for, of a muxed one the G… inside.

    `key`: what it carries: 32 bytes of ed25519, or 33 of secp256k1; None: a contract carries none.
    """

    text: str
    kind: Kind
    account: str
    key: bytes | None


_VERSIONS: Final = {"G": 6 << 3, "M": 12 << 3, "C": 2 << 3}
_BODY_BYTES: Final = {"G": KEY_BYTES, "M": KEY_BYTES + _MUXED_ID_BYTES, "C": KEY_BYTES}


def parse_address(text: str, field: str = "address") -> Address:
    """Read an address of any kind. Raises InvalidValue, which does not repeat it."""
    if len(text) <= _LONGEST and text.isascii():
        body = _strkey_body(text)
        if body is not None:
            return _of_strkey(text, body)
        key = spark.identity_key(text)
        if key is not None:
            return Address(text, Kind.SPARK, text.lower(), key)
    raise InvalidValue(field, "", "give an address: G…, M…, C… or spark1…, without blanks")


def account_of(key: bytes) -> str:
    """The account (G…) of an ed25519 key."""
    return _strkey("G", key)


def ed25519_key(text: str) -> bytes | None:
    """The key that a text names: G…, or 64 hex digits; None: neither."""
    if len(text) == 2 * KEY_BYTES:
        try:
            return bytes.fromhex(text) if text.isalnum() else None
        except ValueError:
            return None
    return _strkey_body(text) if text.startswith("G") else None


def _of_strkey(text: str, body: bytes) -> Address:
    if text[0] == "C":
        return Address(text, Kind.CONTRACT, text, None)
    key = body[:KEY_BYTES]
    if text[0] == "M":
        return Address(text, Kind.MUXED, account_of(key), key)
    return Address(text, Kind.ACCOUNT, text, key)


def _strkey(letter: str, body: bytes) -> str:
    signed = bytes((_VERSIONS[letter],)) + body
    checksum = binascii.crc_hqx(signed, 0).to_bytes(_CHECKSUM_BYTES, "little")
    return base64.b32encode(signed + checksum).decode("ascii").rstrip("=")


def _strkey_body(text: str) -> bytes | None:
    """What the strkey holds; None: it is none, or not in its one spelling."""
    letter = text[:1]
    if letter not in _VERSIONS:
        return None
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return None
    body = raw[1:-_CHECKSUM_BYTES]
    if len(body) != _BODY_BYTES[letter] or _strkey(letter, body) != text:
        return None
    return body
