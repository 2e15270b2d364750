"""getLedgers and the ledgers of other rules, read back with the SDK."""

from hashlib import sha256

import pytest
from stellar_sdk import xdr

from simulator.chain import FIRST_LEDGER, GENESIS_LEDGER, Chain
from simulator.errors import RpcFailure
from simulator.ledger import LAST_OPERATION, LAST_TRANSACTION, Rules, event_id
from simulator.ledger_query import get_ledgers
from simulator.ledger_xdr import close_meta
from tests.unit.simulator.conftest import GENESIS_AT, World

STAGES = xdr.TransactionEventStage


@pytest.fixture
def with_fees():
    rules = Rules(fees=True)
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=GENESIS_AT, rules=rules) as chain:
        yield World(chain)


def ask(world, **params):
    return get_ledgers(
        world.chain, params, world.chain.latest, world.chain.oldest, world.chain.oldest.sequence
    )


def sequences(answer):
    return [each["sequence"] for each in answer["ledgers"]]


def test_pages_go_on_behind_the_cursor_to_the_newest_ledger(world):
    world.close(world.create())
    first = ask(world, startLedger=GENESIS_LEDGER, pagination={"limit": 6})
    assert sequences(first) == list(range(GENESIS_LEDGER, GENESIS_LEDGER + 6))
    second = ask(world, pagination={"cursor": first["cursor"]})
    assert sequences(second) == list(range(GENESIS_LEDGER + 6, FIRST_LEDGER + 1))
    assert (second["oldestLedger"], second["latestLedger"]) == (GENESIS_LEDGER, FIRST_LEDGER)


def test_each_ledger_reads_with_the_sdk_and_is_chained_by_its_hash(world):
    world.close(world.create())
    ledgers = ask(world, startLedger=GENESIS_LEDGER, pagination=None)["ledgers"]
    previous = None
    for each in ledgers:
        meta = xdr.LedgerCloseMeta.from_xdr(each["metadataXdr"]).v2
        entry = xdr.LedgerHeaderHistoryEntry.from_xdr(each["headerXdr"])
        assert meta.ledger_header == entry
        assert sha256(entry.header.to_xdr_bytes()).hexdigest() == each["hash"]
        assert entry.header.ledger_seq.uint32 == each["sequence"]
        assert previous in (None, entry.header.previous_ledger_hash.hash.hex())
        previous = each["hash"]


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({}, -32600, "start ledger (0) must be between the oldest ledger: 1000 and the latest"),
        ({"startLedger": 999}, -32600, "start ledger (999) must be between"),
        ({"startLedger": 5000, "pagination": {}}, -32600, "the latest ledger: 1009 for this rpc"),
        (
            {"startLedger": 1000, "pagination": {"limit": 201}},
            -32600,
            "limit must not exceed 200",
        ),
        (
            {"startLedger": 1000, "pagination": {"cursor": "1000"}},
            -32600,
            "startLedger (1000) and cursor (1000) cannot both be set",
        ),
        ({"pagination": {"cursor": "1009"}}, -32602, "cursor ('1009') must be between"),
        ({"pagination": {"cursor": "x"}}, -32602, "invalid syntax"),
        ({"startLedger": 1000, "xdrFormat": "xml"}, -32600, "got 'xml': expected base64, json"),
    ],
)
def test_what_the_server_refuses_is_refused_in_its_words(world, params, code, words):
    with pytest.raises(RpcFailure) as refused:
        ask(world, **params)
    assert refused.value.code == code
    assert words in refused.value.message


def test_fees_stand_at_the_ends_of_a_ledger_s_numbers(with_fees):
    world = with_fees
    world.close(world.create())
    ledger = world.close(world.create(1), world.create(2), world.call("resume_stream", 1))
    native = [event for event in ledger.events() if event.contract_id == world.cast.native_id]
    number = ledger.sequence
    assert [event.event_id for event in native] == [
        event_id(number, 0, 0, 0),
        event_id(number, 0, 0, 1),
        event_id(number, 0, 0, 2),
        event_id(number, 1, LAST_OPERATION, 0),
        event_id(number, 3, LAST_OPERATION, 0),
        event_id(number, LAST_TRANSACTION, 0, 0),
    ]
    assert world.chain.event_ids == sorted(world.chain.event_ids)
    meta = xdr.LedgerCloseMeta.from_xdr_bytes(close_meta(ledger)).v2
    stages = [
        [event.stage for event in each.tx_apply_processing.v4.events] for each in meta.tx_processing
    ]
    before, after_tx, after_all = STAGES
    assert stages == [[before, after_tx], [before, after_all], [before, after_tx]]
    assert ledger.transactions[2].failed
    assert b'"inSuccessfulContractCall":false' in ledger.transactions[2].fees[0].event.wire


def test_a_header_of_protocol_30_is_beyond_the_sdk(world):
    rules = Rules(protocol=30)
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=GENESIS_AT, rules=rules) as chain:
        ledger = World(chain).close()
    with pytest.raises(ValueError, match="3 is not a valid StellarValueType"):
        xdr.LedgerHeader.from_xdr_bytes(ledger.header)
    assert sha256(ledger.header).hexdigest() == ledger.hash
