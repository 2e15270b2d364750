"""What a contract keeps, made with the SDK's encoder: entries as getLedgerEntries answers with them.

`Node` is an EventSource that has them; its tip and every entry may be set to anything.
"""

from collections.abc import Sequence
from typing import Any

from stellar_sdk import Address, scval, xdr

from domain.values import NetworkId, network_id
from ingest.profiles.loader import load_profile
from ingest.rpc import LedgerEntries, LedgerEntry
from tests.fakes import chain
from tests.fakes.scripted_rpc import PASSPHRASE

NETWORK: NetworkId = network_id(PASSPHRASE)
PAYSTREAM = load_profile("paystream")
OPENZEPPELIN = load_profile("openzeppelin-pausable")
LAYOUT = PAYSTREAM.default.storage
INSTANCE = xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE)
WASM = bytes(range(32))
_PERSISTENT = xdr.ContractDataDurability.PERSISTENT
_CONTRACT_DATA = xdr.LedgerEntryType.CONTRACT_DATA


def second(ledger: int) -> int:
    """When a ledger of the fake chain closed."""
    return chain.GENESIS + ledger * 5


def variant(name: str, stream_id: int | None = None) -> xdr.SCVal:
    """A key of the contract's key enum."""
    return scval.to_enum(name, None if stream_id is None else scval.to_uint64(stream_id))


def ledger_key(key: xdr.SCVal, contract: str = chain.CONTRACT) -> bytes:
    address = Address(contract).to_xdr_sc_address()
    data = xdr.LedgerKeyContractData(address, key, _PERSISTENT)
    return xdr.LedgerKey(_CONTRACT_DATA, contract_data=data).to_xdr_bytes()


def entry_xdr(key: xdr.SCVal, value: xdr.SCVal) -> bytes:
    address = Address(chain.CONTRACT).to_xdr_sc_address()
    data = xdr.ContractDataEntry(xdr.ExtensionPoint(0), address, key, _PERSISTENT, value)
    return xdr.LedgerEntryData(_CONTRACT_DATA, contract_data=data).to_xdr_bytes()


def stream(status: str = "Active", /, **changes: xdr.SCVal) -> xdr.SCVal:
    fields = {
        "id": scval.to_uint64(7),
        "employer": scval.to_address(chain.EMPLOYER),
        "employee": scval.to_address(chain.EMPLOYEE),
        "status": scval.to_enum(status, None),
        "delegate": scval.to_void(),
    } | changes
    return scval.to_struct(fields)


def record(
    ledger: int, *, is_pause: bool | xdr.SCVal = True, stream_id: int = 7, **changes: xdr.SCVal
) -> xdr.SCVal:
    fields = {
        "is_pause": scval.to_bool(is_pause) if isinstance(is_pause, bool) else is_pause,
        "stream_id": scval.to_uint64(stream_id),
        "timestamp": scval.to_uint64(second(ledger)),
    } | changes
    return scval.to_struct(fields)


def instance(
    *, paused: bool = False, streams: int = 0, wasm: bytes | None = WASM, **changes: Any
) -> xdr.SCVal:
    kept = {
        "Config": scval.to_struct({"fee_bps": scval.to_uint32(1), "paused": scval.to_bool(paused)}),
        "StreamCount": scval.to_uint64(streams),
    } | changes
    kind = xdr.ContractExecutableType
    executable = (
        xdr.ContractExecutable(kind.CONTRACT_EXECUTABLE_STELLAR_ASSET)
        if wasm is None
        else xdr.ContractExecutable(kind.CONTRACT_EXECUTABLE_WASM, wasm_hash=xdr.Hash(wasm))
    )
    entries = [xdr.SCMapEntry(variant(name), value) for name, value in kept.items() if value]
    told = xdr.SCContractInstance(executable, xdr.SCMap(entries))
    return xdr.SCVal(xdr.SCValType.SCV_CONTRACT_INSTANCE, instance=told)


class Node:
    """Holds entries by key; `errors` are raised first, one per call."""

    def __init__(self, latest_ledger: int = 100) -> None:
        self.latest_ledger = latest_ledger
        self.entries: dict[bytes, LedgerEntry] = {}
        self.errors: list[Exception] = []
        self.asked: list[list[bytes]] = []

    def put(
        self,
        key: xdr.SCVal,
        value: xdr.SCVal | bytes,
        *,
        changed: int = 50,
        live_until: int | None = 10_000_000,
    ) -> None:
        """Keep an entry; bytes are its XDR as they are."""
        raw = value if isinstance(value, bytes) else entry_xdr(key, value)
        place = ledger_key(key)
        self.entries[place] = LedgerEntry(raw, changed, live_until, place)

    def put_stream(self, stream_id: int, value: xdr.SCVal | bytes, *records: Any, **other: Any):
        """A stream and, where there are any, its records."""
        self.put(variant("Stream", stream_id), value, **other)
        if records:
            self.put(variant("PauseHistory", stream_id), scval.to_vec(list(records)), **other)

    def put_instance(self, value: xdr.SCVal | bytes | None = None, **other: Any) -> None:
        self.put(INSTANCE, instance() if value is None else value, **other)

    async def ledger_entries(self, keys: Sequence[bytes]) -> LedgerEntries:
        self.asked.append(list(keys))
        if self.errors:
            raise self.errors.pop(0)
        found = [self.entries[key] for key in keys if key in self.entries]
        return LedgerEntries(self.latest_ledger, found)
