"""Contract events in words, and what a profile makes of them."""

import json

from stellar_sdk import scval, xdr

from ingest.decode import decode_page
from ingest.profiles.loader import load_profile
from ingest.profiles.shapes import Profile
from ingest.reading import Kind, Reader, in_words, kind_of
from tests.fakes import chain, fake_rpc
from tests.fakes.fake_rpc import paused, wire_event

PAYSTREAM = load_profile("paystream")
WASM = "ab" * 32


def decoded(*told):
    return decode_page(json.dumps(fake_rpc.result(told)).encode(), source="rpc", seen_at=5).events


def upgraded(ledger):
    name = scval.to_symbol("executable_update")
    code = scval.to_vec([scval.to_symbol("Wasm"), scval.to_bytes(bytes.fromhex(WASM))])
    return wire_event(ledger, topics=[name, code, code], value=scval.to_vec([]), type="system")


def test_an_understood_event_says_its_fact_and_what_it_tells():
    (event,) = decoded(paused(42))
    reading = Reader(PAYSTREAM).read(event)
    assert (reading.outcome, reading.reason, reading.fact) == ("applied", None, "StreamPaused")
    assert reading.fields == {
        "stream_id": "7",
        "employer": chain.EMPLOYER,
        "employee": chain.EMPLOYEE,
        "stated_at": str(chain.GENESIS + 210),
    }
    assert reading.says.startswith(f"StreamPaused stream_id=7, employer={chain.EMPLOYER}")
    assert kind_of(reading) == Kind("contract", "paused", 2, "applied", "StreamPaused")


def test_an_event_of_no_concern_and_one_not_understood_say_why():
    fee = wire_event(42, topics=[scval.to_symbol("fee_col"), scval.to_uint64(1)])
    odd = wire_event(43, topics=[scval.to_symbol("paused"), scval.to_uint64(1)])
    bare = wire_event(44)
    ignored, quarantined, topicless = (
        Reader(PAYSTREAM).read(each) for each in decoded(fee, odd, bare)
    )
    assert ignored.says == "ignored: listed as of no concern"
    assert quarantined.outcome == "quarantined"
    assert "another shape" in quarantined.says
    assert kind_of(topicless).name == "-"


def test_an_upgrade_changes_how_the_events_behind_it_read():
    host_only = load_profile("openzeppelin-pausable").default
    switched = Profile("two@1", PAYSTREAM.default, {WASM: host_only})
    before, upgrade, after = decoded(paused(41), upgraded(42), paused(43))
    reader = Reader(switched)
    assert [reader.read(each).outcome for each in (before, upgrade, after)] == [
        "applied",
        "applied",
        "ignored",
    ]
    assert Reader(switched, WASM).read(before).outcome == "ignored"


def test_values_are_told_in_words():
    def words(value: xdr.SCVal) -> str:
        return in_words(value.to_xdr_bytes())

    assert words(scval.to_uint64(7)) == "u64 7"
    assert words(scval.to_void()) == "void"
    assert words(scval.to_bytes(b"\x01\xff")) == "bytes 01ff"
    assert words(scval.to_vec([scval.to_bool(True), scval.to_symbol("a")])) == (
        "vec[bool True, symbol a]"
    )
    assert words(scval.to_map({scval.to_symbol("k"): scval.to_int128(-1)})) == (
        "map{symbol k: i128 -1}"
    )
    assert in_words(b"\x00").startswith("unreadable: ")
