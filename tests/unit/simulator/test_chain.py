"""Ledgers: ids, hashes, persistence, retention."""

import hashlib
import json

import pytest
from stellar_sdk import (
    Address,
    FeeBumpTransactionEnvelope,
    TransactionBuilder,
    TransactionEnvelope,
    xdr,
)

from simulator import ledger_xdr, scval
from simulator.calls import BY_CONTRACT, BY_ENTRY, IN_FEE_BUMP, Call
from simulator.chain import FIRST_LEDGER, GENESIS_LEDGER, Chain
from simulator.errors import StateMismatch
from simulator.ledger import event_id, ledger_of, window_end
from simulator.truth import read_truth


def open_chain(state_dir, **changes):
    options = {"seed": 1, "streams": 8, "passphrase": "test", "genesis_at": 1_800_000_000}
    return Chain(**{**options, **changes}, state_dir=state_dir)


def play(world):
    """Three ledgers with several transactions and several events in one operation."""
    world.close(world.create(0), world.create(1))
    flapping = [world.call("pause_stream"), world.call("resume_stream")]
    world.close(flapping, world.call("pause_stream", 2), world.call("pause_stream", 2))
    return world.close(world.call("pause_stream"))


def test_event_ids_follow_toid_and_sort_as_text():
    assert event_id(3727845, 5, 0, 1) == "0016010972359577600-0000000001"
    assert window_end(3730843) == "0016023852966477823-4294967295"
    assert ledger_of(window_end(3730843)) == 3730843
    assert event_id(9, 1, 0, 0) < event_id(9, 1, 0, 1) < window_end(9) < event_id(10, 0, 0, 0)


def test_a_new_chain_begins_with_empty_ledgers_before_the_first_one_that_matters(world):
    assert world.chain.oldest.sequence == GENESIS_LEDGER
    assert world.chain.latest.sequence == FIRST_LEDGER - 1
    assert world.chain.events == []
    assert world.close(world.create()).sequence == FIRST_LEDGER


def test_ledgers_are_chained_by_the_hash_of_a_real_header(world):
    play(world)
    for sequence in range(FIRST_LEDGER, world.chain.latest.sequence + 1):
        ledger = world.chain.ledger(sequence)
        header = xdr.LedgerHeader.from_xdr_bytes(ledger.header)
        assert header.to_xdr_bytes() == ledger.header
        assert header.previous_ledger_hash.hash.hex() == world.chain.ledger(sequence - 1).hash
        assert header.ledger_seq.uint32 == sequence
        assert header.scp_value.close_time.time_point.uint64 == ledger.closed_at
        assert hashlib.sha256(ledger.header).hexdigest() == ledger.hash


def test_envelopes_are_real_and_their_hash_is_the_transactions(world):
    play(world)
    for transaction in world.chain.transactions.values():
        text = scval.text(transaction.envelope)
        assert TransactionEnvelope.from_xdr(text, "test").hash().hex() == transaction.hash
        assert xdr.TransactionEnvelope.from_xdr(text).to_xdr() == text


def test_the_envelope_tells_who_really_signed(world):
    ledger = play(world)
    envelope = TransactionEnvelope.from_xdr(
        scval.text(ledger.transactions[0].envelope), "test"
    ).transaction
    assert envelope.source.account_id == world.cast.employers[0]
    assert envelope.operations[0].auth[0].root_invocation.sub_invocations == []


def test_what_others_submit_is_signed_by_whoever_acts(world):
    world.close(world.create(0), world.create(1), world.create(2), world.create(3))
    employer, relayer = world.cast.employers[0], world.cast.treasury
    router = world.cast.router_id
    world.close([Call("set_delegate", (employer, 3, router))])
    ledger = world.close(
        [Call("pause_stream", (employer, 1), BY_ENTRY)],
        [Call("pause_stream", (employer, 2), IN_FEE_BUMP)],
        [Call("pause_stream", (router, 3), BY_CONTRACT)],
        [Call("pause_stream", (relayer, 4), IN_FEE_BUMP)],
    )
    texts = [scval.text(each.envelope) for each in ledger.transactions]
    for text, transaction in zip(texts, ledger.transactions, strict=True):
        outer = TransactionBuilder.from_xdr(text, "test")
        assert outer.hash().hex() == transaction.hash
        assert xdr.TransactionResult.from_xdr_bytes(transaction.result).to_xdr_bytes() == (
            transaction.result
        )
    assert [each.failed for each in ledger.transactions] == [False, False, False, True]
    relayed = TransactionEnvelope.from_xdr(texts[0], "test").transaction
    assert relayed.source.account_id == relayer
    signer = relayed.operations[0].auth[0].credentials.address
    assert Address.from_xdr_sc_address(signer.address).address == employer
    bumped = FeeBumpTransactionEnvelope.from_xdr(texts[1], "test").transaction
    assert bumped.fee_source.account_id == relayer
    assert bumped.inner_transaction_envelope.transaction.source.account_id == employer
    called = TransactionEnvelope.from_xdr(texts[2], "test").transaction.operations[0]
    assert called.auth == []
    root = called.host_function.invoke_contract.contract_address
    assert Address.from_xdr_sc_address(root).address == router


