"""Column types whose order in the database is the order of the numbers they hold.

Neither database has an unsigned 64-bit or a 128-bit integer; big-endian bytes with the sign bit flipped
compare bytewise like the numbers do. Bulk statements that bypass SQLAlchemy's types call the functions.
"""

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

_I128_OFFSET = 2**127


def u64_bytes(value: int) -> bytes:
    """0 .. 2^64-1 as 8 bytes that sort like the number."""
    return value.to_bytes(8, "big")


def u64_number(raw: bytes) -> int:
    """The number that u64_bytes stored."""
    return int.from_bytes(raw, "big")


def i128_bytes(value: int) -> bytes:
    """-2^127 .. 2^127-1 as 16 bytes that sort like the number."""
    return (value + _I128_OFFSET).to_bytes(16, "big")


def i128_number(raw: bytes) -> int:
    """The number that i128_bytes stored."""
    return int.from_bytes(raw, "big") - _I128_OFFSET


class U64(TypeDecorator[int]):
    """An unsigned 64-bit number, order-preserving."""

    impl = LargeBinary(8)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> bytes | None:
        """Number to bytes."""
        del dialect
        return None if value is None else u64_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> int | None:
        """Bytes to number."""
        del dialect
        return None if value is None else u64_number(value)


class I128(TypeDecorator[int]):
    """A signed 128-bit number, order-preserving."""

    impl = LargeBinary(16)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> bytes | None:
        """Number to bytes."""
        del dialect
        return None if value is None else i128_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> int | None:
        """Bytes to number."""
        del dialect
        return None if value is None else i128_number(value)
