"""The grammar of XDR as functions that pass over a value without reading it: `skip(xdr, at) -> end`.

XDR has no lengths (RFC 4506), so to come to the events of a ledger one must know the shape of all that
stands before them. What is not known (an arm of a later protocol) is Undecodable. Bytes that end too
early raise Undecodable or struct.error; only bytes of any length may seem to end beyond them, so that
whoever starts a walk checks its end.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ingest.errors import Undecodable

Skip: TypeAlias = Callable[[bytes, int], int]

WORD: Final = 4
_uint32 = struct.Struct(">I").unpack_from
_int32 = struct.Struct(">i").unpack_from


def uint32(xdr: bytes, at: int) -> int:
    """The number at `at`. Raises struct.error beyond the end."""
    return int(_uint32(xdr, at)[0])


def count_at(xdr: bytes, at: int) -> int:
    """The length of an array, each element of which takes a word or more. Raises Undecodable."""
    count = uint32(xdr, at)
    if count * WORD > len(xdr) - at:
        raise Undecodable(f"an array of {count} elements does not fit into the bytes")
    return count


def present(xdr: bytes, at: int) -> bool:
    """Whether an optional value is there. Raises Undecodable."""
    flag = uint32(xdr, at)
    if flag > 1:
        raise Undecodable(f"{flag} says neither that a value is there nor that it is not")
    return flag == 1


class Fixed:
    """A value of a known size in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, xdr: bytes, at: int) -> int:
        """Pass over it. Raises Undecodable beyond the end."""
        end = at + self.size
        if end > len(xdr):
            raise Undecodable("the bytes end too early")
        return end


VOID: Final = Fixed(0)
U32: Final = Fixed(4)
U64: Final = Fixed(8)
HASH: Final = Fixed(32)


def opaque(xdr: bytes, at: int) -> int:
    """Bytes or text of any length: count, bytes, padding to a whole word."""
    return at + WORD + (uint32(xdr, at) + 3 & ~3)


def struct_of(*parts: Skip) -> Skip:
    """One part after the other; neighbours of fixed size become one step."""
    steps: list[Skip] = []
    for part in parts:
        last = steps[-1] if steps else None
        if isinstance(part, Fixed) and isinstance(last, Fixed):
            steps[-1] = Fixed(last.size + part.size)
        else:
            steps.append(part)
    if len(steps) == 1:
        return steps[0]

    def skip(xdr: bytes, at: int) -> int:
        for step in steps:
            at = step(xdr, at)
        return at

    return skip


def array(item: Skip) -> Skip:
    """A count, then so many items."""

    def skip(xdr: bytes, at: int) -> int:
        count = count_at(xdr, at)
        at += WORD
        if isinstance(item, Fixed):
            return at + count * item.size
        for _ in range(count):
            at = item(xdr, at)
        return at

    return skip


def optional(item: Skip) -> Skip:
    """A flag, then the item if it is 1."""

    def skip(xdr: bytes, at: int) -> int:
        return item(xdr, at + WORD) if present(xdr, at) else at + WORD

    return skip


def union(what: str, arms: Mapping[int, Skip], other: Skip | None = None) -> Skip:
    """A signed number that says which arm follows; `other`: every arm that is not listed.

    `what` names the union where an arm is unknown.
    """

    def skip(xdr: bytes, at: int) -> int:
        number = int(_int32(xdr, at)[0])
        arm = arms.get(number, other)
        if arm is None:
            raise Undecodable(f"{number} is not a known arm of {what}")
        return arm(xdr, at + WORD)

    return skip


def choice(what: str, *arms: Skip) -> Skip:
    """A union whose arms are numbered from 0."""
    return union(what, dict(enumerate(arms)))


# A place for additions: 0 and nothing after it, in every protocol so far.
EXTENSION_POINT: Final = choice("an extension point", VOID)
