"""Entries as the SDK writes them, read by the profile's layout; and all that is not such an entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import scval, xdr

from ingest.errors import Undecodable
from ingest.instance import instance_key
from ingest.reconcile.keys import entry_value, stream_key
from ingest.reconcile.stored import (
    StoredContract,
    StoredPause,
    StoredStream,
    read_contract,
    read_pauses,
    read_stream,
    wasm_of,
)
from tests.fakes import chain, kept
from tests.fakes.kept import LAYOUT, entry_xdr, ledger_key, record, stream, variant

STREAM = variant("Stream", 7)
PAUSES = variant("PauseHistory", 7)
LATEST = kept.second(100)


@pytest.mark.parametrize("name", ["Stream", "PauseHistory", "X", "Four", "A" * 32])
@pytest.mark.parametrize("stream_id", [0, 7, 2**64 - 1])
def test_a_streams_key_is_the_one_that_the_sdk_makes(name, stream_id):
    assert stream_key(chain.CONTRACT, name, stream_id) == ledger_key(variant(name, stream_id))


def of_stream(value: xdr.SCVal) -> StoredStream:
    return read_stream(LAYOUT.stream, ledger_key(STREAM), entry_xdr(STREAM, value))


def of_pauses(*records: xdr.SCVal) -> list[StoredPause]:
    value = scval.to_vec(list(records))
    return read_pauses(
        LAYOUT.pauses, ledger_key(PAUSES), entry_xdr(PAUSES, value), stream_id=7, latest=LATEST
    )


def of_contract(value: xdr.SCVal, layout=LAYOUT) -> StoredContract:
    key = instance_key(chain.CONTRACT)
    return read_contract(layout, key, entry_xdr(kept.INSTANCE, value))


@pytest.mark.parametrize("status", ["Active", "Paused", "Cancelled", "Exhausted"])
def test_a_stream_is_read(status):
    found = of_stream(stream(status))
    assert found == (status.lower(), chain.EMPLOYER, chain.EMPLOYEE)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (scval.to_uint32(1), "Stream is a u32, not a map"),
        (stream(status=scval.to_enum("Frozen", None)), "status is no status that we know"),
        (stream(status=scval.to_symbol("Paused")), "status is a symbol, not a vec"),
        (stream(employee=scval.to_void()), "employee is a void, not a address"),
        (scval.to_struct({"id": scval.to_uint64(7)}), "no status"),
        (scval.to_map({}), "no status"),
    ],
)
def test_a_stream_of_another_shape_is_named(value, fault):
    with pytest.raises(Undecodable, match=fault):
        of_stream(value)


def test_records_are_read_in_their_order():
    found = of_pauses(record(10), record(12, is_pause=False), record(12))
    assert found == [
        (True, kept.second(10), 0),
        (False, kept.second(12), 1),
        (True, kept.second(12), 2),
    ]
    assert of_pauses() == []


@pytest.mark.parametrize(
    ("records", "fault"),
    [
        ([record(10, stream_id=8)], "record 0 of PauseHistory is of stream 8"),
        ([record(10), record(9, is_pause=False)], "record 1 of PauseHistory is before the one"),
        ([record(10), record(101)], "record 1 of PauseHistory is in the future"),
        ([record(10, timestamp=scval.to_uint64(2**64 - 1))], "record 0 of .* is in the future"),
        ([record(10, timestamp=scval.to_int64(-1))], "timestamp is a i64, not a u64"),
        ([record(10, is_pause=scval.to_uint32(1))], "is_pause is a u32, not a bool"),
        ([record(10), scval.to_void()], "record 1 of PauseHistory is a void, not a map"),
    ],
)
def test_records_that_cannot_be_are_named(records, fault):
    with pytest.raises(Undecodable, match=fault):
        of_pauses(*records)


def test_a_history_that_is_no_vector_is_named():
    raw = entry_xdr(PAUSES, scval.to_map({}))
    with pytest.raises(Undecodable, match="PauseHistory is a map, not a vec"):
        read_pauses(LAYOUT.pauses, ledger_key(PAUSES), raw, stream_id=7, latest=LATEST)


@pytest.mark.parametrize("paused", [True, False])
def test_a_contract_is_read(paused):
    assert of_contract(kept.instance(paused=paused, streams=9)) == (paused, 9)


@pytest.mark.parametrize(("told", "expected"), [(True, True), (False, False), (None, False)])
def test_openzeppelins_flag_may_be_absent(told, expected):
    flag = {} if told is None else {"Paused": scval.to_bool(told)}
    value = kept.instance(Config=None, StreamCount=None, **flag)
    assert of_contract(value, kept.OPENZEPPELIN.default.storage) == (expected, None)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (scval.to_void(), "a void stands where the contract's instance should"),
        (kept.instance(Config=None), "no Config"),
        (kept.instance(Config=scval.to_bool(True)), "Config is a bool, not a map"),
        (kept.instance(Config=scval.to_struct({"x": scval.to_void()})), "no paused"),
        (kept.instance(StreamCount=scval.to_uint32(1)), "StreamCount is a u32, not a u64"),
        (kept.instance(StreamCount=None), "no StreamCount"),
    ],
)
def test_a_contract_of_another_shape_is_named(value, fault):
    with pytest.raises(Undecodable, match=fault):
        of_contract(value)


@pytest.mark.parametrize(("wasm", "expected"), [(kept.WASM, kept.WASM.hex()), (None, None)])
def test_the_code_that_runs_is_known(wasm, expected):
    raw = entry_xdr(kept.INSTANCE, kept.instance(wasm=wasm))
    assert wasm_of(instance_key(chain.CONTRACT), raw) == expected


def test_an_entry_under_another_key_is_refused():
    with pytest.raises(Undecodable, match="another key"):
        entry_value(ledger_key(variant("Stream", 8)), entry_xdr(STREAM, stream()))


@given(st.data())
def test_bytes_that_were_cut_or_changed_raise_nothing_else(data):
    raw = bytearray(entry_xdr(PAUSES, scval.to_vec([record(10), record(11, is_pause=False)])))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_pauses(
            LAYOUT.pauses, ledger_key(PAUSES), bytes(raw), stream_id=7, latest=LATEST
        )
    except Undecodable:
        return
    assert all(each.at <= LATEST for each in found)
