"""The transactions that carry the calls: real, unsigned envelopes, so that the hash is the real one.

One call invokes the contract; several go through a router contract in one operation, as batch payroll
tools do. How the caller has signed: calls.py. Who really paused (a delegate) is told here only.
Packed by hand for speed; the unit tests read them back with the SDK. Stellar-transaction.x.
"""

import hashlib
import struct
from collections.abc import Sequence

from simulator import scval
from simulator.calls import BY_CONTRACT, BY_ENTRY, Call, encoded_arguments

_ENVELOPE_TYPE_TX = struct.pack(">I", 2)
_ENVELOPE_TYPE_FEE_BUMP = struct.pack(">I", 5)
_KEY_TYPE_ED25519 = struct.pack(">I", 0)
_INVOKE_HOST_FUNCTION = struct.pack(">I", 24)
_INVOKE_CONTRACT = struct.pack(">I", 0)
_SOURCE_ACCOUNT_CREDENTIALS = struct.pack(">I", 0)
_ADDRESS_CREDENTIALS = struct.pack(">I", 1)
_ZERO = struct.pack(">I", 0)
_ONE = struct.pack(">I", 1)
_FEE = 100_000


def envelope_xdr(
    calls: Sequence[Call], *, contract_id: str, router_id: str, relayer: str, sequence_number: int
) -> bytes:
    """The `TransactionEnvelope` of one transaction, without signatures."""
    caller, signed = calls[0].caller, calls[0].signed
    invocation = _invocation(calls, contract_id, router_id, routed=signed == BY_CONTRACT)
    source = relayer if signed in {BY_ENTRY, BY_CONTRACT} else caller
    entry = _INVOKE_CONTRACT + invocation
    if signed == BY_CONTRACT:
        authorization = _ZERO  # a contract answers for itself: its own calls need no entry
    else:
        credentials = _SOURCE_ACCOUNT_CREDENTIALS
        if signed == BY_ENTRY:
            credentials = _address_credentials(caller, sequence_number)
        authorization = _ONE + credentials + entry + _inner_invocations(calls, contract_id)
    operation = _ZERO + _INVOKE_HOST_FUNCTION + _INVOKE_CONTRACT + invocation + authorization
    head = _account(source) + struct.pack(">Iq", _FEE, sequence_number)
    no_conditions, no_memo, no_extension, no_signatures = _ZERO, _ZERO, _ZERO, _ZERO
    transaction = head + no_conditions + no_memo + _ONE + operation + no_extension
    return _ENVELOPE_TYPE_TX + transaction + no_signatures


def fee_bump(inner: bytes, payer: str) -> bytes:
    """The envelope of a `FeeBumpTransaction` around a v1 envelope, without signatures."""
    no_extension, no_signatures = _ZERO, _ZERO
    fee = struct.pack(">q", 2 * _FEE)
    return _ENVELOPE_TYPE_FEE_BUMP + _account(payer) + fee + inner + no_extension + no_signatures


def is_fee_bump(envelope: bytes) -> bool:
    """Whether another account pays than the transaction's source."""
    return envelope.startswith(_ENVELOPE_TYPE_FEE_BUMP)


def _account(strkey: str) -> bytes:
    # SCAddress of an account: its type, the public key's type, 32 bytes; MuxedAccount needs the last
    return _KEY_TYPE_ED25519 + scval.address_body(strkey)[8:]


def _address_credentials(strkey: str, nonce: int) -> bytes:
    # nonce, last ledger, and a signature that nobody here checks
    return (
        _ADDRESS_CREDENTIALS
        + scval.address_body(strkey)
        + struct.pack(">qI", nonce, 0)
        + scval.VOID
    )


def transaction_hash(network_id: bytes, envelope: bytes) -> str:
    """Hex sha256 of what is signed: network id, envelope type, transaction."""
    without_signatures = envelope[:-4]
    return hashlib.sha256(network_id + without_signatures).hexdigest()


def _invocation(calls: Sequence[Call], contract_id: str, router_id: str, *, routed: bool) -> bytes:
    if len(calls) == 1 and not routed:
        return _contract_call(contract_id, calls[0].function, encoded_arguments(calls[0]))
    target = scval.address(contract_id)
    batch = scval.vec(
        *(
            scval.vec(target, scval.symbol(call.function), scval.vec(*encoded_arguments(call)))
            for call in calls
        )
    )
    return _contract_call(router_id, "exec", [batch])


def _inner_invocations(calls: Sequence[Call], contract_id: str) -> bytes:
    # what the router calls on the signer's behalf must be signed too; a direct call has none
    if len(calls) == 1:
        return _ZERO
    inner = [
        _INVOKE_CONTRACT
        + _contract_call(contract_id, call.function, encoded_arguments(call))
        + _ZERO
        for call in calls
    ]
    return struct.pack(">I", len(inner)) + b"".join(inner)


def _contract_call(contract_id: str, function: str, arguments: list[bytes]) -> bytes:
    name = scval.opaque(function.encode("ascii"))
    count = struct.pack(">I", len(arguments))
    return scval.address_body(contract_id) + name + count + b"".join(arguments)
