"""The event shapes of the PayStream contract, as its `events.rs` publishes them.

Topics `(symbol, u64 id)` for a stream, `(symbol,)` for the contract; a Rust tuple is an ScVal Vec.
Source: PayStream `contracts/stream/src/events.rs`; the upgrade is the host's own system event.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from simulator import scval

_ASSET = scval.text(scval.string("PAY"))


SILENT = "silent"


class Emitted(NamedTuple):
    """One event as the host takes it: `kind` and `facts` are for the truth file, the rest is wire.

    Amounts in `facts` are decimal text, as JSON readers stop at 64 bits.
    `topics` and `value` are base64 ScVals. `contract_id` None = the PayStream contract. `type` SILENT:
    it happened and no event tells of it.
    """

    kind: str
    stream_id: int | None
    topics: tuple[str, ...]
    value: str
    facts: dict[str, Any]
    type: str = "contract"
    contract_id: str | None = None


def silenced(emitted: Iterable[Emitted]) -> list[Emitted]:
    """The contract's events as changes that no event tells of; other contracts' events are as ever."""
    return [each._replace(type=SILENT) if each.contract_id is None else each for each in emitted]


def _of_stream(kind: str, stream_id: int, value: bytes, **facts: object) -> Emitted:
    topics = (scval.symbol_topic(kind), scval.id_topic(stream_id))
    return Emitted(kind, stream_id, topics, scval.text(value), facts)


def created(stream_id: int, employer: str, employee: str, *, rate: int, fee_bps: int) -> Emitted:
    """`("created", id)`, `(employer, employee, i128 rate, u32 fee)`."""
    parties = (scval.address(employer), scval.address(employee))
    value = scval.vec(*parties, scval.i128(rate), scval.u32(fee_bps))
    return _of_stream("created", stream_id, value, rate=str(rate), fee_bps=fee_bps)


def paused(stream_id: int, employer: str, employee: str, at: int) -> Emitted:
    """`("paused", id)`, `(employer, employee, u64 unix seconds)`: the stored employer, not the caller."""
    value = scval.vec(scval.address(employer), scval.address(employee), scval.u64(at))
    return _of_stream("paused", stream_id, value)


def resumed(stream_id: int, employer: str, employee: str, at: int) -> Emitted:
    """`("resumed", id)`, shaped as `paused`."""
    value = scval.vec(scval.address(employer), scval.address(employee), scval.u64(at))
    return _of_stream("resumed", stream_id, value)


def cancelled(stream_id: int, employer: str, employee: str, *, refund: int, payout: int) -> Emitted:
    """`("cancelled", id)`, `(employer, employee, i128 refund, i128 payout)`; reclaims emit it too."""
    parties = (scval.address(employer), scval.address(employee))
    value = scval.vec(*parties, scval.i128(refund), scval.i128(payout))
    return _of_stream("cancelled", stream_id, value, refund=str(refund), payout=str(payout))


def transferred(stream_id: int, previous: str, employee: str) -> Emitted:
    """`("transfer", id)`, `(previous employee, new employee)`."""
    value = scval.vec(scval.address(previous), scval.address(employee))
    return _of_stream("transfer", stream_id, value, previous=previous)


def employer_proposed(stream_id: int, employer: str, proposed: str) -> Emitted:
    """`("emp_prop", id)`, `(employer, proposed employer)`."""
    value = scval.vec(scval.address(employer), scval.address(proposed))
    return _of_stream("emp_prop", stream_id, value, proposed=proposed)


def employer_accepted(stream_id: int, previous: str, employer: str) -> Emitted:
    """`("emp_acc", id)`, `(previous employer, new employer)`."""
    value = scval.vec(scval.address(previous), scval.address(employer))
    return _of_stream("emp_acc", stream_id, value, previous=previous)


def withdrawn(stream_id: int, account: str, amount: int) -> Emitted:
    """`("withdraw", id)`, `(employee, i128 amount)`."""
    value = scval.vec(scval.address(account), scval.i128(amount))
    return _of_stream("withdraw", stream_id, value, account=account, amount=str(amount))


def topped_up(stream_id: int, employer: str, amount: int) -> Emitted:
    """`("topup", id)`, `(employer, i128 amount)`."""
    value = scval.vec(scval.address(employer), scval.i128(amount))
    return _of_stream("topup", stream_id, value, amount=str(amount))


def rate_changed(stream_id: int, old: int, new: int) -> Emitted:
    """`("ratechng", id)`, `(i128 old, i128 new)`."""
    value = scval.vec(scval.i128(old), scval.i128(new))
    return _of_stream("ratechng", stream_id, value, old_rate=str(old), new_rate=str(new))


def near_exhaustion(stream_id: int, employer: str, days: int) -> Emitted:
    """`("nearexhst", id)`, `(employer, u32 threshold in days)`."""
    value = scval.vec(scval.address(employer), scval.u32(days))
    return _of_stream("nearexhst", stream_id, value, days=days)


def delegate_set(stream_id: int, delegate: str | None) -> Emitted:
    """`("delegate", id)`, the address, or void when revoked."""
    value = scval.optional_address(delegate)
    return _of_stream("delegate", stream_id, value, delegate=delegate)


def fee_collected(stream_id: int, amount: int, recipient: str) -> Emitted:
    """`("fee_col", id)`, `(i128 amount, recipient)`."""
    value = scval.vec(scval.i128(amount), scval.address(recipient))
    return _of_stream("fee_col", stream_id, value, amount=str(amount), recipient=recipient)


def proposal_created(proposal_id: int) -> Emitted:
    """`("propcreat", id)`, `u64`: the id is a proposal's, not a stream's."""
    topics = (scval.symbol_topic("propcreat"), scval.id_topic(proposal_id))
    facts = {"proposal_id": proposal_id}
    return Emitted("propcreat", None, topics, scval.text(scval.u64(proposal_id)), facts)


def fees_withdrawn(admin: str, amount: int, recipient: str) -> Emitted:
    """`("fee_wdr",)`, `(admin, i128 amount, recipient)`."""
    value = scval.vec(scval.address(admin), scval.i128(amount), scval.address(recipient))
    facts = {"amount": str(amount), "recipient": recipient}
    return Emitted("fee_wdr", None, (scval.symbol_topic("fee_wdr"),), scval.text(value), facts)


def contract_paused(*, paused: bool) -> Emitted:
    """`("paused",)`, Bool: the whole contract stopped (true) or goes on (false)."""
    kind = "contract_paused" if paused else "contract_resumed"
    topics = (scval.symbol_topic("paused"),)
    return Emitted(kind, None, topics, scval.text(scval.boolean(paused)), {})


def upgraded(old_wasm: str, new_wasm: str) -> Emitted:
    """The host's system event `("executable_update", old, new)` with an empty vector."""
    executables = [
        scval.text(scval.vec(scval.symbol("Wasm"), scval.raw_bytes(bytes.fromhex(wasm))))
        for wasm in (old_wasm, new_wasm)
    ]
    topics = (scval.symbol_topic("executable_update"), *executables)
    facts = {"old_wasm": old_wasm, "new_wasm": new_wasm}
    return Emitted("upgraded", None, topics, scval.text(scval.vec()), facts, type="system")


def fee_charged(asset: str, payer: str, amount: int) -> Emitted:
    """The native asset's `("fee", from)`, i128; below zero where it is given back (CAP-67)."""
    topics = (scval.symbol_topic("fee"), scval.address_topic(payer))
    return Emitted("fee", None, topics, scval.text(scval.i128(amount)), {}, contract_id=asset)


def token_transferred(token: str, sender: str, receiver: str, amount: int) -> Emitted:
    """The token contract's `("transfer", from, to, asset)`, i128: noise beside the stream's event."""
    topics = (
        scval.symbol_topic("transfer"),
        scval.address_topic(sender),
        scval.address_topic(receiver),
        _ASSET,
    )
    value = scval.text(scval.i128(amount))
    return Emitted("token_transfer", None, topics, value, {}, contract_id=token)
