"""The authorization entries of SEP-45: made for a contract account to sign, and known again when it has.

In: an account (C…), a nonce, and whom it signs in to. Out: two entries over one invocation of
`web_auth_verify`: ours, signed, and the account's, to be signed. Source: SEP-45 0.1.1, CAP-46-11.

What comes back is compared with what we would have made: contract, function, arguments, and nothing that
the invocation would call besides. The account's own signature is for its contract to judge
(contract_accounts.py).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from wallets.errors import EntriesRefused

if TYPE_CHECKING:
    from stellar_sdk import xdr

FUNCTION: Final = "web_auth_verify"
LONGEST: Final = 16_384  # of base64; wallets with several signers and passkeys need a tenth
_NONCE_BITS: Final = 63
# What the SDK's reading of XDR raises for what is none.
_MALFORMED: Final = (ValueError, EOFError, AssertionError, TypeError, AttributeError, KeyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuth:
    """Whom contract accounts sign in to. `signing_key`: our seed (S…), of SIGNING_KEY in stellar.toml.

    `contract_id`: of WEB_AUTH_CONTRACT_ID there. `domain`: both home domain and ours.
    """

    contract_id: str
    signing_key: str = field(repr=False)
    domain: str
    passphrase: str

    def arguments(self, account: str, nonce: str) -> dict[str, str]:
        """The one argument of the invocation, a map in the order of its keys."""
        return {
            "account": account,
            "home_domain": self.domain,
            "nonce": nonce,
            "web_auth_domain": self.domain,
            "web_auth_domain_account": self.server,
        }

    @property
    def server(self) -> str:
        """Our account (G…)."""
        from stellar_sdk import Keypair

        return Keypair.from_secret(self.signing_key).public_key


class Met(NamedTuple):
    """Entries that are ours, and signed. `expires_at`: ledger after which the account's is void."""

    entries: "list[xdr.SorobanAuthorizationEntry]"
    expires_at: int


def made(auth: WebAuth, account: str, nonce: str, until_ledger: int) -> str:
    """The challenge: `authorization_entries` in base64. `until_ledger`: the last that ours is good in."""
    from stellar_sdk import Keypair, xdr
    from stellar_sdk.auth import authorize_entry

    server = Keypair.from_secret(auth.signing_key)
    invocation = _invocation(auth, account, nonce)
    ours = authorize_entry(
        _unsigned(server.public_key, invocation), server, until_ledger, auth.passphrase
    )
    return xdr.SorobanAuthorizationEntries([ours, _unsigned(account, invocation)]).to_xdr()


def met(auth: WebAuth, account: str, nonce: str, signed: str, latest_ledger: int) -> Met:
    """The entries as they came back. Raises EntriesRefused, which says what does not fit."""
    entries = _read(signed)
    wanted = _invocation(auth, account, nonce)
    for entry in entries:
        if entry.root_invocation != wanted:
            raise EntriesRefused(_difference(entry.root_invocation, wanted))
    by_address = {_address(entry): entry for entry in entries}
    if len(entries) != len(by_address) or set(by_address) != {auth.server, account}:
        raise EntriesRefused("one entry is ours and one is the account's, and no other")
    _check_ours(auth, by_address[auth.server])
    expiries = {who: _expires_at(entry) for who, entry in by_address.items()}
    if expiries[auth.server] < latest_ledger:
        raise EntriesRefused("the challenge has expired: ask for another one")
    if expiries[account] < latest_ledger:
        raise EntriesRefused("the account's signature has expired: sign until a later ledger")
    return Met([by_address[auth.server], by_address[account]], expiries[account])


def invocation_of(auth: WebAuth, met: Met) -> "xdr.TransactionEnvelope":
    """The transaction that is simulated: the one invocation, authorized by the entries."""
    from stellar_sdk import Account, TransactionBuilder
    from stellar_sdk.sep.stellar_soroban_web_authentication import NULL_ACCOUNT

    called = met.entries[0].root_invocation.function.contract_fn
    arguments = [] if called is None else called.args
    builder = TransactionBuilder(Account(NULL_ACCOUNT, 0), network_passphrase=auth.passphrase)
    builder.add_time_bounds(0, 0).append_invoke_contract_function_op(
        auth.contract_id, FUNCTION, arguments, met.entries
    )
    return builder.build().to_xdr_object()