def test_the_close_meta_holds_every_event(world):
    ledger = world.close(world.create(0))
    meta = xdr.LedgerCloseMeta.from_xdr_bytes(ledger_xdr.close_meta(ledger))
    assert meta.to_xdr_bytes() == ledger_xdr.close_meta(ledger)
    assert meta.v2 is not None
    assert meta.v2.ledger_header.hash.hash.hex() == ledger.hash
    (processed,) = meta.v2.tx_processing
    assert processed.result.transaction_hash.hash.hex() == ledger.transactions[0].hash
    stored = processed.tx_apply_processing.v4.operations[0].events
    assert [event.to_xdr_bytes() for event in stored] == [
        ledger_xdr.contract_event(event) for event in ledger.transactions[0].events
    ]


def test_a_refused_transaction_fails_on_chain_without_events(world):
    world.close(world.create())
    ledger = world.close(world.call("resume_stream"))
    (transaction,) = ledger.transactions
    assert transaction.failed
    assert transaction.events == ()
    result = xdr.TransactionResult.from_xdr_bytes(transaction.result)
    assert result.result.code is xdr.TransactionResultCode.txFAILED
    meta = xdr.LedgerCloseMeta.from_xdr_bytes(ledger_xdr.close_meta(ledger))
    assert meta.v2.tx_processing[0].tx_apply_processing.v4.operations == []


def test_events_have_their_place_in_transaction_and_operation(world):
    play(world)
    ids = [event.event_id for event in world.chain.events]
    assert ids == sorted(ids) == world.chain.event_ids
    ledger = FIRST_LEDGER + 1
    assert ids[4:7] == [
        event_id(ledger, 1, 0, 0),
        event_id(ledger, 1, 0, 1),
        event_id(ledger, 2, 0, 0),
    ]


def test_an_events_json_has_the_shape_of_stellar_rpc(world):
    ledger = world.close(world.create())
    event = ledger.transactions[0].events[1]
    assert json.loads(event.wire) == {
        "type": "contract",
        "ledger": FIRST_LEDGER,
        "ledgerClosedAt": "2027-01-15T08:00:05Z",
        "contractId": world.cast.contract_id,
        "id": event_id(FIRST_LEDGER, 1, 0, 1),
        "operationIndex": 0,
        "transactionIndex": 1,
        "txHash": ledger.transactions[0].hash,
        "inSuccessfulContractCall": True,
        "topic": list(event.topics),
        "value": event.value,
    }


def test_close_times_never_go_back(world):
    late = world.close()
    assert world.chain.close_ledger([], 5).closed_at == late.closed_at


def test_a_stopped_chain_goes_on_with_the_same_past(tmp_path, world):
    with open_chain(tmp_path) as first:
        world.chain = first
        play(world)
        hashes = [first.ledger(s).hash for s in range(GENESIS_LEDGER, first.latest.sequence + 1)]
        events, truth = first.events, (tmp_path / "truth.ndjson").read_bytes()
    with open_chain(tmp_path, genesis_at=5) as second:
        assert [second.ledger(GENESIS_LEDGER + i).hash for i in range(len(hashes))] == hashes
        assert second.events == events
        assert second.contract.state.streams == first.contract.state.streams
        assert (tmp_path / "truth.ndjson").read_bytes() == truth
        assert second.close_ledger([], world.now + 5).sequence == GENESIS_LEDGER + len(hashes)


@pytest.mark.parametrize("tail", [b"[1013,18", b"x" * 100_000])
def test_a_torn_last_line_is_a_ledger_that_never_closed(tmp_path, world, tail):
    with open_chain(tmp_path) as first:
        world.chain = first
        last = play(world)
    chain_file = tmp_path / "chain.ndjson"
    whole = chain_file.read_bytes()
    chain_file.write_bytes(whole + tail)
    (tmp_path / "truth.ndjson").write_bytes(b'{"event_id":"of a ledger nobody has')
    with open_chain(tmp_path) as second:
        assert second.latest.hash == last.hash
        assert chain_file.read_bytes() == whole
        assert len(read_truth(tmp_path / "truth.ndjson")) == second.contract_event_count


def test_a_chain_of_another_seed_or_network_is_not_continued(tmp_path):
    open_chain(tmp_path).shut()
    for other in ({"seed": 2}, {"passphrase": "another"}):
        with pytest.raises(StateMismatch, match="same options"):
            open_chain(tmp_path, **other)


def test_a_chain_that_comes_out_differently_is_not_continued(tmp_path, world):
    with open_chain(tmp_path) as first:
        world.chain = first
        play(world)
    chain_file = tmp_path / "chain.ndjson"
    chain_file.write_bytes(chain_file.read_bytes().replace(b"resume_stream", b"cancel_stream"))
    with pytest.raises(StateMismatch, match="does not come out"):
        open_chain(tmp_path)


def test_one_chain_has_one_writer(tmp_path):
    with open_chain(tmp_path), pytest.raises(StateMismatch, match="in use"):
        open_chain(tmp_path)


def test_what_is_older_than_retention_is_forgotten():
    chain = Chain(
        seed=1, streams=8, passphrase="test", genesis_at=1_800_000_000, retention_ledgers=50
    )
    cast = chain.cast
    from simulator.calls import Call

    terms = (cast.employers[0], cast.employees[0], cast.token_id, 10**6, 1, 0)
    chain.close_ledger([[Call("create_stream", terms)]], 1_800_000_005)
    assert chain.event_ids
    for _ in range(1_050):
        chain.close_ledger([], 1_800_000_005)
    assert chain.oldest.sequence == chain.latest.sequence - 49
    assert chain.events == []
    assert chain.event_ids == []
    assert chain.transactions == {}
    assert chain.contract.state.streams
