"""One value of an event: which ScVal it must be, and what is kept of it.

In a profile file a value is written as its type (`u64`: checked, not kept) or as field and type
(`stream_id: u64`). `optional u64` may be void too, and a map's key may be absent: None. `symbol Paused`
is that very symbol, `any` is whatever stands there; neither can be kept.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from domain.state import ACTIVE, CANCELLED, EXHAUSTED, PAUSED
from domain.values import I128
from ingest.scval import ScVal

MISMATCH: Final = object()
_OPTIONAL: Final = "optional "
_STATUSES: Final = frozenset((ACTIVE, PAUSED, CANCELLED, EXHAUSTED))


_SYMBOL: Final = "symbol "
ANY: Final = "any"


class Unkept:
    """What a value is that can be checked, or passed over, and not be kept."""


class OtherNumber(int):
    """A number that may be negative or beyond 64 bits: it can be checked, no fact has room for it."""


class FieldType(NamedTuple):
    """A type of the profile language. `kind`: of the ScVal. `python`: what a fact's field gets.

    `convert` makes that of the ScVal's content, or MISMATCH.
    """

    kind: str
    python: type
    convert: Callable[[Any], Any] | None = None


def _stream_status(items: list[ScVal] | None) -> object:
    """A Rust enum's unit variant, Vec[Symbol "Paused"], in any case -> our status."""
    match items:
        case [("symbol", str(variant))] if variant.lower() in _STATUSES:
            return variant.lower()
    return MISMATCH


def _executable(items: list[ScVal] | None) -> object:
    """The host's Vec[Symbol "Wasm", Bytes hash] -> hex; other executables have no hash: None."""
    match items:
        case [("symbol", "Wasm"), ("bytes", bytes(wasm_hash))]:
            return wasm_hash.hex()
        case [("symbol", str(name)), *_] if name != "Wasm":
            return None
    return MISMATCH


def _text(content: str | bytes) -> object:
    """Text that every database takes: UTF-8 without NUL."""
    return content if isinstance(content, str) and "\0" not in content else MISMATCH


TYPES: Final[Mapping[str, FieldType]] = {
    "bool": FieldType("bool", bool),
    "void": FieldType("void", type(None)),
    "u32": FieldType("u32", int),
    "i32": FieldType("i32", OtherNumber),
    "u64": FieldType("u64", int),
    "i64": FieldType("i64", OtherNumber),
    "timepoint": FieldType("timepoint", int),
    "duration": FieldType("duration", int),
    "u128": FieldType("u128", OtherNumber),
    "i128": FieldType("i128", I128),
    "u256": FieldType("u256", OtherNumber),
    "i256": FieldType("i256", OtherNumber),
    "bytes": FieldType("bytes", str, bytes.hex),
    "string": FieldType("string", str, _text),
    "symbol": FieldType("symbol", str, _text),
    "address": FieldType("address", str),
    "vec": FieldType("vec", Unkept),
    ANY: FieldType(ANY, Unkept),
    "stream_status": FieldType("vec", str, _stream_status),
    "executable": FieldType("vec", str, _executable),
}


class Field(msgspec.Struct, frozen=True):
    """One value of a shape; `name`: the fact's field, None where the value is only checked."""

    name: str | None
    kind: str
    python: type
    convert: Callable[[Any], Any] | None
    optional: bool
    literal: str | None = None

    def take(self, value: ScVal, found: list[Any]) -> bool:
        """Whether the value fits; what is kept of it is appended to `found`."""
        kind, content = value
        if kind == self.kind:
            if self.convert is not None:
                content = self.convert(content)
                if content is MISMATCH:
                    return False
        elif not (self.optional and kind == "void") and self.kind != ANY:
            return False
        if self.literal is not None and content != self.literal:
            return False
        if self.name is not None:
            found.append(content)
        return True


def parse_field(written: object) -> Field:
    """Read `u64`, `optional u64`, `symbol Paused` or `{stream_id: u64}`. Raises ValueError."""
    if isinstance(written, str) and written.startswith(_SYMBOL):
        return Field(None, "symbol", Unkept, None, False, written.removeprefix(_SYMBOL))
    name, text = None, written
    if isinstance(written, dict) and len(written) == 1:
        ((name, text),) = written.items()
    known = TYPES.get(text.removeprefix(_OPTIONAL)) if isinstance(text, str) else None
    if known is None or not isinstance(text, str):
        raise ValueError(
            f"{text!r} is not a type: give one of {', '.join(TYPES)}, or `symbol <name>`"
        )
    return Field(name, *known, text.startswith(_OPTIONAL))
