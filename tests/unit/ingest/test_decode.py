"""A page as the RPC writes it becomes contract events with evidence; what is broken is kept apart."""

import hashlib
import json

import msgspec
import pytest
from stellar_sdk import scval

from ingest.cursors import window_end
from ingest.decode import decode_page
from ingest.errors import RpcUnavailable
from tests.fakes import chain, fake_rpc
from tests.fakes.fake_rpc import paused, raw, result, wire_event


def page_of(*events, **other):
    return decode_page(json.dumps(result(events, **other)).encode(), source="here", seen_at=5)


def only(**changes):
    """The one event of a page, made of a pause with these fields changed."""
    (event,) = page_of(paused(42) | changes).events
    return event


def without(name):
    """The one event of a page, made of a pause without this field."""
    event = paused(42)
    del event[name]
    return page_of(event).events[0]


def test_an_event_is_read_whole():
    (event,) = page_of(paused(42, 3)).events
    wire = paused(42, 3)
    assert event.event_id == chain.event_id(42, 3)
    assert event.type == "contract"
    assert event.contract_id == chain.CONTRACT
    assert event.ledger == 42
    assert event.closed_at == chain.GENESIS + 42 * 5
    assert event.tx_hash == f"{42:064x}"
    assert event.topics == [raw(topic) for topic in wire["topic"]]
    assert event.value == raw(wire["value"])
    assert event.defect is None


def test_a_page_says_where_it_ends_and_what_the_node_has():
    page = page_of(paused(42))
    assert page.cursor == window_end(100)
    assert (page.oldest_ledger, page.latest_ledger) == (1, 100)
    assert page.oldest_closed_at == chain.GENESIS + 5
    assert page.latest_closed_at == chain.GENESIS + 500
    assert (page.source, page.seen_at) == ("here", 5)


def test_evidence_is_the_array_of_what_the_chain_said_and_nothing_else():
    (event,) = page_of(paused(42)).events
    assert msgspec.msgpack.decode(event.evidence_bytes) == [
        chain.event_id(42),
        "contract",
        chain.CONTRACT,
        42,
        chain.GENESIS + 210,
        f"{42:064x}",
        event.topics,
        event.value,
    ]
    assert event.sha256 == hashlib.sha256(event.evidence_bytes).digest()


def test_the_bytes_of_evidence_never_change():
    """Stored hashes and published checkpoints rest on these bytes."""
    assert only().sha256.hex() == GOLDEN_SHA256
    assert only().evidence_bytes.hex() == GOLDEN_BYTES


def test_what_only_one_server_tells_is_not_in_the_evidence():
    old, new = paused(42), paused(42)
    del new["inSuccessfulContractCall"]  # absent from stellar-rpc 30 on
    new["transactionIndex"] = 9
    assert page_of(old).events[0].evidence_bytes == page_of(new).events[0].evidence_bytes


def test_an_event_without_topics_reads_like_any_other():
    event = wire_event(42, value=scval.to_uint32(1))
    assert "topic" not in event
    (found,) = page_of(event).events
    assert (found.topics, found.defect) == ([], None)


def test_events_come_in_id_order():
    page = page_of(paused(43), paused(42, 1), paused(42))
    assert [event.event_id for event in page.events] == [
        chain.event_id(42),
        chain.event_id(42, 1),
        chain.event_id(43),
    ]


@pytest.mark.parametrize("text", ["2026-07-21T18:01:10Z", "2026-07-21T18:01:10.999Z"])
def test_close_times_are_whole_unix_seconds(text):
    assert only(ledgerClosedAt=text).closed_at == 1_784_656_870


@pytest.mark.parametrize(
    ("changes", "defect"),
    [
        ({"id": "junk"}, "event id: 'junk' is not 19 digits"),
        ({"id": chain.event_id(42)[:-1] + "x"}, "is not 19 digits"),
        ({"id": "9" * 19 + "-" + "0" * 10}, "beyond the last place"),
        ({"id": chain.event_id(42)[:20] + "9" * 10}, "beyond the last place"),
        ({"id": chain.event_id(41, 5)}, "says ledger 41, the event says 42"),
        ({"ledger": 43}, "says ledger 42, the event says 43"),
        ({"ledgerClosedAt": "yesterday"}, "close time 'yesterday' is not RFC 3339"),
        ({"ledgerClosedAt": "2026-07-21T18:01:10"}, "is not RFC 3339"),
        ({"contractId": ""}, "contract id '' is not a contract's strkey"),
        ({"contractId": chain.EMPLOYER}, "is not a contract's strkey"),
        ({"txHash": "ab"}, "tx hash 'ab' is not 64 hex characters"),
        ({"txHash": "g" * 64}, "is not 64 hex characters"),
        ({"value": "AAAA*"}, "does not read: Invalid base64"),
        ({"topic": ["AAAADwAAAAZwYXVzZWQAAA==", "AAA"]}, "does not read: Invalid base64"),
        ({"topic": "paused"}, "does not read"),
        ({"topic": None}, "does not read"),
        ({"value": 7}, "does not read"),
        ({"ledger": "42"}, "does not read"),
        ({"ledger": -1}, "does not read"),
        ({"ledger": 2**70}, "does not read"),
        ({"contractId": {"C": 1}}, "does not read"),
    ],
)
def test_a_broken_event_is_kept_with_its_defect_and_spares_the_page(changes, defect):
    page = page_of(paused(41), paused(42) | changes, paused(43))
    good = [event.event_id for event in page.events if event.defect is None]
    assert good == [chain.event_id(41), chain.event_id(43)]
    (bad,) = [event for event in page.events if event.defect is not None]
    assert defect in bad.defect
    assert bad.sha256 == hashlib.sha256(bad.evidence_bytes).digest()


