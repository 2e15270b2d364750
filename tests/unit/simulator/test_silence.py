"""What happens without an event: in the contract's storage and in the truth file, nowhere on the wire."""

import base64

import pytest
from stellar_sdk import xdr

from simulator.calls import Call
from simulator.chain import Chain
from simulator.contract_methods import get_ledger_entries
from simulator.errors import CallRefused
from simulator.faults import Concealed, FaultPlan, Weather
from simulator.state import PauseRecord, Status
from simulator.truth import read_truth
from tests.fakes.kept import INSTANCE, variant


@pytest.fixture
def world(world):
    world.close(world.create(), world.create(1))
    return world


def entry(world, key):
    """An entry as getLedgerEntries answers it."""
    data = xdr.LedgerKeyContractData(
        _address(world.cast.contract_id), key, xdr.ContractDataDurability.PERSISTENT
    )
    asked = xdr.LedgerKey(xdr.LedgerEntryType.CONTRACT_DATA, contract_data=data).to_xdr()
    (found,) = get_ledger_entries(world.chain, {"keys": [asked]}, world.chain.latest)["entries"]
    return found


def _address(contract_id):
    from stellar_sdk import Address

    return Address(contract_id).to_xdr_sc_address()


def refused(world, call):
    with pytest.raises(CallRefused) as caught:
        world.chain.contract.execute([call], now=world.now, ledger=1)
    return str(caught.value)


@pytest.mark.parametrize(
    ("functions", "status", "records"),
    [
        (["pause_silently"], Status.PAUSED, [True]),
        (["pause_silently", "resume_silently"], Status.ACTIVE, [True, False]),
        (["pause_stream", "resume_silently"], Status.ACTIVE, [True, False]),
        (["cancel_silently"], Status.CANCELLED, []),
        (["exhaust_silently"], Status.EXHAUSTED, []),
    ],
)
def test_state_changes_and_nothing_is_emitted(world, functions, status, records):
    for function in functions:
        ledger = world.close(world.call(function))
    assert world.kinds(ledger) == []
    assert world.streams[1].status is status
    kept = world.chain.contract.state.histories.get(1, [])
    assert [record.is_pause for record in kept] == records


def test_a_silent_cancellation_moves_money_by_the_tokens_own_events(world):
    ledger = world.close(world.call("cancel_silently"))
    (transaction,) = ledger.transactions
    assert {event.contract_id for event in transaction.events} == {world.cast.token_id}


def test_the_multisigs_emergency_pause_is_silent(world):
    ledger = world.close(world.admin("multisig_emergency_pause"))
    assert world.kinds(ledger) == []
    assert world.chain.contract.state.config.paused


def test_a_history_may_lose_its_last_record(world):
    world.close(world.call("pause_stream"))
    world.close(world.call("drop_pause_record"))
    assert world.chain.contract.state.histories[1] == []
    found = entry(world, variant("PauseHistory", 1))
    assert found["lastModifiedLedgerSeq"] == world.chain.latest.sequence
    assert refused(world, world.call("drop_pause_record")) == "no record to lose"


def test_a_refused_transaction_gives_the_lost_record_back(world):
    world.close(world.call("pause_stream"))
    lost = [
        world.call("drop_pause_record"),
        world.call("end_life", 1, 0),
        world.call("pause_stream"),
    ]
    with pytest.raises(CallRefused):
        world.chain.contract.execute(lost, now=world.now, ledger=1)
    assert world.chain.contract.state.histories[1] == [PauseRecord(world.now, is_pause=True)]
    assert world.chain.contract.state.live_until == {}


def test_entries_live_as_long_as_they_are_told_to(world):
    world.close(world.call("end_life", 1, 2))
    key = variant("Stream", 1)
    assert entry(world, key)["liveUntilLedgerSeq"] == world.chain.latest.sequence + 2
    world.close()
    world.close()
    assert entry(world, key)["liveUntilLedgerSeq"] == world.chain.latest.sequence
    world.close()
    assert entry(world, key)["liveUntilLedgerSeq"] == 0
    world.close(world.call("end_life", 2, 0))
    assert entry(world, variant("Stream", 2))["liveUntilLedgerSeq"] == 0
    assert entry(world, INSTANCE)["liveUntilLedgerSeq"] > 0
    assert refused(world, Call("end_life", (world.cast.admin, 9, 1))) == "stream not found"


def test_the_truth_says_what_was_silent(tmp_path, world):
    kept = {"seed": 1, "streams": 8, "passphrase": "test", "state_dir": tmp_path}
    with Chain(**kept, genesis_at=world.now) as chain:
        world.chain = chain
        world.close(world.create())
        world.close(world.call("pause_silently"))
        world.close(world.admin("multisig_emergency_pause"))
        world.close(world.call("resume_stream"))
        latest, told = chain.latest, chain.contract_event_count
    created, paused, stopped, resumed = read_truth(tmp_path / "truth.ndjson")
    assert "silent" not in created
    assert "silent" not in resumed
    assert (paused["silent"], paused["event_id"], paused["kind"]) == (True, None, "paused")
    assert (paused["stream_id"], paused["stored_status"]) == ("1", "paused")
    assert (stopped["silent"], stopped["kind"]) == (True, "contract_paused")
    assert resumed["event_id"] == latest.transactions[0].events[0].event_id
    assert told == 2
    before = (tmp_path / "truth.ndjson").read_bytes()
    with Chain(**kept, genesis_at=world.now) as again:
        assert again.latest == latest
    assert (tmp_path / "truth.ndjson").read_bytes() == before


def test_events_are_concealed_by_kind_and_stream(world):
    ledger = world.close(
        world.call("pause_stream", 1), world.call("pause_stream", 2), world.admin("pause_contract")
    )
    first, second, whole = (transaction.events[0] for transaction in ledger.transactions)

    def shown(*concealed):
        weather = Weather(FaultPlan(concealed=concealed))
        return [event for event in (first, second, whole) if not weather.conceals(event)]

    assert shown(Concealed("paused", 2)) == [first, whole]
    assert shown(Concealed("paused")) == [first, second]
    assert shown(Concealed("resumed", 1)) == [first, second, whole]
    assert base64.b64decode(whole.topics[0]).endswith(b"paused\0\0")


def test_what_is_concealed_stands_in_the_plans_file(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("concealed: [{kind: paused, stream: 3}, {kind: paused}]\n")
    assert FaultPlan.read(path).concealed == (Concealed("paused", 3), Concealed("paused"))
