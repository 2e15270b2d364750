"""Random values of the SDK's XDR types: its own decoder reads them out of nothing.

Every `unpack` of the SDK asks an Unpacker for numbers and bytes. This one draws them: a member where an
enum is asked for, an arm that exists where a union is, few where a length is. So any type can be drawn,
with all arms that the SDK knows, and nobody writes them down twice.
"""

import inspect
import random
import re
import sys
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_ROOM = bytes(1 << 10)  # what the SDK compares lengths with


def drawn(kind: type[T], dice: random.Random, *, most: int = 2) -> T:
    """A random value of an XDR type; arrays have up to `most` items. Draws again what is not legal."""
    while True:
        try:
            value: T = kind.unpack(_DrawingUnpacker(dice, most))  # type: ignore[attr-defined] # SDK types
        except (ValueError, RecursionError):
            continue
        return value


@cache
def _arms(union: type) -> list[int]:
    """The arms of a union over a bare int, which the SDK names in its code only."""
    return [int(arm) for arm in re.findall(r"v == (\d+)", inspect.getsource(union.unpack))]  # type: ignore[attr-defined] # SDK types


class _DrawingUnpacker:
    """Answers as xdrlib3's Unpacker, with what the dice say."""

    def __init__(self, dice: random.Random, most: int) -> None:
        self._dice = dice
        self._most = most

    def unpack_int(self) -> int:
        asker = sys._getframe(1)
        kind = asker.f_locals.get("cls")
        if isinstance(kind, type) and issubclass(kind, IntEnum):
            return self._dice.choice(list(kind)).value
        above = asker.f_back
        union: Any = None if above is None else above.f_locals.get("cls")
        if union is not None and "v" in inspect.signature(union.__init__).parameters:
            return self._dice.choice(_arms(union))
        return self._dice.randrange(-(2**31), 2**31)

    def unpack_uint(self) -> int:
        where = sys._getframe(1).f_code
        if where.co_filename.endswith("base.py"):
            small = "size" in where.co_varnames or "actual_size" in where.co_varnames
            return self._dice.randrange(6) if small else self._dice.randrange(2**32)
        return self._dice.randrange(self._most + 1)

    def unpack_hyper(self) -> int:
        return self._dice.randrange(-(2**63), 2**63)

    def unpack_uhyper(self) -> int:
        return self._dice.randrange(2**64)

    def unpack_bool(self) -> bool:
        return self._dice.random() < 0.5

    def unpack_fopaque(self, size: int) -> bytes:
        return self._dice.randbytes(size)

    def get_buffer(self) -> bytes:
        return _ROOM

    def get_position(self) -> int:
        return 0
