"""The contract's storage as ledger entries: keys, values and when they were last changed.

Source: PayStream `storage.rs`, `types.rs`. An enum key is `Vec[Symbol, …]`, a struct is a Map with
sorted symbol keys, a unit variant is `Vec[Symbol]`.
"""

import struct
from typing import TYPE_CHECKING, NamedTuple

from simulator import scval
from simulator.contract import Contract
from simulator.state import PauseRecord, Stream

if TYPE_CHECKING:
    from stellar_sdk import xdr

# PayStream extends every persistent entry by about two years of five-second ledgers (TTL_EXTEND_TO).
LIVES_FOR_LEDGERS = 12_614_400
_CONTRACT_DATA, _INSTANCE = 6, 19
_PERSISTENT = struct.pack(">I", 1)
_ZERO = struct.pack(">I", 0)
_ASSET_CONTRACT = 1  # CONTRACT_EXECUTABLE_STELLAR_ASSET
TOKEN_SYMBOL, TOKEN_DECIMALS = "USDC", 7
_Found = tuple[bytes, int, int | None]


class Entry(NamedTuple):
    """One ledger entry: `LedgerEntryData` XDR, the ledger that changed it last, the last it lives in."""

    xdr: bytes
    modified_at_ledger: int
    live_until_ledger: int


def pause_record(stream_id: int, record: PauseRecord) -> bytes:
    """`PauseEvent`."""
    return scval.mapping(
        {
            "is_pause": scval.boolean(record.is_pause),
            "stream_id": scval.u64(stream_id),
            "timestamp": scval.u64(record.timestamp),
        }
    )


def pause_history(contract: Contract, stream_id: int) -> bytes:
    """`Vec<PauseEvent>`, empty for a stream never paused."""
    records = contract.state.histories.get(stream_id, [])
    return scval.vec(*(pause_record(stream_id, record) for record in records))


def stream_value(stream: Stream) -> bytes:
    """`Stream`."""
    return scval.mapping(
        {
            "id": scval.u64(stream.id),
            "employer": scval.address(stream.employer),
            "employee": scval.address(stream.employee),
            "token": scval.address(stream.token),
            "deposit": scval.i128(stream.deposit),
            "withdrawn": scval.i128(stream.withdrawn),
            "rate_per_second": scval.i128(stream.rate_per_second),
            "start_time": scval.u64(stream.start_time),
            "stop_time": scval.u64(stream.stop_time),
            "last_withdraw_time": scval.u64(stream.last_withdraw_time),
            "cooldown_period": scval.u64(stream.cooldown_period),
            "status": scval.vec(scval.symbol(stream.status.capitalize())),
            "locked": scval.boolean(stream.locked),
            "cliff_time": scval.u64(stream.cliff_time),
            "paused_at": scval.u64(stream.paused_at),
            "delegate": scval.optional_address(stream.delegate),
        }
    )


def find(contract: Contract, key: "xdr.SCVal") -> Entry | None:
    """The contract's persistent entry under this key; None when there is none."""
    found = _value_of(contract, key)
    if found is None:
        return None
    value, modified_at_ledger, live_until = found
    head = struct.pack(">II", _CONTRACT_DATA, 0) + scval.address_body(contract.cast.contract_id)
    if live_until is None:
        live_until = modified_at_ledger + LIVES_FOR_LEDGERS
    return Entry(head + key.to_xdr_bytes() + _PERSISTENT + value, modified_at_ledger, live_until)


def find_token(contract: Contract, key: "xdr.SCVal") -> Entry | None:
    """The token's instance, a Stellar Asset Contract's; of balances it has nothing to tell.

    Source: soroban-env-host, `stellar_asset_contract/metadata.rs`: `METADATA` in instance storage.
    """
    from stellar_sdk import xdr

    if key.type is not xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE:
        return None
    told = {
        "decimal": scval.u32(TOKEN_DECIMALS),
        "name": scval.string(f"{TOKEN_SYMBOL}:{contract.cast.treasury}"),
        "symbol": scval.string(TOKEN_SYMBOL),
    }
    executable = struct.pack(">I", _ASSET_CONTRACT)
    stored = struct.pack(">II", 1, 1) + scval.symbol("METADATA") + scval.mapping(told)
    value = struct.pack(">I", _INSTANCE) + executable + stored
    head = struct.pack(">II", _CONTRACT_DATA, 0) + scval.address_body(contract.cast.token_id)
    return Entry(head + key.to_xdr_bytes() + _PERSISTENT + value, 1, 1 + LIVES_FOR_LEDGERS)


def _value_of(contract: Contract, key: "xdr.SCVal") -> _Found | None:
    from stellar_sdk import scval as sdk_scval
    from stellar_sdk import xdr

    if key.type is xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE:
        return _instance(contract), contract.state.config_modified_at, None
    try:
        name, argument = sdk_scval.from_enum(key)
        number = sdk_scval.from_uint64(argument) if isinstance(argument, xdr.SCVal) else None
    except ValueError:
        return None
    state = contract.state
    if name == "Stream" and number in state.streams:
        stream = state.streams[number]
        return stream_value(stream), stream.modified_at_ledger, state.live_until.get(number)
    if name == "PauseHistory" and number in state.history_modified_at:
        changed_at = state.history_modified_at[number]
        return pause_history(contract, number), changed_at, state.live_until.get(number)
    return None


def _instance(contract: Contract) -> bytes:
    """`ScContractInstance`: the code's hash and the instance storage, keys in order."""
    config = contract.state.config
    packed = {
        "admin_nonce": scval.u64(config.admin_nonce),
        "fee_bps": scval.u32(config.fee_bps),
        "max_streams": scval.u32(config.max_streams),
        "min_deposit": scval.i128(config.min_deposit),
        "paused": scval.boolean(config.paused),
    }
    stored = [
        (scval.vec(scval.symbol("Admin")), scval.address(config.admin)),
        (scval.vec(scval.symbol("Config")), scval.mapping(packed)),
        (scval.vec(scval.symbol("FeeRecipient")), scval.address(contract.cast.treasury)),
        *(
            (scval.vec(scval.symbol("PendingEmployer"), scval.u64(number)), scval.address(pending))
            for number, pending in sorted(contract.state.pending_employers.items())
        ),
        (scval.vec(scval.symbol("ProposalCount")), scval.u64(config.proposal_count)),
        (scval.vec(scval.symbol("StreamCount")), scval.u64(config.stream_count)),
    ]
    wasm = _ZERO + bytes.fromhex(config.wasm_hash)
    entries = b"".join(key + value for key, value in stored)
    return struct.pack(">I", _INSTANCE) + wasm + struct.pack(">II", 1, len(stored)) + entries
