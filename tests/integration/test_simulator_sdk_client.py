"""The Python stellar-sdk as an independent client: what it reads is what the simulator means."""

import time

import pytest
from stellar_sdk import (
    Account,
    Keypair,
    SorobanServer,
    TransactionBuilder,
    TransactionEnvelope,
    scval,
    xdr,
)
from stellar_sdk.exceptions import SorobanRpcErrorResponse
from stellar_sdk.soroban_rpc import EventFilter, EventFilterType, GetTransactionStatus
from stellar_sdk.soroban_server import Durability

from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network that has played a burst of 400 events."""
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("network"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        ledger_seconds=0.1,
        scenario="burst",
        events=400,
    )
    with running(options) as started:
        deadline = time.monotonic() + 20
        while not started.truth_path.exists() or len(read_truth(started.truth_path)) < 400:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield started


@pytest.fixture
def server(network):
    with SorobanServer(network.rpc_url) as client:
        yield client


@pytest.fixture
def truth(network):
    return read_truth(network.truth_path)


def last(truth, kind):
    return [line for line in truth if line["kind"] == kind][-1]


def test_whole_ledgers_with_every_event(server, network, truth):
    known = {line["event_id"]: line for line in truth}
    first = network.first_ledger
    found = 0
    for ledger in server.get_ledgers(start_ledger=first, limit=100).ledgers:
        meta = xdr.LedgerCloseMeta.from_xdr(ledger.metadata_xdr).v2
        assert meta.ledger_header.header.ledger_seq.uint32 == ledger.sequence
        for order, each in enumerate(meta.tx_processing, start=1):
            for operation in each.tx_apply_processing.v4.operations:
                for index, event in enumerate(operation.events):
                    place = f"{ledger.sequence << 32 | order << 12:019d}-{index:010d}"
                    if place in known:
                        tx_hash = each.result.transaction_hash.hash.hex()
                        assert known[place]["tx_hash"] == tx_hash
                        assert event.body.v0.topics
                        found += 1
    assert found == len(known)


def test_health_network_version_and_latest_ledger(server, network):
    health = server.get_health()
    assert health.status == "healthy"
    assert health.oldest_ledger < network.first_ledger <= health.latest_ledger
    assert server.get_network().passphrase == network.options.passphrase
    assert server.get_version_info().protocol_version == 28
    latest = server.get_latest_ledger()
    meta = xdr.LedgerCloseMeta.from_xdr(latest.metadata_xdr)
    assert meta.v2.ledger_header.hash.hash.hex() == latest.id
    assert xdr.LedgerHeader.from_xdr(latest.header_xdr).ledger_seq.uint32 == latest.sequence


def test_paging_to_the_sentinel_gives_the_whole_truth(server, network, truth):
    wanted = [
        EventFilter(event_type=each, contract_ids=[network.contract_id])
        for each in (EventFilterType.CONTRACT, EventFilterType.SYSTEM)
    ]
    page = server.get_events(network.first_ledger, filters=wanted, limit=150)
    events = list(page.events)
    while len(page.events) == 150:
        page = server.get_events(cursor=page.cursor, filters=wanted, limit=150)
        events += page.events
    assert page.cursor.endswith("-4294967295")
    assert [event.id for event in events] == [line["event_id"] for line in truth]
    assert [event.transaction_hash for event in events] == [line["tx_hash"] for line in truth]


def test_a_pause_reads_as_the_truth_says(server, network, truth):
    line = last(truth, "paused")
    topics = [scval.to_symbol("paused").to_xdr(), scval.to_uint64(int(line["stream_id"])).to_xdr()]
    wanted = [EventFilter(contract_ids=[network.contract_id], topics=[topics])]
    event = server.get_events(line["ledger"], filters=wanted).events[-1]
    employer, employee, at = scval.to_native(event.value)
    assert event.id == line["event_id"]
    assert (employer.address, employee.address) == (line["employer"], line["employee"])
    assert at == line["closed_at"]


def test_the_servers_refusals_reach_the_client(server):
    with pytest.raises(SorobanRpcErrorResponse, match="within the ledger range") as refusal:
        server.get_events(5)
    assert refusal.value.code == -32600


def test_pause_history_by_storage_and_by_view_agree_with_the_truth(server, network, truth):
    stream_id = last(truth, "paused")["stream_id"]
    edges = [
        {
            "is_pause": x["kind"] == "paused",
            "stream_id": int(stream_id),
            "timestamp": x["closed_at"],
        }
        for x in truth
        if x["stream_id"] == stream_id and x["kind"] in {"paused", "resumed"}
    ]
    key = scval.to_enum("PauseHistory", scval.to_uint64(int(stream_id)))
    entry = server.get_contract_data(network.contract_id, key, Durability.PERSISTENT)
    stored = xdr.LedgerEntryData.from_xdr(entry.xdr).contract_data.val
    assert scval.to_native(stored) == edges
    last_edge = [
        x["ledger"]
        for x in truth
        if x["stream_id"] == stream_id and x["kind"] in {"paused", "resumed"}
    ][-1]
    assert entry.last_modified_ledger == last_edge
    assert entry.live_until_ledger == last_edge + 12_614_400
    assert viewed(server, network, "pause_history", scval.to_uint64(int(stream_id))) == edges


def viewed(server, network, function, *arguments):
    """What a simulated view call returns."""
    envelope = (
        TransactionBuilder(Account(Keypair.random().public_key, 1), network.options.passphrase)
        .append_invoke_contract_function_op(network.contract_id, function, list(arguments))
        .set_timeout(30)
        .build()
    )
    answer = server.simulate_transaction(envelope)
    assert answer.error is None
    xdr.SorobanTransactionData.from_xdr(answer.transaction_data)
    return scval.to_native(answer.results[0].xdr)


def test_streams_and_config_are_stored_as_the_contract_stores_them(server, network, truth):
    line = last(truth, "cancelled")
    key = scval.to_enum("Stream", scval.to_uint64(int(line["stream_id"])))
    entry = server.get_contract_data(network.contract_id, key, Durability.PERSISTENT)
    stream = scval.to_native(xdr.LedgerEntryData.from_xdr(entry.xdr).contract_data.val)
    assert stream["employee"].address == line["employee"]
    assert [word.lower() for word in stream["status"]] == [line["stored_status"]]
    instance = server.get_contract_data(
        network.contract_id,
        xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE),
        Durability.PERSISTENT,
    )
    value = xdr.LedgerEntryData.from_xdr(instance.xdr).contract_data.val.instance
    stored = {scval.to_native(e.key)[0]: scval.to_native(e.val) for e in value.storage.sc_map}
    told = [x for x in truth if x["kind"] in {"contract_paused", "contract_resumed"}]
    assert stored["Config"]["paused"] == (bool(told) and told[-1]["kind"] == "contract_paused")
    assert stored["Admin"].address == network.cast.admin


def test_missing_entries_are_absent(server, network):
    keys = [
        scval.to_enum("PauseHistory", scval.to_uint64(987_654)),
        scval.to_enum("Stream", scval.to_uint64(987_654)),
        scval.to_enum("Elsewhere", None),
        scval.to_uint64(5),
    ]
    for key in keys:
        assert server.get_contract_data(network.contract_id, key, Durability.PERSISTENT) is None
    key = scval.to_enum("Stream", scval.to_uint64(1))
    assert server.get_contract_data(network.contract_id, key, Durability.TEMPORARY) is None
    assert server.get_contract_data(network.cast.token_id, key, Durability.PERSISTENT) is None


def test_views_of_one_stream_and_of_people(server, network, truth):
    line = last(truth, "created")
    stream_id = scval.to_uint64(int(line["stream_id"]))
    assert viewed(server, network, "get_stream", stream_id)["id"] == int(line["stream_id"])
    assert viewed(server, network, "claimable_at", stream_id, scval.to_uint64(0)) == 0
    assert viewed(server, network, "claimable", stream_id) >= 0
    own = viewed(server, network, "streams_by_employee", scval.to_address(line["employee"]))
    assert all(isinstance(number, int) for number in own)
    employed = viewed(server, network, "streams_by_employer", scval.to_address(line["employer"]))
    known = {int(x["stream_id"]) for x in truth if x["kind"] == "created"}
    assert set(own) | set(employed) <= known
    assert viewed(server, network, "stream_count") == len(known - {2**64 - 1})
    assert viewed(server, network, "admin_nonce") > 0


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("no_such_function", [], "MissingValue"),
        ("get_stream", [scval.to_uint64(987_654)], "InvalidAction"),
        ("get_stream", [], "InvalidAction"),
    ],
)
def test_a_view_that_fails_is_an_error_inside_the_result(
    server, network, function, arguments, words
):
    source = Account(Keypair.random().public_key, 1)
    envelope = (
        TransactionBuilder(source, network.options.passphrase)
        .append_invoke_contract_function_op(network.contract_id, function, arguments)
        .set_timeout(30)
        .build()
    )
    answer = server.simulate_transaction(envelope)
    assert words in answer.error
    assert answer.results is None


def test_a_view_of_another_contract_finds_nothing(server, network):
    envelope = (
        TransactionBuilder(Account(Keypair.random().public_key, 1), network.options.passphrase)
        .append_invoke_contract_function_op(network.cast.token_id, "stream_count", [])
        .set_timeout(30)
        .build()
    )
    assert "Storage" in server.simulate_transaction(envelope).error


def test_a_transaction_tells_its_signer_and_its_events(server, network, truth):
    line = last(truth, "resumed")
    answer = server.get_transaction(line["tx_hash"])
    assert answer.status is GetTransactionStatus.SUCCESS
    assert (answer.ledger, answer.create_at) == (line["ledger"], line["closed_at"])
    envelope = TransactionEnvelope.from_xdr(answer.envelope_xdr, network.options.passphrase)
    assert envelope.hash().hex() == line["tx_hash"]
    assert envelope.transaction.source.account_id in {line["employer"], network.cast.treasury}
    events = [xdr.ContractEvent.from_xdr(text) for text in answer.events.contract_events_xdr[0]]
    meta = xdr.TransactionMeta.from_xdr(answer.result_meta_xdr)
    assert events == meta.v4.operations[0].events
    assert len(events) >= sum(other["tx_hash"] == line["tx_hash"] for other in truth)
    result = xdr.TransactionResult.from_xdr(answer.result_xdr)
    assert result.result.code is xdr.TransactionResultCode.txSUCCESS


def test_an_unknown_transaction_is_not_found(server):
    answer = server.get_transaction("ab" * 32)
    assert answer.status is GetTransactionStatus.NOT_FOUND
    with pytest.raises(SorobanRpcErrorResponse, match="unexpected hash length"):
        server.get_transaction("ab")


def test_keys_that_can_not_be_asked_for_are_refused(server):
    ttl = xdr.LedgerKey(xdr.LedgerEntryType.TTL, ttl=xdr.LedgerKeyTtl(xdr.Hash(bytes(32))))
    with pytest.raises(SorobanRpcErrorResponse, match="ttl entries cannot"):
        server.get_ledger_entries([ttl])
    account = xdr.LedgerKey(
        xdr.LedgerEntryType.ACCOUNT,
        account=xdr.LedgerKeyAccount(Keypair.random().xdr_account_id()),
    )
    assert server.get_ledger_entries([account]).entries == []
    with pytest.raises(SorobanRpcErrorResponse, match="exceeds maximum supported"):
        server.get_ledger_entries([account] * 201)
