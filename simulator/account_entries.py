"""Classic accounts as ledger entries: everybody in the cast has one, with a new account's thresholds."""

from typing import TYPE_CHECKING

from simulator.accounts import Cast

if TYPE_CHECKING:
    from stellar_sdk import xdr

_BALANCE = 10_000 * 10_000_000  # stroops, what friendbot gives
NEW_ACCOUNT = bytes((1, 0, 0, 0))  # weight of its own key; low, medium and high threshold


def account_entry(cast: Cast, key: "xdr.LedgerKeyAccount") -> bytes | None:
    """The `LedgerEntryData` of an account; None: nobody in the cast has it."""
    from stellar_sdk import StrKey

    owner = key.account_id.account_id.ed25519
    if owner is None:
        return None
    account = StrKey.encode_ed25519_public_key(owner.uint256)
    if account not in {cast.admin, cast.treasury, *cast.employers, *cast.employees}:
        return None
    return entry_of(account)


def entry_of(account: str, thresholds: bytes = NEW_ACCOUNT) -> bytes:
    """An account's `LedgerEntryData`, without other signers."""
    from stellar_sdk import Keypair, xdr

    entry = xdr.AccountEntry(
        account_id=Keypair.from_public_key(account).xdr_account_id(),
        balance=xdr.Int64(_BALANCE),
        seq_num=xdr.SequenceNumber(xdr.Int64(1 << 32)),
        num_sub_entries=xdr.Uint32(0),
        inflation_dest=None,
        flags=xdr.Uint32(0),
        home_domain=xdr.String32(b""),
        thresholds=xdr.Thresholds(thresholds),
        signers=[],
        ext=xdr.AccountEntryExt(0),
    )
    return xdr.LedgerEntryData(xdr.LedgerEntryType.ACCOUNT, account=entry).to_xdr_bytes()