def test_evidence_of_a_broken_event_keeps_the_raw_text_in_its_place():
    good = msgspec.msgpack.decode(only().evidence_bytes)
    broken = only(
        ledger="x", ledgerClosedAt="soon", value="AAAA*", topic=["AAAADwAAAAZwYXVzZWQAAA==", "?"]
    )
    kept = msgspec.msgpack.decode(broken.evidence_bytes)
    assert kept[:3] == good[:3]
    assert kept[3:5] == ['"x"', "soon"]
    assert kept[5:] == [good[5], [good[6][0], "?"], "AAAA*"]


def test_a_field_that_is_missing_is_empty_in_the_evidence_and_a_defect():
    for name in ("type", "ledger", "ledgerClosedAt", "contractId", "txHash", "value"):
        assert f"missing required field `{name}`" in without(name).defect


@pytest.mark.parametrize("event_id", [None, "", 7])
def test_an_event_without_an_id_cannot_be_kept_so_the_page_is_fetched_again(event_id):
    with pytest.raises(RpcUnavailable, match=r"an event has no id|does not read"):
        page_of(paused(42) | {"id": event_id})


def test_an_id_that_no_database_takes_makes_the_page_be_fetched_again():
    with pytest.raises(RpcUnavailable, match="cannot be kept"):
        page_of(paused(42) | {"id": "a\0b"})


@pytest.mark.parametrize("changes", [{}, {"ledger": "x"}])
def test_nul_in_a_contract_id_stays_in_the_evidence_only(changes):
    event = only(contractId="C\0", **changes)
    assert event.contract_id == "C"
    assert event.defect is not None
    assert msgspec.msgpack.decode(event.evidence_bytes)[2] == "C\0"


@pytest.mark.parametrize("closed_at", ["9" * 20, "-1", "9" * 5000])
def test_a_close_time_beyond_all_calendars_is_no_page(closed_at):
    with pytest.raises(RpcUnavailable, match="does not read"):
        page_of(paused(42), latestLedgerCloseTime=closed_at)


def test_an_event_from_before_1970_is_a_defect():
    assert "close time" in only(ledgerClosedAt="0001-01-01T00:00:00Z").defect


def test_two_events_under_one_id_are_no_page():
    with pytest.raises(RpcUnavailable, match="two events under one id"):
        page_of(paused(42), paused(42, stream_id=8))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"events":' + b"[" * 100_000,
        b'\xff{"events":[]}',
        json.dumps(result([], cursor="junk")).encode(),
        json.dumps(result([], latestLedger=None)).encode(),
        json.dumps(result([], latestLedgerCloseTime="now")).encode(),
        json.dumps(result([7])).encode(),
    ],
)
def test_what_is_no_page_is_fetched_again(text):
    with pytest.raises(RpcUnavailable, match="here"):
        decode_page(text, source="here", seen_at=5)


def test_close_times_of_the_node_may_be_numbers():
    assert page_of(latestLedgerCloseTime=1_784_670_851).latest_closed_at == 1_784_670_851


def test_the_fake_prints_close_times_as_the_rpc_does():
    assert fake_rpc.closed_at_text(0) == "2026-07-21T17:30:00Z"


GOLDEN_BYTES = (
    "98be303030303030303138303338383633303532382d30303030303030303030a8636f6e7472616374d93843"
    "444c5a46433353594a59445a54374b3637565a373548504a56494555564e49584634375a4732464232524d51"
    "51565532484847435953432ace6a5fad6ad94030303030303030303030303030303030303030303030303030"
    "30303030303030303030303030303030303030303030303030303030303030303030303030326192c4100000"
    "000f000000067061757365640000c40c000000050000000000000007c4700000001000000001000000030000"
    "0012000000000000000062fc1d0bd091b2b61c0dd656346b2a68d7d347c6f2c2c8ee6d04470256fc05f70000"
    "00120000000000000000019472628ee78eb92714d22d0390963c24d927ea009999486e891fac2daa9c210000"
    "0005000000006a5fad6a"
)
GOLDEN_SHA256 = "c49f35fbf3d7db7e12f60cb366abfc0faef28bfbcc681699b89a76c3a7a4f761"
