"""A transaction's envelope -> the contract calls that it makes, and who authorized which.

In:   XDR of a TransactionEnvelope (v0, v1, fee bump); its hash was checked when it came (transaction.py)
Out:  Invocation: the operation's source, its root call, and the authorized calls of each address
Next: who.py finds the actor of an event

Our own reader, of the part that matters: everything up to the authorization entries is walked, what
follows them is not looked at, so that arms which a later protocol adds there do no harm. An arm that is
not known is Undecodable. Stellar-transaction.x of protocol 28; CAP-71 for credentials 2 and 3.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from ingest.actors.reader import Reader
from ingest.errors import Undecodable
from ingest.scval import ScVal

_TX_V0, _TX, _FEE_BUMP = 0, 2, 5
_INVOKE_HOST_FUNCTION: Final = 24
_MOST_OPERATIONS: Final = 100
_MOST_ENTRIES: Final = 1_000
_DEEPEST: Final = 100  # far beyond what a transaction's budget allows


class Call(NamedTuple):
    """One call on a contract: strkey, function, arguments."""

    contract_id: str
    function: str
    arguments: tuple[ScVal, ...]


class Authorized(NamedTuple):
    """What one address has authorized: every call in its tree, outermost first."""

    address: str
    calls: tuple[Call, ...]


class Invocation(NamedTuple):
    """The one host function of a transaction. `root` is None where it is no call (a creation)."""

    source: str
    root: Call | None
    authorized: tuple[Authorized, ...]


def read_envelope(xdr: bytes) -> Invocation:
    """Read an envelope. Raises Undecodable, and nothing else, whatever the bytes."""
    try:
        return _envelope(Reader(xdr))
    except (struct.error, IndexError, RecursionError, UnicodeDecodeError) as error:
        raise Undecodable("the envelope ends too early, or holds what is not known") from error


def _envelope(reader: Reader) -> Invocation:
    kind = reader.uint32()
    if kind == _FEE_BUMP:
        reader.muxed_account()
        reader.skip(8)
        kind = reader.uint32()
        if kind != _TX:
            raise Undecodable(f"a fee bump of an envelope of kind {kind}")
    if kind == _TX_V0:
        source = reader.account_of_key()
    elif kind == _TX:
        source = reader.muxed_account()
    else:
        raise Undecodable(f"{kind} is not a known kind of transaction envelope")
    reader.skip(4 + 8)  # fee, sequence number
    if kind == _TX_V0:
        reader.optional(16)
    else:
        reader.preconditions()
    reader.memo()
    return _operation(reader, source)


def _operation(reader: Reader, source: str) -> Invocation:
    """The one operation of a Soroban transaction."""
    operations = reader.count(_MOST_OPERATIONS, "operations")
    if operations != 1:
        raise Undecodable(f"{operations} operations; a contract is called by exactly one")
    if reader.uint32():
        source = reader.muxed_account()
    kind = reader.uint32()
    if kind != _INVOKE_HOST_FUNCTION:
        raise Undecodable(f"operation {kind} calls no contract")
    root = _host_function(reader)
    entries = reader.count(_MOST_ENTRIES, "authorization entries")
    return Invocation(source, root, tuple(_entry(reader, source) for _ in range(entries)))


def _host_function(reader: Reader) -> Call | None:
    kind = reader.uint32()
    if kind == 0:
        return _call(reader)
    if kind == 2:
        reader.opaque()
    elif kind in {1, 3}:
        _creation(reader, with_arguments=kind == 3)
    else:
        raise Undecodable(f"{kind} is not a known kind of host function")
    return None


def _call(reader: Reader) -> Call:
    contract_id = reader.address()
    function = reader.opaque().decode()
    return Call(contract_id, function, tuple(reader.scvals()))


def _creation(reader: Reader, *, with_arguments: bool) -> None:
    preimage = reader.uint32()
    if preimage == 0:
        reader.address()
        reader.skip(32)
    elif preimage == 1:
        reader.asset()
    else:
        raise Undecodable(f"{preimage} is not a known kind of contract id preimage")
    reader.executable()
    if with_arguments:
        reader.scvals()


def _entry(reader: Reader, source: str) -> Authorized:
    address = _credentials(reader, source)
    return Authorized(address, tuple(_tree(reader, 0)))


def _credentials(reader: Reader, source: str) -> str:
    """Whose they are; those of the source account are the operation's source's."""
    kind = reader.uint32()
    if kind == 0:
        return source
    if kind not in {1, 2, 3}:
        raise Undecodable(f"{kind} is not a known kind of credentials")
    address = reader.address()
    reader.skip(8 + 4)  # nonce, last ledger
    reader.scval()
    if kind == 3:
        _delegates(reader, 0)
    return address


def _delegates(reader: Reader, depth: int) -> None:
    """Signers that the address let sign for itself: the address has authorized all the same."""
    _check_depth(depth)
    for _ in range(reader.count(_MOST_ENTRIES, "delegates")):
        reader.address()
        reader.scval()
        _delegates(reader, depth + 1)


def _tree(reader: Reader, depth: int) -> Iterator[Call]:
    """The calls of an authorized invocation and of those below it."""
    _check_depth(depth)
    kind = reader.uint32()
    if kind == 0:
        yield _call(reader)
    elif kind in {1, 2}:
        _creation(reader, with_arguments=kind == 2)
    else:
        raise Undecodable(f"{kind} is not a known kind of authorized function")
    for _ in range(reader.count(_MOST_ENTRIES, "invocations")):
        yield from _tree(reader, depth + 1)


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise Undecodable(f"authorizations nested deeper than {_DEEPEST} levels")
