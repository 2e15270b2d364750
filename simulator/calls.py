"""Invocations of the PayStream contract: a function and its arguments, in the contract's own order.

The first argument is always the caller who signs. `import_stream` exists here only: it stands for a
contract whose ids do not begin at 1, so that ids up to 2^64-1 occur; `pause_unchecked` for one whose
fault lets anybody pause. So do `emit` (scripted.py) and the functions of silent_functions.py.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator import scval

BY_SOURCE = "source"  # the caller submits it
BY_ENTRY = "entry"  # a relayer submits it, the caller has signed an authorization entry
IN_FEE_BUMP = "fee bump"  # the caller submits it, a relayer pays
BY_CONTRACT = "contract"  # the caller is the router contract, whom a relayer calls


class Call(NamedTuple):
    """One invocation. Accounts and hex hashes are text, numbers are int.

    `signed`: how the caller's authorization reaches the chain (envelope.py); a transaction's first call
    decides. Who acts is the caller each time.
    """

    function: str
    arguments: tuple[Any, ...]
    signed: str = BY_SOURCE

    @property
    def caller(self) -> str:
        """The account that signs."""
        return str(self.arguments[0])


# Argument types per function, and the most contract events one call can emit.
_TYPES: Mapping[str, tuple[str, int]] = {
    "create_stream": ("address address address i128 i128 u64", 1),
    "import_stream": ("address address address i128 i128 u64 u64", 1),
    "pause_stream": ("address u64", 1),
    "pause_unchecked": ("address u64", 1),
    "resume_stream": ("address u64", 1),
    "cancel_stream": ("address u64", 1),
    "reclaim_expired": ("address u64", 1),
    "withdraw": ("address u64", 2),
    "top_up": ("address u64 i128", 1),
    "update_rate": ("address u64 i128", 1),
    "transfer_stream": ("address u64 address", 1),
    "set_delegate": ("address u64 address?", 1),
    "propose_employer_transfer": ("address u64 address", 1),
    "accept_employer_transfer": ("address u64", 1),
    "propose_parameter": ("address u64", 1),
    "withdraw_fees": ("address address", 1),
    "set_protocol_fee": ("address u32", 0),
    "pause_contract": ("address", 1),
    "unpause_contract": ("address", 1),
    "multisig_emergency_pause": ("address", 0),
    "upgrade": ("address bytes", 1),
    "emit": ("address address symbol scvals scval", 0),
    "pause_silently": ("address u64", 0),
    "resume_silently": ("address u64", 0),
    "cancel_silently": ("address u64", 0),
    "exhaust_silently": ("address u64", 0),
    "drop_pause_record": ("address u64", 0),
    "end_life": ("address u64 u32", 0),
}
_CHARGED = {"create_stream", "import_stream"}  # one more event when the contract charges a fee
_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {
    "address": scval.address,
    "address?": scval.optional_address,
    "u64": scval.u64,
    "u32": scval.u32,
    "i128": scval.i128,
    "bytes": lambda value: scval.raw_bytes(bytes.fromhex(value)),
    "symbol": scval.symbol,
    "scval": b64decode,
    "scvals": lambda values: scval.vec(*map(b64decode, values)),
}


def encoded_arguments(call: Call) -> list[bytes]:
    """The arguments as ScVals, as the transaction carries them."""
    types = _TYPES[call.function][0].split()
    return [_ENCODERS[kind](value) for kind, value in zip(types, call.arguments, strict=True)]


def most_events(call: Call, *, charging_fees: bool) -> int:
    """The most contract events that the call can emit: what it may cost of a bounded scenario."""
    fee = charging_fees and call.function in _CHARGED
    return _TYPES[call.function][1] + fee
