"""Scripted events: any shape, any contract, on the chain like the others, and the same after a restart."""

from stellar_sdk import scval
from stellar_sdk.xdr import TransactionEnvelope

from simulator.accounts import Cast
from simulator.chain import Chain
from simulator.scripted import emission
from tests.fakes.chain import CONTRACT

PASSPHRASE = "Scripted"


def chain_in(folder):
    return Chain(seed=1, streams=2, passphrase=PASSPHRASE, genesis_at=1_000_000, state_dir=folder)


def scripted():
    topics = [scval.to_symbol("StreamPaused").to_xdr(), scval.to_uint64(2**64 - 1).to_xdr()]
    return emission(Cast.of(1, 2).admin, CONTRACT, topics, scval.to_map({}).to_xdr())


def test_what_is_scripted_is_emitted_in_that_contracts_name(tmp_path):
    call = scripted()
    with chain_in(tmp_path) as chain:
        ledger = chain.close_ledger([[call], [call, call]], 1_000_100)
        told = [event for each in ledger.transactions for event in each.events]
        assert [event.contract_id for event in told] == [CONTRACT] * 3
        assert {(event.topics[0], event.value) for event in told} == {
            (call.arguments[3][0], call.arguments[4])
        }
        assert chain.contract_event_count == 0
        TransactionEnvelope.from_xdr_bytes(ledger.transactions[1].envelope)
        events = list(chain.events)
    with chain_in(tmp_path) as resumed:
        assert resumed.events == events
    assert (tmp_path / "truth.ndjson").read_bytes() == b""
