"""Values that name things on the chain: strkeys, 64- and 128-bit numbers, aggregate ids, chain order.

No SDK is needed to check a strkey: it is base32 of version byte, key and CRC16-XModem (SEP-23).
"""

import base64
import binascii
import hashlib
from typing import Any, NewType, TypeAlias
from uuid import UUID, uuid5

from domain.errors import InvalidValue

ContractId = NewType("ContractId", str)
AccountId = NewType("AccountId", str)
NetworkId = NewType("NetworkId", str)

U64_MAX = 2**64 - 1
I128_MIN = -(2**127)
I128_MAX = 2**127 - 1

# Persisted through every aggregate id: never change it (tests/unit/domain/test_values.py pins it).
AGGREGATE_NAMESPACE = UUID("6f1d3c0e-8a53-5c0b-9d4e-7b2a51f0c9e1")

_VERSION_ACCOUNT = 6 << 3
_VERSION_CONTRACT = 2 << 3
_KEY_BYTES = 32
_STRKEY_LENGTH = 56


class I128(int):
    """An amount in the token's base unit, -2^127 .. 2^127-1; stored as a decimal string."""


# Where a fact stands on the chain: ledger close time (unix seconds), then event id, bytewise. A plain
# tuple: each judged fact makes some, and a named one takes longer to make than all else about it.
ChainKey: TypeAlias = tuple[int, str]


def _strkey_body(text: str, version: int) -> bytes | None:
    if len(text) != _STRKEY_LENGTH:
        return None
    try:
        raw = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return None
    body, checksum = raw[:-2], raw[-2:]
    if body[0] != version or len(body) != _KEY_BYTES + 1:
        return None
    if binascii.crc_hqx(body, 0).to_bytes(2, "little") != checksum:
        return None
    return body[1:]


def contract_id(text: str, field: str = "contract_id") -> ContractId:
    """Check a contract's strkey (`C…`, 56 characters). Raises InvalidValue."""
    if _strkey_body(text, _VERSION_CONTRACT) is None:
        raise InvalidValue(field, text, "give the contract's strkey: C and 55 more characters")
    return ContractId(text)


def account_id(text: str, field: str = "account_id") -> AccountId:
    """Check the strkey of a party, an account (`G…`) or a contract (`C…`). Raises InvalidValue."""
    if (
        _strkey_body(text, _VERSION_ACCOUNT) is None
        and _strkey_body(text, _VERSION_CONTRACT) is None
    ):
        raise InvalidValue(
            field, text, "give the account's strkey: G (or C) and 55 more characters"
        )
    return AccountId(text)


def u64(value: int, field: str) -> int:
    """Check an unsigned 64-bit number. Raises InvalidValue."""
    if not 0 <= value <= U64_MAX:
        raise InvalidValue(field, value, "give a whole number from 0 to 2^64-1")
    return value


def network_id(passphrase: str) -> NetworkId:
    """The network's id: hex sha256 of its passphrase, as Stellar signs it."""
    return NetworkId(hashlib.sha256(passphrase.encode()).hexdigest())


def stream_uuid(network: NetworkId, contract: str, stream_id: int) -> UUID:
    """The id of a stream's aggregate: the same on every machine and in every replay."""
    return uuid5(AGGREGATE_NAMESPACE, f"stream:{network}:{contract}:{stream_id}")


def contract_uuid(network: NetworkId, contract: str) -> UUID:
    """The id of a contract's aggregate."""
    return uuid5(AGGREGATE_NAMESPACE, f"contract:{network}:{contract}")


def encode_value(value: object) -> object:
    """Hook of msgspec: a 128-bit amount becomes a decimal string."""
    if isinstance(value, I128):
        return str(int(value))
    raise NotImplementedError(f"{type(value).__name__} has no stored form")


def decode_value(kind: type, value: Any) -> object:
    """Hook of msgspec, the other way."""
    if kind is I128:
        return I128(value)
    raise NotImplementedError(f"{kind.__name__} has no stored form")
