"""Contract events out of one TransactionMeta: of its operations (V3, V4) and of its fees (V4, CAP-67).

Metas V0 to V2 are older than contracts. In V3 the events of a transaction are those of its one operation,
and a failed one has none; in V4 each operation has its own and the transaction's stand beside them, each
with the stage at which it happened.
"""

from typing import Final, NamedTuple

from ingest.errors import Undecodable
from ingest.ledgers.entries import CHANGES
from ingest.ledgers.values import DIAGNOSTIC_EVENT, WalkedEvent, read_event, skip_value
from ingest.ledgers.walking import (
    EXTENSION_POINT,
    VOID,
    WORD,
    Fixed,
    array,
    choice,
    count_at,
    optional,
    present,
    struct_of,
    uint32,
)

BEFORE_ALL, AFTER_TRANSACTION, AFTER_ALL, IN_OPERATION = 0, 1, 2, 3
_STAGES: Final = (BEFORE_ALL, AFTER_TRANSACTION, AFTER_ALL)

_OPERATIONS: Final = array(CHANGES)
_CHANGES_AND_OPERATIONS: Final = struct_of(CHANGES, _OPERATIONS)
_V2: Final = struct_of(_CHANGES_AND_OPERATIONS, CHANGES)
_WITHOUT_EVENTS: Final = {0: _OPERATIONS, 1: _CHANGES_AND_OPERATIONS, 2: _V2}
_BEFORE: Final = struct_of(EXTENSION_POINT, CHANGES)
_SOROBAN_EXT: Final = choice(
    "a Soroban meta's extension", VOID, struct_of(EXTENSION_POINT, Fixed(24))
)
_SOROBAN_V4: Final = optional(struct_of(_SOROBAN_EXT, optional(skip_value)))
_DIAGNOSTICS: Final = array(DIAGNOSTIC_EVENT)


class Emitted(NamedTuple):
    """An event and its place in its transaction; `number` counts within the operation, or the stage."""

    stage: int
    operation: int
    number: int
    event: WalkedEvent


class Transaction(NamedTuple):
    """The wanted events; how many of whatever contract each stage had; where the meta ends."""

    emitted: list[Emitted]
    of_stages: tuple[int, int, int]
    end: int


_NO_STAGES: Final = (0, 0, 0)


def read_transaction(xdr: bytes, at: int, wanted: frozenset[bytes]) -> Transaction:
    """The wanted events of the TransactionMeta at `at`. Raises Undecodable, struct.error."""
    version = uint32(xdr, at)
    at += WORD
    if version in _WITHOUT_EVENTS:
        return Transaction([], _NO_STAGES, _WITHOUT_EVENTS[version](xdr, at))
    if version == 3:
        return _read_v3(xdr, at, wanted)
    if version == 4:
        return _read_v4(xdr, at, wanted)
    raise Undecodable(f"{version} is not a known version of a transaction's meta")


def _read_v3(xdr: bytes, at: int, wanted: frozenset[bytes]) -> Transaction:
    at = _V2(xdr, EXTENSION_POINT(xdr, at))
    emitted: list[Emitted] = []
    if not present(xdr, at):
        return Transaction(emitted, _NO_STAGES, at + WORD)
    at = _events(xdr, _SOROBAN_EXT(xdr, at + WORD), wanted, 0, emitted)
    return Transaction(emitted, _NO_STAGES, _DIAGNOSTICS(xdr, skip_value(xdr, at)))


def _read_v4(xdr: bytes, at: int, wanted: frozenset[bytes]) -> Transaction:
    emitted: list[Emitted] = []
    at = _BEFORE(xdr, at)
    count = count_at(xdr, at)
    at += WORD
    for operation in range(count):
        at = _events(xdr, _BEFORE(xdr, at), wanted, operation, emitted)
    at = _SOROBAN_V4(xdr, CHANGES(xdr, at))
    of_stages = [0, 0, 0]
    count = count_at(xdr, at)
    at += WORD
    for _ in range(count):
        stage = uint32(xdr, at)
        if stage not in _STAGES:
            raise Undecodable(f"{stage} is not a known stage of a transaction")
        event, at = read_event(xdr, at + WORD, wanted)
        if event is not None:
            emitted.append(Emitted(stage, 0, of_stages[stage], event))
        of_stages[stage] += 1
    fees, after, after_all = of_stages
    return Transaction(emitted, (fees, after, after_all), _DIAGNOSTICS(xdr, at))


def _events(
    xdr: bytes, at: int, wanted: frozenset[bytes], operation: int, emitted: list[Emitted]
) -> int:
    """Adds the wanted events of one operation; where its array ends."""
    count = count_at(xdr, at)
    at += WORD
    for index in range(count):
        event, at = read_event(xdr, at, wanted)
        if event is not None:
            emitted.append(Emitted(IN_OPERATION, operation, index, event))
    return at