def _read(text: str) -> "list[xdr.SorobanAuthorizationEntry]":
    from stellar_sdk import xdr

    if len(text) > LONGEST:
        raise EntriesRefused("they are longer than any wallet's")
    try:
        entries = xdr.SorobanAuthorizationEntries.from_xdr(text).soroban_authorization_entries
    except _MALFORMED as error:
        raise EntriesRefused("give base64 of SorobanAuthorizationEntries") from error
    if not entries:
        raise EntriesRefused("there are none")
    return entries


def _unsigned(
    address: str, invocation: "xdr.SorobanAuthorizedInvocation"
) -> "xdr.SorobanAuthorizationEntry":
    from stellar_sdk import Address, scval, xdr

    credentials = xdr.SorobanAddressCredentials(
        address=Address(address).to_xdr_sc_address(),
        nonce=xdr.Int64(secrets.randbits(_NONCE_BITS)),
        signature_expiration_ledger=xdr.Uint32(0),
        signature=scval.to_void(),
    )
    kind = xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_ADDRESS
    return xdr.SorobanAuthorizationEntry(
        xdr.SorobanCredentials(kind, address=credentials), invocation
    )


def _invocation(auth: WebAuth, account: str, nonce: str) -> "xdr.SorobanAuthorizedInvocation":
    from stellar_sdk import Address, scval, xdr

    said = auth.arguments(account, nonce)
    call = xdr.InvokeContractArgs(
        contract_address=Address(auth.contract_id).to_xdr_sc_address(),
        function_name=xdr.SCSymbol(FUNCTION.encode()),
        args=[scval.to_struct({name: scval.to_string(said[name]) for name in said})],
    )
    kind = xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN
    return xdr.SorobanAuthorizedInvocation(
        xdr.SorobanAuthorizedFunction(kind, contract_fn=call), sub_invocations=[]
    )


def _difference(
    given: "xdr.SorobanAuthorizedInvocation", wanted: "xdr.SorobanAuthorizedInvocation"
) -> str:
    """What sets an invocation apart from ours, in words that repeat nothing of it."""
    call, ours = given.function.contract_fn, wanted.function.contract_fn
    if call is None or ours is None or call.contract_address != ours.contract_address:
        return "they invoke another contract"
    if call.function_name != ours.function_name:
        return f"they invoke another function than {FUNCTION}"
    if given.sub_invocations:
        return "they would allow further invocations"
    said, asked = _arguments(given), _arguments(wanted)
    wrong = [name for name, value in asked.items() if said.get(name) != value]
    return f"other than in the challenge: {', '.join(wrong) or 'the arguments'}"


def _arguments(invocation: "xdr.SorobanAuthorizedInvocation") -> Mapping[str, str]:
    """The map of texts that is the one argument; empty: it is none."""
    from stellar_sdk import scval

    call = invocation.function.contract_fn
    try:
        (only,) = [] if call is None else call.args
        return {
            name: scval.from_string(value).decode("ascii")
            for name, value in scval.from_struct(only).items()
        }
    except _MALFORMED:
        return {}


def _credentials(entry: "xdr.SorobanAuthorizationEntry") -> "xdr.SorobanAddressCredentials":
    found = entry.credentials.address or entry.credentials.address_v2
    if found is None:
        raise EntriesRefused("each entry must be signed by an address")
    return found


def _address(entry: "xdr.SorobanAuthorizationEntry") -> str:
    from stellar_sdk import Address

    return Address.from_xdr_sc_address(_credentials(entry).address).address


def _expires_at(entry: "xdr.SorobanAuthorizationEntry") -> int:
    return _credentials(entry).signature_expiration_ledger.uint32


def _check_ours(auth: WebAuth, entry: "xdr.SorobanAuthorizationEntry") -> None:
    """Whether we signed it. Raises EntriesRefused."""
    from stellar_sdk import Keypair, scval
    from stellar_sdk.auth import authorization_payload_hash, build_authorization_preimage
    from stellar_sdk.exceptions import BadSignatureError

    own = Keypair.from_secret(auth.signing_key)
    preimage = build_authorization_preimage(entry, _expires_at(entry), auth.passphrase)
    try:
        (only,) = scval.from_vec(_credentials(entry).signature)
        said = scval.from_struct(only)
        own.verify(authorization_payload_hash(preimage), scval.from_bytes(said["signature"]))
    except (BadSignatureError, *_MALFORMED) as error:
        raise EntriesRefused("our own signature is not in them: ask for a challenge") from error
