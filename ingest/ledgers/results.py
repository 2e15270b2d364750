"""Passes over transactions' results: their hashes prove that a walk through a ledger kept its way.

Codes below zero say what went wrong and mostly carry nothing. Source: Stellar-transaction.x of protocol 28.
"""

from typing import Final

from ingest.ledgers.entries import ASSET, OFFER
from ingest.ledgers.values import ACCOUNT_ID, BALANCE_ID
from ingest.ledgers.walking import (
    EXTENSION_POINT,
    HASH,
    U64,
    VOID,
    Fixed,
    Skip,
    array,
    choice,
    struct_of,
    union,
)

_SUCCESS: Final = 0
_NO_ISSUER: Final = -9  # the one failure of path payments that carries something: the asset

_CODE_ONLY: Final = union("a result", {}, VOID)
_SOLD_BOUGHT: Final = struct_of(ASSET, U64, ASSET, U64)
_CLAIM: Final = choice(
    "a claimed offer",
    struct_of(HASH, U64, _SOLD_BOUGHT),
    struct_of(ACCOUNT_ID, U64, _SOLD_BOUGHT),
    struct_of(HASH, _SOLD_BOUGHT),
)


def _on_success(carried: Skip) -> Skip:
    return union("a result", {_SUCCESS: carried}, VOID)


_MANAGE_OFFER: Final = _on_success(
    struct_of(array(_CLAIM), choice("an offer's end", OFFER, OFFER, VOID))
)
_PATH_PAYMENT: Final = union(
    "a path payment's result",
    {
        _SUCCESS: struct_of(array(_CLAIM), ACCOUNT_ID, ASSET, U64),
        _NO_ISSUER: ASSET,
    },
    VOID,
)
_OPERATIONS: Final[dict[int, Skip]] = dict.fromkeys(range(27), _CODE_ONLY) | {
    2: _PATH_PAYMENT,
    3: _MANAGE_OFFER,
    4: _MANAGE_OFFER,
    8: _on_success(U64),  # account merge: the balance
    9: _on_success(array(struct_of(ACCOUNT_ID, U64))),  # inflation: payouts
    12: _MANAGE_OFFER,
    13: _PATH_PAYMENT,
    14: _on_success(BALANCE_ID),
    24: _on_success(HASH),  # invoke host function
}
_OPERATION: Final = union(
    "an operation's result", {_SUCCESS: union("an operation's type", _OPERATIONS)}, VOID
)
_OPERATION_RESULTS: Final = array(_OPERATION)
_APPLIED: Final[dict[int, Skip]] = {0: _OPERATION_RESULTS, -1: _OPERATION_RESULTS}
_INNER: Final = struct_of(HASH, Fixed(8), union("an inner result", _APPLIED, VOID), EXTENSION_POINT)
# A fee bump (1 succeeded, -13 failed) carries the inner transaction's hash and result.
_RESULT: Final = struct_of(
    Fixed(8), union("a result", {**_APPLIED, 1: _INNER, -13: _INNER}, VOID), EXTENSION_POINT
)
# TransactionResultPair: the transaction's hash (a fee bump's own), its result.
RESULT_PAIR: Final = struct_of(HASH, _RESULT)
