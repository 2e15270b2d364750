"""Keyset pages: a cursor is the place of the last item in its list's own order, never an offset.

A cursor is base64url of the JSON array [version, list, key…]: opaque to callers, checked on return.
It grants nothing: what a page shows depends on the caller's key and filters only.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from api.problems import INVALID_CURSOR, Problem
from domain.values import U64_MAX

DEFAULT_LIMIT: Final = 50
_VERSION: Final = 1
_LONGEST_CURSOR: Final = 512

# Types of key parts. Text without NUL (PostgreSQL has none); numbers in the columns' ranges.
KeyText = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\x00]*$")]
KeyU64 = Annotated[int, msgspec.Meta(ge=0)]  # at most U64_MAX: msgspec's own bounds end at 2^63
KeyInt = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

K = TypeVar("K", bound=tuple[Any, ...])
Row = TypeVar("Row")


@dataclass(frozen=True)
class Keyset(Generic[K]):
    """The order of one list: its name (order included) and the tuple type of its key."""

    name: str
    key: type[K]

    def cursor(self, key: K) -> str:
        """The cursor that continues after an item."""
        raw = msgspec.json.encode([_VERSION, self.name, list(key)])
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def after(self, cursor: str | None) -> K | None:
        """The key to continue after. Raises Problem for what `cursor` did not make."""
        if cursor is None:
            return None
        try:
            version, name, key = msgspec.json.decode(_unpacked(cursor), type=tuple[int, str, Any])
            if (version, name) != (_VERSION, self.name):
                raise _refused(f"it belongs to another list than `{self.name}`")
            checked: K = msgspec.convert(key, self.key)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _refused("it was not made by this API") from error
        if any(isinstance(part, int) and part > U64_MAX for part in checked):
            raise _refused("it was not made by this API")
        return checked


def page(
    rows: Sequence[Row], limit: int, keyset: Keyset[K], key_of: Callable[[Row], K]
) -> tuple[Sequence[Row], str | None]:
    """Cut `limit + 1` fetched rows to a page, and give the cursor of the next one if there is one."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], keyset.cursor(key_of(rows[limit - 1]))


def _unpacked(cursor: str) -> bytes:
    if len(cursor) > _LONGEST_CURSOR:
        raise ValueError("longer than any cursor")
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)


def _refused(why: str) -> Problem:
    return Problem(INVALID_CURSOR, f"the parameter `cursor` cannot be used: {why}")
