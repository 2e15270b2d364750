"""The RPC's methods about contracts: ledger entries, transactions, simulated calls.

Storage is always the newest ledger's, as captive core serves it; only `tip` may be behind. An archived
entry lives until ledger 0.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulator import scval, storage
from simulator.account_entries import account_entry
from simulator.chain import Chain
from simulator.contract import Contract
from simulator.envelope import is_fee_bump
from simulator.errors import RpcFailure
from simulator.ledger import Ledger, Transaction
from simulator.ledger_xdr import contract_event, transaction_meta
from simulator.request_fields import INVALID_PARAMS, field

if TYPE_CHECKING:
    from stellar_sdk import xdr

MAX_KEYS = 200
# what the SDK raises for bytes that are no such XDR
_MALFORMED = (ValueError, EOFError, AssertionError, TypeError, AttributeError)


def get_ledger_entries(chain: Chain, params: dict[str, Any], tip: Ledger) -> dict[str, Any]:
    """The entries that exist, in the order asked; others are absent. Raises RpcFailure."""
    keys = field(params, "keys", list, [])
    if len(keys) > MAX_KEYS:
        message = f"key count ({len(keys)}) exceeds maximum supported ({MAX_KEYS})"
        raise RpcFailure(INVALID_PARAMS, message)
    entries = []
    for place, key in enumerate(keys):
        decoded = _decoded_key(key, place)
        if decoded.account is not None:
            entries += _account(chain, key, decoded.account)
        entry = _find(chain.contract, decoded)
        if entry is not None:
            archived = entry.live_until_ledger < chain.latest.sequence
            entries.append(
                {
                    "key": key,
                    "xdr": scval.text(entry.xdr),
                    "lastModifiedLedgerSeq": entry.modified_at_ledger,
                    "liveUntilLedgerSeq": 0 if archived else entry.live_until_ledger,
                    "extXdr": "AAAAAA==",
                }
            )
    return {"entries": entries, "latestLedger": max(tip.sequence, chain.latest.sequence)}


def _account(chain: Chain, key: str, asked: "xdr.LedgerKeyAccount") -> list[dict[str, Any]]:
    """A classic entry has no end of life, and none is told."""
    found = account_entry(chain.cast, asked)
    if found is None:
        return []
    told = {"key": key, "xdr": scval.text(found), "extXdr": "AAAAAA=="}
    return [told | {"lastModifiedLedgerSeq": chain.oldest.sequence}]


def _decoded_key(key: Any, place: int) -> "xdr.LedgerKey":
    from stellar_sdk import xdr

    try:
        decoded = xdr.LedgerKey.from_xdr(key)
    except _MALFORMED as error:
        message = f"cannot unmarshal key value {key} at index {place}"
        raise RpcFailure(INVALID_PARAMS, message) from error
    if decoded.type is xdr.LedgerEntryType.TTL:
        raise RpcFailure(INVALID_PARAMS, "ledger ttl entries cannot be queried directly")
    return decoded


def _find(contract: Contract, key: "xdr.LedgerKey") -> storage.Entry | None:
    from stellar_sdk import xdr

    data = key.contract_data
    if data is None or data.durability is not xdr.ContractDataDurability.PERSISTENT:
        return None
    asked = data.contract.to_xdr_bytes()
    if asked == scval.address_body(contract.cast.token_id):
        return storage.find_token(contract, data.key)
    if asked != scval.address_body(contract.cast.contract_id):
        return None
    return storage.find(contract, data.key)


def get_transaction(chain: Chain, params: dict[str, Any], tip: Ledger) -> dict[str, Any]:
    """One transaction within retention, or NOT_FOUND. Raises RpcFailure."""
    tx_hash = field(params, "hash", str, "")
    if len(tx_hash) != 64:
        message = f"unexpected hash length ({len(tx_hash)})"
        raise RpcFailure(INVALID_PARAMS, message)
    transaction = chain.transactions.get(tx_hash)
    oldest = chain.oldest
    if transaction is not None and not oldest.sequence <= transaction.ledger <= tip.sequence:
        transaction = None
    return {
        "latestLedger": tip.sequence,
        "latestLedgerCloseTime": str(tip.closed_at),
        "oldestLedger": oldest.sequence,
        "oldestLedgerCloseTime": str(oldest.closed_at),
        "txHash": tx_hash,
        **_details(chain, transaction),
    }


def _details(chain: Chain, transaction: Transaction | None) -> dict[str, Any]:
    if transaction is None:
        return {
            "status": "NOT_FOUND",
            "applicationOrder": 0,
            "feeBump": False,
            "events": {},
            "ledger": 0,
            "createdAt": "0",
        }
    events = [scval.text(contract_event(event)) for event in transaction.events]
    return {
        "status": "FAILED" if transaction.failed else "SUCCESS",
        "applicationOrder": transaction.order,
        "feeBump": is_fee_bump(transaction.envelope),
        "envelopeXdr": scval.text(transaction.envelope),
        "resultXdr": scval.text(transaction.result),
        "resultMetaXdr": scval.text(transaction_meta(transaction)),
        "events": {"contractEventsXdr": [] if transaction.failed else [events]},
        "ledger": transaction.ledger,
        "createdAt": str(chain.ledger(transaction.ledger).closed_at),
    }


def simulate_transaction(chain: Chain, params: dict[str, Any], tip: Ledger) -> dict[str, Any]:
    """The result of a view call, or of SEP-45's `web_auth_verify`.

    What fails in the contract is `error` inside the result.
    """
    call, entries = _invocation(field(params, "transaction", str, ""))
    if call.contract_address.to_xdr_bytes() == scval.address_body(chain.web_auth.contract_id):
        fault = chain.web_auth.fault(call, entries, chain.latest.sequence)
        return _ended(tip, scval.VOID) if fault is None else _trapped(tip, fault)
    view = _VIEWS.get(call.function_name.sc_symbol.decode("ascii", "replace"))
    own = scval.address_body(chain.cast.contract_id)
    if call.contract_address.to_xdr_bytes() != own:
        return _trapped(tip, "HostError: Error(Storage, MissingValue)")
    if view is None:
        return _trapped(tip, "HostError: Error(WasmVm, MissingValue)")
    try:
        value = view(chain.contract, chain.latest.closed_at, _arguments(call))
    except (LookupError, *_MALFORMED):
        return _trapped(tip, "HostError: Error(WasmVm, InvalidAction)")
    return _ended(tip, value)


def _ended(tip: Ledger, value: bytes) -> dict[str, Any]:
    return {
        "transactionData": _NO_RESOURCES,
        "minResourceFee": "58181",
        "results": [{"auth": [], "xdr": scval.text(value)}],
        "latestLedger": tip.sequence,
    }


def _invocation(
    envelope: str,
) -> "tuple[xdr.InvokeContractArgs, list[xdr.SorobanAuthorizationEntry]]":
    from stellar_sdk import xdr

    try:
        transaction = xdr.TransactionEnvelope.from_xdr(envelope)
    except _MALFORMED as error:
        raise RpcFailure(INVALID_PARAMS, "Could not unmarshal transaction") from error
    v1 = transaction.v1
    operations = [] if v1 is None else v1.tx.operations
    if len(operations) != 1:
        raise RpcFailure(INVALID_PARAMS, "Transaction contains more than one operation")
    invoke = operations[0].body.invoke_host_function_op
    call = invoke and invoke.host_function.invoke_contract
    if not call:
        raise RpcFailure(INVALID_PARAMS, "Transaction contains unsupported operation type")
    return call, invoke.auth if invoke else []


def _arguments(call: "xdr.InvokeContractArgs") -> list[Any]:
    from stellar_sdk import Address
    from stellar_sdk import scval as sdk_scval

    native = [sdk_scval.to_native(argument) for argument in call.args]
    return [value.address if isinstance(value, Address) else value for value in native]


def _trapped(tip: Ledger, error: str) -> dict[str, Any]:
    return {"error": error, "events": [], "latestLedger": tip.sequence}


# `SorobanTransactionData` without footprint: a view needs none to be read back
_NO_RESOURCES = scval.text(bytes(4 + 4 + 4 + 4 + 4 + 4 + 8))

View = Callable[[Contract, int, list[Any]], bytes]


def _stream_ids(contract: Contract, role: str, account: str) -> bytes:
    streams = contract.state.streams.values()
    return scval.vec(*(scval.u64(each.id) for each in streams if getattr(each, role) == account))


_VIEWS: Mapping[str, View] = {
    "pause_history": lambda contract, _, args: storage.pause_history(contract, args[0]),
    "get_stream": lambda contract, _, args: storage.stream_value(contract.state.streams[args[0]]),
    "claimable": lambda contract, now, args: scval.i128(
        contract.state.streams[args[0]].claimable(now)
    ),
    "claimable_at": lambda contract, _, args: scval.i128(
        contract.state.streams[args[0]].claimable(args[1])
    ),
    "stream_count": lambda contract, _, __: scval.u64(contract.state.config.stream_count),
    "admin_nonce": lambda contract, _, __: scval.u64(contract.state.config.admin_nonce),
    "streams_by_employer": lambda contract, _, args: _stream_ids(contract, "employer", args[0]),
    "streams_by_employee": lambda contract, _, args: _stream_ids(contract, "employee", args[0]),
}
