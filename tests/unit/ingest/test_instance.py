"""A contract's instance entry: the key and the entry as the SDK writes and reads them."""

import json

import pytest
from stellar_sdk import Address, scval, xdr

from ingest.endpoint import Endpoint
from ingest.endpoints import EndpointPool
from ingest.errors import RequestRefused, Undecodable
from ingest.instance import Instance, fetch_instances, instance_key, read_instance
from ingest.metered import MeteredTransport
from ingest.rpc import LedgerEntries, LedgerEntry, RpcEndpoint
from tests.fakes import chain, fake_rpc
from tests.fakes.fake_rpc import FakeRpc

WASM = bytes(range(32))
KEY = xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE)
CONTRACT = Address(chain.CONTRACT).to_xdr_sc_address()
PERSISTENT = xdr.ContractDataDurability.PERSISTENT


def entry_data(value: xdr.SCVal) -> bytes:
    data = xdr.ContractDataEntry(xdr.ExtensionPoint(0), CONTRACT, KEY, PERSISTENT, value)
    kind = xdr.LedgerEntryType.CONTRACT_DATA
    return xdr.LedgerEntryData(kind, contract_data=data).to_xdr_bytes()


def instance(kept=1, wasm: bytes | None = WASM) -> xdr.SCVal:
    executable = (
        xdr.ContractExecutable(xdr.ContractExecutableType.CONTRACT_EXECUTABLE_STELLAR_ASSET)
        if wasm is None
        else xdr.ContractExecutable(
            xdr.ContractExecutableType.CONTRACT_EXECUTABLE_WASM, wasm_hash=xdr.Hash(wasm)
        )
    )
    entries = [xdr.SCMapEntry(scval.to_uint32(n), scval.to_void()) for n in range(kept)]
    told = xdr.SCContractInstance(executable, xdr.SCMap(entries) if kept else None)
    return xdr.SCVal(xdr.SCValType.SCV_CONTRACT_INSTANCE, instance=told)


def answered(rpc: FakeRpc, result: object) -> EndpointPool:
    rpc.answers = [fake_rpc.ok({"jsonrpc": "2.0", "id": 1, "result": result})]
    return EndpointPool([Endpoint.of(MeteredTransport(rpc))])


def entry(value: xdr.SCVal, live_until: int | None = 99) -> LedgerEntry:
    return LedgerEntry(entry_data(value), 42, live_until)


def test_the_key_is_the_one_that_the_sdk_makes():
    data = xdr.LedgerKeyContractData(CONTRACT, KEY, PERSISTENT)
    kind = xdr.LedgerEntryType.CONTRACT_DATA
    assert instance_key(chain.CONTRACT) == xdr.LedgerKey(kind, contract_data=data).to_xdr_bytes()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (entry(instance(3)), Instance(WASM.hex(), 3, 42, archived=False)),
        (entry(instance(0)), Instance(WASM.hex(), 0, 42, archived=False)),
        (entry(instance(1, None)), Instance(None, 1, 42, archived=False)),
        (entry(instance(1), 0), Instance(WASM.hex(), 1, 42, archived=True)),
        (entry(instance(1), None), Instance(WASM.hex(), 1, 42, archived=False)),
    ],
)
def test_an_entry_tells_code_storage_and_whether_it_sleeps(found, expected):
    assert read_instance(found) == expected


def test_another_value_is_no_instance():
    with pytest.raises(Undecodable, match="a u32 stands where"):
        read_instance(entry(scval.to_uint32(1)))


async def test_the_instance_is_asked_for_by_its_key():
    rpc = FakeRpc()
    raw = fake_rpc.base64.b64encode(entry_data(instance())).decode()
    told = {"key": "AAAA", "xdr": raw, "lastModifiedLedgerSeq": 42, "liveUntilLedgerSeq": 9}
    pool = answered(rpc, {"entries": [told], "latestLedger": 100})
    found = await fetch_instances(pool, [chain.CONTRACT])
    assert found == {chain.CONTRACT: Instance(WASM.hex(), 1, 42, archived=False)}
    (request,) = rpc.requests
    assert request["method"] == "getLedgerEntries"
    assert [fake_rpc.raw(key) for key in request["params"]["keys"]] == [
        instance_key(chain.CONTRACT)
    ]


@pytest.mark.parametrize("entries", [[], None])
async def test_a_contract_that_is_not_there_has_no_instance(entries):
    pool = answered(FakeRpc(), {"entries": entries, "latestLedger": 100})
    assert await fetch_instances(pool, [chain.CONTRACT]) == {}


async def test_a_refusal_is_told_as_such():
    rpc = FakeRpc()
    rpc.answers = [fake_rpc.rpc_error(-32602, "key count (201) exceeds maximum supported (200)")]
    with pytest.raises(RequestRefused, match="key count"):
        await RpcEndpoint(rpc).ledger_entries([b"x"])
    assert json.dumps(rpc.requests[0]["params"]["keys"]) == '["eA=="]'


ABSENT = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"


class Entries:
    """Answers the first request with these; remembers how many keys each had."""

    def __init__(self, *entries):
        self.entries = list(entries)
        self.asked = []

    async def ledger_entries(self, keys):
        self.asked.append(len(keys))
        told, self.entries = self.entries, []
        return LedgerEntries(99, told)


async def test_many_contracts_are_asked_for_in_few_requests():
    rpc = Entries(entry(instance()))
    found = await fetch_instances(rpc, [chain.CONTRACT, *[ABSENT] * 200])
    assert rpc.asked == [200, 1]
    assert list(found) == [chain.CONTRACT]


async def test_an_entry_that_was_not_asked_for_is_no_answer():
    with pytest.raises(Undecodable, match="not asked for"):
        await fetch_instances(Entries(entry(instance())), [ABSENT])
