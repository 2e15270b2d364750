"""`web_auth_verify` of SEP-45, simulated: both addresses must have authorized the one invocation.

The host's part: an entry for each address, over this very invocation, not expired, and signed as its
account wants it. An account (G…) wants its key's signature; an account contract decides by its own
`__check_auth`: here one that has an ed25519 signer, and one that refuses whoever signs.
Source: SEP-45 "Web Authentication Contract", CAP-46-11, CAP-71.
"""

import hashlib
from typing import TYPE_CHECKING

from simulator.accounts import contract_id_for, keypair_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stellar_sdk import Keypair, xdr

FUNCTION = "web_auth_verify"
WALLET, REFUSING = "smart wallet", "refusing wallet"
_MALFORMED = (ValueError, EOFError, AssertionError, TypeError, AttributeError, KeyError)


def web_auth_contract(seed: int) -> str:
    """Where the contract of SEP-45 stands."""
    return contract_id_for(seed, "web auth")


def server_keypair(seed: int) -> "Keypair":
    """Who signs challenges for a deployment on this network."""
    return keypair_for(seed, "web auth server", 1)


def wallet_of(seed: int) -> tuple[str, "Keypair"]:
    """An account contract and the signer that it knows."""
    return contract_id_for(seed, WALLET), keypair_for(seed, WALLET, 1)


def refusing_wallet(seed: int) -> str:
    """An account contract that accepts nobody."""
    return contract_id_for(seed, REFUSING)


class WebAuthContract:
    """The contract and the two wallets of one network."""

    def __init__(self, seed: int, network_id: bytes) -> None:
        wallet, signer = wallet_of(seed)
        self.contract_id = web_auth_contract(seed)
        self._network_id = network_id
        self._signers = {wallet: signer.raw_public_key()}
        self._refusing = refusing_wallet(seed)

    def fault(
        self,
        call: "xdr.InvokeContractArgs",
        entries: "Sequence[xdr.SorobanAuthorizationEntry]",
        latest_ledger: int,
    ) -> str | None:
        """What the host says of the invocation; None: it ended well."""
        from stellar_sdk import scval

        if call.function_name.sc_symbol != FUNCTION.encode():
            return "HostError: Error(WasmVm, MissingValue)"
        try:
            (only,) = call.args
            said = {
                name: scval.from_string(v).decode() for name, v in scval.from_struct(only).items()
            }
            asked = [said["account"], said["web_auth_domain_account"]]
        except _MALFORMED:
            return "HostError: Error(WasmVm, InvalidAction)"
        for address in asked:
            told = self._refusal(address, call, entries, latest_ledger)
            if told is not None:
                return told
        return None

    def _refusal(
        self,
        address: str,
        call: "xdr.InvokeContractArgs",
        entries: "Sequence[xdr.SorobanAuthorizationEntry]",
        latest_ledger: int,
    ) -> str | None:
        for entry in entries:
            credentials = entry.credentials.address or entry.credentials.address_v2
            if credentials is None or _text(credentials.address) != address:
                continue
            if entry.root_invocation.function.contract_fn != call:
                continue
            if credentials.signature_expiration_ledger.uint32 < latest_ledger:
                return "HostError: Error(Auth, InvalidInput): signature has expired"
            return self._checked(address, credentials.signature, self._payload(entry))
        return "HostError: Error(Auth, InvalidAction): missing authorization"

    def _checked(self, address: str, signature: "xdr.SCVal", payload: bytes) -> str | None:
        """What `__check_auth` of the address says; of a classic account, the host's own."""
        from stellar_sdk import Keypair

        if address == self._refusing:
            return "HostError: Error(Contract, #7)"
        try:
            key = self._signers.get(address) or Keypair.from_public_key(address).raw_public_key()
        except ValueError:
            return "HostError: Error(Storage, MissingValue)"
        return (
            None if _is_signed(key, signature, payload) else "HostError: Error(Auth, InvalidAction)"
        )

    def _payload(self, entry: "xdr.SorobanAuthorizationEntry") -> bytes:
        """What is signed: sha256 of the preimage; newer credentials name the address in it too."""
        from stellar_sdk import xdr

        old, new = entry.credentials.address, entry.credentials.address_v2
        network, invocation = xdr.Hash(self._network_id), entry.root_invocation
        if new is None:
            if old is None:
                return b""
            plain = xdr.HashIDPreimageSorobanAuthorization(
                network, old.nonce, old.signature_expiration_ledger, invocation
            )
            preimage = xdr.HashIDPreimage(
                xdr.EnvelopeType.ENVELOPE_TYPE_SOROBAN_AUTHORIZATION, soroban_authorization=plain
            )
        else:
            bound = xdr.HashIDPreimageSorobanAuthorizationWithAddress(
                network_id=network,
                nonce=new.nonce,
                signature_expiration_ledger=new.signature_expiration_ledger,
                address=new.address,
                invocation=invocation,
            )
            preimage = xdr.HashIDPreimage(
                xdr.EnvelopeType.ENVELOPE_TYPE_SOROBAN_AUTHORIZATION_WITH_ADDRESS,
                soroban_authorization_with_address=bound,
            )
        return hashlib.sha256(preimage.to_xdr_bytes()).digest()


def _is_signed(key: bytes, signature: "xdr.SCVal", payload: bytes) -> bool:
    """`Vec<Map{public_key, signature}>` with the one key's signature."""
    from stellar_sdk import Keypair, StrKey, scval
    from stellar_sdk.exceptions import BadSignatureError

    try:
        (only,) = scval.from_vec(signature)
        said = scval.from_struct(only)
        if scval.from_bytes(said["public_key"]) != key:
            return False
        owner = Keypair.from_public_key(StrKey.encode_ed25519_public_key(key))
        owner.verify(payload, scval.from_bytes(said["signature"]))
    except (BadSignatureError, *_MALFORMED):
        return False
    return True


def _text(address: "xdr.SCAddress") -> str:
    from stellar_sdk import Address

    return Address.from_xdr_sc_address(address).address
