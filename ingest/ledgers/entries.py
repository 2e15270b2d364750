"""Passes over changes of ledger entries, which stand between a ledger's events in its metas.

Settings of the network change by upgrades only, which come behind all transactions; met before, they are
Undecodable, as every arm of a later protocol. Source: Stellar-ledger-entries.x of protocol 28.
"""

from typing import Final

from ingest.ledgers.values import ACCOUNT_ID, ADDRESS, BALANCE_ID, skip_value
from ingest.ledgers.walking import (
    EXTENSION_POINT,
    HASH,
    U32,
    U64,
    VOID,
    Fixed,
    Skip,
    array,
    choice,
    opaque,
    optional,
    struct_of,
    union,
)

_NOTHING_MORE: Final = choice("an entry's extension", VOID)
_LIABILITIES: Final = Fixed(16)
_DURABILITY: Final = U32

_ALPHANUM4: Final = struct_of(Fixed(4), ACCOUNT_ID)
_ALPHANUM12: Final = struct_of(Fixed(12), ACCOUNT_ID)
ASSET: Final = choice("an asset", VOID, _ALPHANUM4, _ALPHANUM12)
_TRUSTED_ASSET: Final = choice("a trusted asset", VOID, _ALPHANUM4, _ALPHANUM12, HASH)
_SPONSOR: Final = optional(ACCOUNT_ID)

_SIGNER: Final = struct_of(choice("a signer's key", HASH, HASH, HASH, struct_of(HASH, opaque)), U32)
_ACCOUNT_V2: Final = struct_of(
    U64,  # how many it sponsors, and is sponsored by
    array(_SPONSOR),
    union("an account's third extension", {0: VOID, 3: struct_of(EXTENSION_POINT, U32, U64)}),
)
_ACCOUNT_V1: Final = struct_of(
    _LIABILITIES, union("an account's second extension", {0: VOID, 2: _ACCOUNT_V2})
)
_ACCOUNT: Final = struct_of(
    ACCOUNT_ID,
    Fixed(20),  # balance, sequence number, count of its entries
    optional(ACCOUNT_ID),
    U32,
    opaque,
    U32,
    array(_SIGNER),
    choice("an account's extension", VOID, _ACCOUNT_V1),
)
_TRUSTLINE_V1: Final = struct_of(
    _LIABILITIES,
    union("a trust line's second extension", {0: VOID, 2: struct_of(U32, _NOTHING_MORE)}),
)
_TRUSTLINE: Final = struct_of(
    ACCOUNT_ID,
    _TRUSTED_ASSET,
    Fixed(20),  # balance, limit, flags
    choice("a trust line's extension", VOID, _TRUSTLINE_V1),
)
OFFER: Final = struct_of(
    ACCOUNT_ID,
    U64,
    ASSET,
    ASSET,
    Fixed(20),  # amount, price, flags
    _NOTHING_MORE,
)
_DATA: Final = struct_of(ACCOUNT_ID, opaque, opaque, _NOTHING_MORE)


def _predicate(xdr: bytes, at: int) -> int:
    return _PREDICATE(xdr, at)  # predicates hold predicates, four deep at most


_PREDICATE: Final = choice(
    "a predicate", VOID, array(_predicate), array(_predicate), optional(_predicate), U64, U64
)
_CLAIMANT: Final = choice("a claimant", struct_of(ACCOUNT_ID, _predicate))
_CLAIMABLE_BALANCE: Final = struct_of(
    BALANCE_ID,
    array(_CLAIMANT),
    ASSET,
    U64,
    choice("a claimable balance's extension", VOID, struct_of(_NOTHING_MORE, U32)),
)
_POOL: Final = struct_of(
    HASH,
    choice(
        "a liquidity pool",
        struct_of(ASSET, ASSET, U32, Fixed(32)),  # fee; reserves, shares, trust lines
    ),
)
_CONTRACT_DATA: Final = struct_of(EXTENSION_POINT, ADDRESS, skip_value, _DURABILITY, skip_value)
_CODE_COSTS: Final = struct_of(EXTENSION_POINT, EXTENSION_POINT, Fixed(40))
_CONTRACT_CODE: Final = struct_of(choice("a code's extension", VOID, _CODE_COSTS), HASH, opaque)
_TTL: Final = struct_of(HASH, U32)

# By LedgerEntryType; 8 is the network's settings.
_ENTRIES: Final[dict[int, Skip]] = {
    0: _ACCOUNT,
    1: _TRUSTLINE,
    2: OFFER,
    3: _DATA,
    4: _CLAIMABLE_BALANCE,
    5: _POOL,
    6: _CONTRACT_DATA,
    7: _CONTRACT_CODE,
    9: _TTL,
}
_KEYS: Final[dict[int, Skip]] = {
    0: ACCOUNT_ID,
    1: struct_of(ACCOUNT_ID, _TRUSTED_ASSET),
    2: struct_of(ACCOUNT_ID, U64),
    3: struct_of(ACCOUNT_ID, opaque),
    4: BALANCE_ID,
    5: HASH,
    6: struct_of(ADDRESS, skip_value, _DURABILITY),
    7: HASH,
    8: U32,
    9: HASH,
}
_SPONSORSHIP: Final = struct_of(_SPONSOR, _NOTHING_MORE)
ENTRY: Final = struct_of(
    U32, union("a ledger entry", _ENTRIES), choice("an entry's extension", VOID, _SPONSORSHIP)
)
KEY: Final = union("a ledger key", _KEYS)
# created, updated, removed, state, restored
CHANGE: Final = choice("a change", ENTRY, ENTRY, KEY, ENTRY, ENTRY)
CHANGES: Final = array(CHANGE)
