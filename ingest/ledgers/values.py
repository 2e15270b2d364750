"""Passes over addresses, ScVals and contract events, and reads the events that are wanted.

ScVals are walked with a counter and no recursion: what strangers store on the chain may be nested as
deeply as the network allows. Sources: Stellar-contract.x of protocol 28, CAP-84 for address arm 5.
"""

from typing import Final, NamedTuple

from ingest.errors import Undecodable
from ingest.ledgers.walking import (
    EXTENSION_POINT,
    HASH,
    U64,
    VOID,
    WORD,
    Fixed,
    array,
    choice,
    count_at,
    opaque,
    optional,
    present,
    struct_of,
    uint32,
)

_EVENT_TYPES: Final = {0: "system", 1: "contract"}
_CONTRACT_ID: Final = 32

ACCOUNT_ID: Final = choice("a public key", HASH)
BALANCE_ID: Final = choice("a claimable balance's id", HASH)
_MUXED: Final = Fixed(40)  # u64 id; the account's key, or (arm 5, CAP-84) the contract
ADDRESS: Final = choice("an address", ACCOUNT_ID, HASH, _MUXED, BALANCE_ID, HASH, _MUXED)
EXECUTABLE: Final = choice("a contract's executable", HASH, VOID, struct_of(ADDRESS, opaque))

# Arms of SCVal by what follows them; 2: an error's type and code, 20: nothing, 21: a nonce.
_FIXED: Final = {
    0: 4, 1: 0, 2: 8, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 8: 8, 9: 16, 10: 16, 11: 32, 12: 32, 20: 0, 21: 8,
}  # fmt: skip
_OPAQUE: Final = frozenset({13, 14, 15, 22})  # bytes, string, symbol, executable tag
_VEC, _MAP, _ADDRESS, _INSTANCE = 16, 17, 18, 19


def skip_value(xdr: bytes, at: int) -> int:
    """Pass over one SCVal. Raises Undecodable, struct.error."""
    pending = 1
    while pending:
        pending -= 1
        arm = uint32(xdr, at)
        at += WORD
        size = _FIXED.get(arm)
        if size is not None:
            at += size
        elif arm in _OPAQUE:
            at = opaque(xdr, at)
        elif arm == _ADDRESS:
            at = ADDRESS(xdr, at)
        else:
            at, held = _enter(xdr, at, arm)
            pending += held
    return at


def _enter(xdr: bytes, at: int, arm: int) -> tuple[int, int]:
    """Where the values that this one holds begin, and how many there are."""
    if arm == _INSTANCE:
        at = EXECUTABLE(xdr, at)
    elif arm not in (_VEC, _MAP):
        raise Undecodable(f"{arm} is not a known kind of ScVal")
    if not present(xdr, at):
        return at + WORD, 0
    count = count_at(xdr, at + WORD)
    return at + 2 * WORD, count if arm == _VEC else 2 * count


class WalkedEvent(NamedTuple):
    """A contract event as it stands in a ledger; topics and value are XDR of ScVals."""

    contract: bytes
    type: str
    topics: list[bytes]
    value: bytes


def read_event(xdr: bytes, at: int, wanted: frozenset[bytes]) -> tuple[WalkedEvent | None, int]:
    """The ContractEvent at `at` if it is of a wanted contract (32 bytes each), and where it ends.

    None too where getEvents would not tell it: diagnostic events. Raises Undecodable, struct.error.
    """
    start = EXTENSION_POINT(xdr, at)
    at = _BEFORE_BODY(xdr, at)
    if uint32(xdr, at) != 0:
        raise Undecodable(f"{uint32(xdr, at)} is not a known version of an event's body")
    at += WORD
    if not present(xdr, start) or xdr[start + WORD : start + WORD + _CONTRACT_ID] not in wanted:
        return None, _BODY(xdr, at)
    contract = xdr[start + WORD : start + WORD + _CONTRACT_ID]
    kind = _EVENT_TYPES.get(uint32(xdr, start + WORD + _CONTRACT_ID))
    topics: list[bytes] = []
    count = count_at(xdr, at)
    at += WORD
    for _ in range(count):
        end = skip_value(xdr, at)
        topics.append(xdr[at:end])
        at = end
    end = skip_value(xdr, at)
    if end > len(xdr):
        raise Undecodable("the bytes end within an event")
    return (None if kind is None else WalkedEvent(contract, kind, topics, xdr[at:end])), end


_BEFORE_BODY: Final = struct_of(EXTENSION_POINT, optional(HASH), Fixed(4))
_BODY: Final = struct_of(array(skip_value), skip_value)
EVENT: Final = struct_of(_BEFORE_BODY, choice("an event's body", _BODY))
DIAGNOSTIC_EVENT: Final = struct_of(Fixed(4), EVENT)

__all__ = [
    "ACCOUNT_ID",
    "ADDRESS",
    "BALANCE_ID",
    "DIAGNOSTIC_EVENT",
    "EVENT",
    "U64",
    "WalkedEvent",
    "read_event",
    "skip_value",
]
