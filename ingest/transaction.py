"""A transaction as the RPC tells it (getTransaction), believed only under its own hash.

In: the answer's fields. Out: the envelope's XDR, whose hash is the transaction's; or an error named for
the reaction. Next: ingest/actors reads who authorized what.

A node may lie about a transaction, but not under its hash: what is signed is hashed with the network's
id (Stellar-transaction.x, TransactionSignaturePayload). The signatures stand at the end and are no part
of it. What stands before them is never parsed here, so a later protocol's arms change nothing.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from ingest.errors import IngestError, NodeBehind, RetentionGap, RpcUnavailable

SUCCESS: Final = "SUCCESS"
_LIMIT_BYTES: Final = 1024 * 1024  # no network takes a transaction of more than about 130 KB
_TX_V0, _TX = 0, 2
_MOST_SIGNATURES: Final = 20
_LONGEST_SIGNATURE: Final = 64

_uint32 = struct.Struct(">I").unpack_from


class TransactionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What getTransaction answers; `envelope_xdr` is empty where the transaction was not found."""

    status: str
    latest_ledger: int
    oldest_ledger: int
    envelope_xdr: bytes = b""


def envelope_of(
    answer: TransactionAnswer, *, tx_hash: str, ledger: int, network: str, source: str
) -> bytes:
    """The envelope. `network`: its id, hex; `ledger`: which the transaction is known to be in.

    Raises RetentionGap, NodeBehind, or RpcUnavailable where the node has the ledger and does not tell.
    """
    if answer.status != SUCCESS:
        raise _not_found(answer, tx_hash, ledger, source)
    if not is_envelope_of(answer.envelope_xdr, tx_hash, network):
        raise RpcUnavailable(f"{source} told another transaction than {tx_hash}")
    return answer.envelope_xdr


def _not_found(answer: TransactionAnswer, tx_hash: str, ledger: int, source: str) -> IngestError:
    if ledger < answer.oldest_ledger:
        return RetentionGap(answer.oldest_ledger, ledger)
    if ledger > answer.latest_ledger:
        return NodeBehind(answer.latest_ledger, ledger)
    return RpcUnavailable(f"{source} says {answer.status[:20]} of transaction {tx_hash}")


def is_envelope_of(xdr: bytes, tx_hash: str, network: str) -> bool:
    """Whether these bytes are the transaction of that hash, whatever else is in them.

    A v0 transaction counts as a v1 of an ed25519 source.
    """
    if not 4 <= len(xdr) <= _LIMIT_BYTES:
        return False
    wanted, salt = bytes.fromhex(tx_hash), bytes.fromhex(network)
    v0 = _uint32(xdr, 0)[0] == _TX_V0
    signed = salt + (struct.pack(">II", _TX, 0) if v0 else xdr[:4])
    return any(sha256(signed + xdr[4:end]).digest() == wanted for end in _ends(xdr))


def _ends(xdr: bytes) -> Iterator[int]:
    """Where the signatures may begin: from there to the end there is a whole array of them."""
    for begin in range(4, len(xdr) - 3, 4):
        count = _uint32(xdr, begin)[0]
        if count <= _MOST_SIGNATURES and _after_signatures(xdr, begin + 4, count) == len(xdr):
            yield begin


def _after_signatures(xdr: bytes, at: int, count: int) -> int:
    for _ in range(count):
        if at + 8 > len(xdr):
            return -1
        length = _uint32(xdr, at + 4)[0]  # behind the hint of four bytes
        if length > _LONGEST_SIGNATURE:
            return -1
        at += 8 + (length + 3 & ~3)
    return at
