"""3a. ScVal bytes -> plain Python values that keep their Soroban type.

In:   the XDR of one ScVal (a topic, an event's value, a storage key or value)
Out:  `ScVal`, a pair (kind, content); kinds are named as in SEP-51
Next: translate.py compares kinds and contents with a contract profile

Our own decoder because the SDK's objects cost 98 us an event and this 4 (reference page, §3.1). It
accepts what the SDK accepts, and reads the same: padding is skipped unread, any number but 0 is true.
What neither knows (an arm of a later protocol) is Undecodable.

kind                    content
bool, void              bool, None
u32 … i256, timepoint,
duration                int; i128 as I128
bytes, string, symbol   bytes; str, or bytes where they are not UTF-8; str
address                 strkey: G…, C…, M…, B…, L…
vec, map                list of ScVal; list of (key, value) in wire order, keys may be lists; None if absent
error                   (type, code)
contract_instance       (executable, storage as in map); executable: (kind, content), see `_executable`
ledger_key_contract_instance, ledger_key_nonce, executable_tag: None, int, as string
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from domain.values import I128
from ingest.errors import Undecodable
from ingest.strkeys import read_address

ScVal: TypeAlias = tuple[str, Any]
_Reader: TypeAlias = Callable[[bytes, int, int], tuple[ScVal, int]]

# The SDK's own limit (stellar_sdk/xdr/base.py); a vector uses up two levels, a map three.
MAX_DEPTH: Final = 512
_SYMBOL_LIMIT: Final = 32
_SHORT: Final = 48
_CACHED_VALUES: Final = 65_536

_uint32 = struct.Struct(">I").unpack_from
_two_uint32 = struct.Struct(">II").unpack_from


def decode_scval(xdr: bytes) -> ScVal:
    """Decode one ScVal. Raises Undecodable, and nothing else, whatever the bytes.

    Short values (most topics) are remembered and shared: do not change what you get.
    """
    return _decode_short(xdr) if len(xdr) <= _SHORT else _decode(xdr)


def _decode(xdr: bytes) -> ScVal:
    try:
        kind: int = _uint32(xdr, 0)[0]
        value, end = _READERS[kind](xdr, 4, MAX_DEPTH)
    except struct.error as error:
        raise Undecodable("the bytes end too early") from error
    except IndexError as error:
        raise Undecodable("a kind of ScVal that is not known") from error
    except UnicodeDecodeError as error:
        raise Undecodable("a symbol is not UTF-8") from error
    except RecursionError as error:
        raise Undecodable("nested too deeply for the stack") from error
    if end != len(xdr):
        raise Undecodable(f"{len(xdr) - end} bytes too many")
    return value


def read_scval(xdr: bytes, at: int) -> tuple[ScVal, int]:
    """The ScVal at a place within longer XDR, and where it ends. Raises as a reader: see `_decode`."""
    return _READERS[int(_uint32(xdr, at)[0])](xdr, at + 4, MAX_DEPTH)


_decode_short = lru_cache(_CACHED_VALUES)(_decode)


# --- numbers ---------------------------------------------------------------------------------------


def _nothing(kind: str) -> _Reader:
    value = (kind, None)
    return lambda _, at, __: (value, at)


def _number(kind: str, layout: str) -> _Reader:
    unpack, size = struct.Struct(layout).unpack_from, struct.calcsize(layout)

    def read(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
        return (kind, unpack(xdr, at)[0]), at + size

    return read


def _wide_number(kind: str, layout: str, made_of: Callable[[int], int] = int) -> _Reader:
    """A number in 64-bit parts, highest first; only the first part has a sign, if any."""
    unpack, size = struct.Struct(layout).unpack_from, struct.calcsize(layout)

    def read(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
        number = 0
        for part in unpack(xdr, at):
            number = number << 64 | part
        return (kind, made_of(number)), at + size

    return read


def _bool(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
    return ("bool", _uint32(xdr, at)[0] != 0), at + 4


def _error(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
    """SCError: type 0 carries the contract's own u32, types 1-9 a code 0-9."""
    kind, code = _two_uint32(xdr, at)
    if kind > 9 or (kind > 0 and code > 9):
        raise Undecodable(f"error of type {kind} with code {code} is not known")
    return ("error", (kind, code)), at + 8


# --- bytes and text --------------------------------------------------------------------------------


