"""A wallet of a contract account, as Stellar's own SDK signs for one (SEP-45)."""

from collections.abc import Callable
from typing import Any

from stellar_sdk import Address, Keypair, scval, xdr
from stellar_sdk.auth import authorize_entry

Entry = xdr.SorobanAuthorizationEntry


def entries_of(challenge: str) -> list[Entry]:
    return xdr.SorobanAuthorizationEntries.from_xdr(challenge).soroban_authorization_entries


def packed(entries: list[Entry]) -> str:
    return xdr.SorobanAuthorizationEntries(entries).to_xdr()


def address_of(entry: Entry) -> str:
    assert entry.credentials.address is not None
    return Address.from_xdr_sc_address(entry.credentials.address.address).address


def signed_entries(
    challenge: str, account: str, signer: Keypair, *, until: int, passphrase: str
) -> str:
    """The challenge with the account's own entry signed until a ledger."""
    return packed(
        [
            authorize_entry(each, signer, until, passphrase)
            if address_of(each) == account
            else each
            for each in entries_of(challenge)
        ]
    )


def changed(challenge: str, change: Callable[[Any], None]) -> str:
    """The challenge with a change to the invocation of every entry."""
    entries = entries_of(challenge)
    for entry in entries:
        change(entry.root_invocation)
    return packed(entries)


def saying(name: str, value: str) -> Callable[[Any], None]:
    """Changes one argument."""

    def change(invocation: Any) -> None:
        call = invocation.function.contract_fn
        said = scval.from_struct(call.args[0]) | {name: scval.to_string(value)}
        call.args = [scval.to_struct(said)]

    return change