def _opaque(xdr: bytes, at: int) -> tuple[bytes, int]:
    """Length, bytes, padding to four."""
    length = _uint32(xdr, at)[0]
    start = at + 4
    end = start + (length + 3 & ~3)
    if end > len(xdr):
        raise Undecodable(f"{length} bytes are announced, {len(xdr) - start} are there")
    return xdr[start : start + length], end


def _bytes(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
    raw, end = _opaque(xdr, at)
    return ("bytes", raw), end


def _text(kind: str) -> _Reader:
    def read(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
        raw, end = _opaque(xdr, at)
        try:
            return (kind, raw.decode()), end
        except UnicodeDecodeError:
            return (kind, raw), end

    return read


def _symbol(xdr: bytes, at: int, _: int) -> tuple[ScVal, int]:
    raw, end = _opaque(xdr, at)
    if len(raw) > _SYMBOL_LIMIT:
        raise Undecodable(f"a symbol of {len(raw)} bytes; the longest has {_SYMBOL_LIMIT}")
    return ("symbol", raw.decode()), end


# --- containers ------------------------------------------------------------------------------------


def _count(xdr: bytes, at: int, smallest: int, depth: int) -> int:
    """How many items follow; refused when the smallest ones would not fit (a length bomb)."""
    count: int = _uint32(xdr, at)[0]
    if count * smallest > len(xdr) - at - 4:
        raise Undecodable(f"{count} items are announced, {len(xdr) - at - 4} bytes are there")
    if count and depth <= 0:
        raise Undecodable(f"nested deeper than {MAX_DEPTH} levels")
    return count


def _vec(xdr: bytes, at: int, depth: int) -> tuple[ScVal, int]:
    if not _uint32(xdr, at)[0]:
        return ("vec", None), at + 4
    depth -= 2
    count = _count(xdr, at + 4, 4, depth)
    at += 8
    items = []
    for _ in range(count):
        item, at = _READERS[_uint32(xdr, at)[0]](xdr, at + 4, depth)
        items.append(item)
    return ("vec", items), at


def _pairs(xdr: bytes, at: int, depth: int) -> tuple[list[tuple[ScVal, ScVal]] | None, int]:
    """An optional SCMap."""
    if not _uint32(xdr, at)[0]:
        return None, at + 4
    depth -= 3
    count = _count(xdr, at + 4, 8, depth)
    at += 8
    pairs = []
    for _ in range(count):
        key, at = _READERS[_uint32(xdr, at)[0]](xdr, at + 4, depth)
        value, at = _READERS[_uint32(xdr, at)[0]](xdr, at + 4, depth)
        pairs.append((key, value))
    return pairs, at


def _map(xdr: bytes, at: int, depth: int) -> tuple[ScVal, int]:
    pairs, end = _pairs(xdr, at, depth)
    return ("map", pairs), end


def _executable(xdr: bytes, at: int) -> tuple[tuple[str, Any], int]:
    """(wasm, hash) · (stellar_asset, None) · (external_ref, (owner's strkey, tag))."""
    kind = _uint32(xdr, at)[0]
    at += 4
    if kind == 0:
        if at + 32 > len(xdr):
            raise Undecodable("the bytes end within a wasm hash")
        return ("wasm", xdr[at : at + 32]), at + 32
    if kind == 1:
        return ("stellar_asset", None), at
    if kind == 2:
        owner, at = read_address(xdr, at)
        tag, at = _opaque(xdr, at)
        return ("external_ref", (owner[1], tag)), at
    raise Undecodable(f"{kind} is not a known kind of executable")


def _instance(xdr: bytes, at: int, depth: int) -> tuple[ScVal, int]:
    executable, at = _executable(xdr, at)
    storage, at = _pairs(xdr, at, depth - 1)
    return ("contract_instance", (executable, storage)), at


# By number of SCValType, 0 to 22; Stellar-contract.x of protocol 28.
_READERS: Final[tuple[_Reader, ...]] = (
    _bool,
    _nothing("void"),
    _error,
    _number("u32", ">I"),
    _number("i32", ">i"),
    _number("u64", ">Q"),
    _number("i64", ">q"),
    _number("timepoint", ">Q"),
    _number("duration", ">Q"),
    _wide_number("u128", ">QQ"),
    _wide_number("i128", ">qQ", I128),
    _wide_number("u256", ">QQQQ"),
    _wide_number("i256", ">qQQQ"),
    _bytes,
    _text("string"),
    _symbol,
    _vec,
    _map,
    read_address,
    _instance,
    _nothing("ledger_key_contract_instance"),
    _number("ledger_key_nonce", ">q"),
    _text("executable_tag"),
)
