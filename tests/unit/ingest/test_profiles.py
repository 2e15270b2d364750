"""Profile files: what they may say, and how a wrong one is named."""

import json
import textwrap

import pytest
from stellar_sdk import scval

from domain import facts
from ingest.decode import decode_page
from ingest.errors import ProfileInvalid
from ingest.profiles.compiler import FACTS
from ingest.profiles.fields import TYPES
from ingest.profiles.loader import load_profile, packaged_profiles, profile_names
from ingest.translate import Applied, Quarantined, translate
from tests.fakes import chain
from tests.fakes.fake_rpc import result, wire_event

STOP = "{event: stop, scope: contract, data: {value: void}, set: {paused: true}, fact: ContractPauseSet}"
OLD, NEW = "aa" * 32, "bb" * 32


def profile(tmp_path, text):
    (tmp_path / "flow.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    return load_profile("flow", tmp_path)


def one_event(tmp_path, **entry):
    """A profile with one event, a good one but for what is given."""
    good = {
        "event": "stopped",
        "scope": "stream",
        "topics": [{"stream_id": "u64"}],
        "data": {"vec": [{"employer": "address"}, "u32"]},
        "fact": "StreamPaused",
    }
    written = {key: value for key, value in (good | entry).items() if value is not None}
    return profile(tmp_path, json.dumps({"version": 3, "events": [written]}))


def told(name, *topics, value):
    wire = wire_event(42, topics=[scval.to_symbol(name), *topics], value=value)
    return decode_page(json.dumps(result([wire])).encode(), source="", seen_at=1).events[0]


def test_the_packaged_profiles_load_and_the_hosts_events_are_no_profile():
    names = profile_names(packaged_profiles())
    assert names == [
        "flowfi",
        "fluxora",
        "fluxora-factory",
        "fundable",
        "openzeppelin-pausable",
        "paystream",
        "stellarstream-v1",
        "stellarstream-v2",
    ]
    assert [load_profile(name).label for name in names] == [f"{name}@1" for name in names]


def test_an_unknown_profile_is_named_with_those_there_are():
    with pytest.raises(ProfileInvalid, match=r"fluxor.yaml.*fluxora, .*, paystream"):
        load_profile("fluxor")


def test_values_that_are_not_named_are_checked_and_not_kept(tmp_path):
    flow = one_event(tmp_path)
    seven, employer = scval.to_uint64(7), scval.to_address(chain.EMPLOYER)
    fits = told("stopped", seven, value=scval.to_vec([employer, scval.to_uint32(9)]))
    assert translate(flow, fits) == Applied(
        facts.StreamPaused(**chain.place(42), stream_id=7, employer=chain.EMPLOYER), "flow@3"
    )
    other = told("stopped", seven, value=scval.to_vec([employer, seven]))
    assert isinstance(translate(flow, other), Quarantined)


@pytest.mark.parametrize("kind", ["i32", "i64", "u128", "u256", "i256"])
def test_a_number_that_no_fact_has_room_for_can_be_checked_but_not_kept(tmp_path, kind):
    one_event(tmp_path, data={"value": kind})
    with pytest.raises(ProfileInvalid, match="stated_at takes"):
        one_event(tmp_path, data={"value": {"stated_at": kind}})


@pytest.mark.parametrize("kind", ["string", "symbol"])
def test_text_that_no_database_takes_is_another_shape(tmp_path, kind):
    flow = one_event(tmp_path, data={"value": {"employer": kind}})
    make = getattr(scval, f"to_{kind}")
    seven = scval.to_uint64(7)
    assert isinstance(translate(flow, told("stopped", seven, value=make("ana"))), Applied)
    assert isinstance(translate(flow, told("stopped", seven, value=make("a\0b"))), Quarantined)


def test_a_map_is_read_by_its_keys_and_an_optional_one_may_be_absent(tmp_path):
    flow = one_event(
        tmp_path,
        data={
            "map": {
                "sender": {"employer": "address"},
                "paused_at": {"stated_at": "optional u64"},
                "reason": "optional string",
            }
        },
    )
    sender = (scval.to_symbol("sender"), scval.to_address(chain.EMPLOYER))
    at = (scval.to_symbol("paused_at"), scval.to_uint64(5))

    def fact_of(*pairs):
        found = translate(
            flow, told("stopped", scval.to_uint64(7), value=scval.to_map(dict(pairs)))
        )
        return getattr(found, "fact", None)

    whole = facts.StreamPaused(**chain.place(42), stream_id=7, employer=chain.EMPLOYER, stated_at=5)
    assert fact_of(sender, at) == whole
    assert fact_of(sender).stated_at is None
    assert fact_of(sender, (scval.to_symbol("paused_at"), scval.to_void())).stated_at is None
    assert fact_of(at) is None
    as_tuple = told("stopped", scval.to_uint64(7), value=scval.to_vec([scval.to_void()]))
    assert isinstance(translate(flow, as_tuple), Quarantined)
    assert fact_of(sender, (scval.to_symbol("surprise"), scval.to_void())) is None
    assert fact_of(sender, (scval.to_string("paused_at"), scval.to_uint64(5))) is None


def test_a_topic_can_be_one_very_symbol(tmp_path):
    flow = one_event(tmp_path, topics=["symbol held", {"stream_id": "u64"}], data={"value": "void"})
    seven = scval.to_uint64(7)

    def outcome(topic):
        return type(translate(flow, told("stopped", topic, seven, value=scval.to_void())))

    assert outcome(scval.to_symbol("held")) is Applied
    assert outcome(scval.to_symbol("helped")) is outcome(scval.to_string("held")) is Quarantined


def test_symbols_tell_two_events_of_one_name_apart(tmp_path):
    entry = (
        "{{event: x, scope: contract, topics: [symbol {}], data: {{value: void}},"
        " set: {{paused: {}}}, fact: ContractPauseSet}}"
    )
    events = f"{entry.format('on', 'false')}, {entry.format('off', 'true')}"
    flow = profile(tmp_path, f"{{version: 1, events: [{events}]}}")
    found = [
        translate(flow, told("x", scval.to_symbol(name), value=scval.to_void())).fact.paused
        for name in ("on", "off")
    ]
    assert found == [False, True]


def test_whatever_stands_in_a_place_may_be_passed_over(tmp_path):
    flow = one_event(tmp_path, data={"vec": ["any", "vec", "optional any"]})
    seven = scval.to_uint64(7)

    def outcome(*values):
        return type(translate(flow, told("stopped", seven, value=scval.to_vec(list(values)))))

    empty = scval.to_vec([])
    assert outcome(seven, empty, scval.to_map({})) is outcome(empty, empty, empty) is Applied
    assert outcome(seven, seven, seven) is outcome(seven, empty) is Quarantined


def test_a_map_may_have_further_keys_where_the_profile_says_so(tmp_path):
    whole = {"sender": {"employer": "address"}, "...": "any"}
    flow = one_event(tmp_path, data={"map": whole})
    pairs = {
        scval.to_symbol("added_later"): scval.to_uint64(1),
        scval.to_symbol("sender"): scval.to_address(chain.EMPLOYER),
    }
    seven = scval.to_uint64(7)
    found = translate(flow, told("stopped", seven, value=scval.to_map(pairs)))
    assert found.fact.employer == chain.EMPLOYER
    del pairs[scval.to_symbol("sender")]
    lacking = told("stopped", seven, value=scval.to_map(pairs))
    assert isinstance(translate(flow, lacking), Quarantined)


def test_fields_may_come_in_any_order_and_be_set_outright(tmp_path):
    flow = one_event(
        tmp_path,
        topics=[{"stated_at": "u64"}, {"stream_id": "u64"}],
        data={"value": "void"},
        set={"employee": "G-known"},
    )
    event = told("stopped", scval.to_uint64(1), scval.to_uint64(2), value=scval.to_void())
    fact = translate(flow, event).fact
    assert (fact.stated_at, fact.stream_id, fact.employee) == (1, 2, "G-known")


def test_text_that_is_not_utf8_fits_no_text_field(tmp_path):
    flow = one_event(tmp_path, data={"value": {"employer": "string"}})
    seven = scval.to_uint64(7)
    assert isinstance(
        translate(flow, told("stopped", seven, value=scval.to_string("acme"))), Applied
    )
    broken = told("stopped", seven, value=scval.to_string(b"\xff"))
    assert isinstance(translate(flow, broken), Quarantined)


def test_bytes_become_hex(tmp_path):
    flow = one_event(tmp_path, data={"value": {"employer": "bytes"}})
    found = translate(flow, told("stopped", scval.to_uint64(7), value=scval.to_bytes(b"\x01\xff")))
    assert found.fact.employer == "01ff"


def test_a_section_for_a_wasm_hash_replaces_the_lists(tmp_path):
    flow = profile(
        tmp_path,
        f"""
        version: 1
        events:
          - {STOP}
        of_no_concern:
          - {{event: noise, arity: 1}}
        wasm:
          - hashes: ["{NEW}"]
            events:
              - {{event: stop, scope: contract, data: {{value: {{paused: bool}}}}, fact: ContractPauseSet}}
        """,
    )
    old, new = told("stop", value=scval.to_void()), told("stop", value=scval.to_bool(data=True))
    noise = told("noise", value=scval.to_void())

    def outcomes(wasm):
        return [type(translate(flow, each, wasm)).__name__ for each in (old, new, noise)]

    assert outcomes(None) == outcomes(OLD) == ["Applied", "Quarantined", "Ignored"]
    assert outcomes(NEW) == ["Quarantined", "Applied", "Quarantined"]


@pytest.mark.parametrize(
    ("entry", "field", "fix"),
    [
        ({"fact": "StreamMelted"}, "fact", "give one of StreamCreated, StreamPaused"),
        ({"fact": None}, "-", "missing required field `fact`"),
        ({"scope": "contract"}, "scope", "StreamPaused is about a stream: write stream"),
        ({"scope": "world"}, "scope", "Invalid enum value 'world'"),
        ({"topics": [{"stream_id": "u65"}]}, "topics[0]", "'u65' is not a type: give one of bool"),
        ({"topics": [{"stream_id": "u64", "x": "u64"}]}, "topics[0]", "is not a type"),
        ({"topics": []}, "fact", "StreamPaused needs stream_id: name it, or set it"),
        ({"data": {}}, "data", "give one of {value: ...}, {vec: [...]}, {map: {...}}"),
        ({"data": {"vec": 5}}, "data", "give one of"),
        ({"data": {"value": "void", "vec": []}}, "data", "give one of"),
        ({"data": {"vec": [{"boss": "address"}]}}, "boss", "has no field 'boss': give one of empl"),
        ({"data": {"map": {"x": ["u64"]}}}, "data.map[x]", "['u64'] is not a type"),
        ({"data": {"map": {"...": "u64"}}}, "data.map[...]", "further keys may only be `any`"),
        ({"data": {"value": {"employer": "any"}}}, "employer", "not Unkept"),
        ({"data": {"value": {"employer": "symbol x"}}}, "data.value", "is not a type: give one of"),
        ({"data": {"value": {"stream_id": "u64"}}}, "stream_id", "it is given twice: keep one"),
        ({"data": {"value": {"employer": "u64"}}}, "employer", "not int"),
        ({"topics": [{"stream_id": "optional u64"}]}, "stream_id", "not NoneType"),
        ({"set": {"stated_at": "soon"}}, "stated_at", "not str"),
        ({"shape": 1}, "-", "unknown field `shape`"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place_and_the_way_out(tmp_path, entry, field, fix):
    with pytest.raises(ProfileInvalid) as caught:
        one_event(tmp_path, **entry)
    assert (caught.value.file, caught.value.event) == ("flow.yaml", "event 1 (stopped)")
    assert caught.value.field == field
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("[]", "Expected `object`"),
        ("events: []", "missing required field `version`"),
        ("{version: 0, events: []}", "Expected `int` >= 1"),
        ("{version: 1, events: [], extra: 1}", "unknown field `extra`"),
        ("{version: 1, events: [7]}", r"event 1 \(None\)"),
        ("{version: 1, events: [], unlisted: drop}", "Invalid enum value 'drop'"),
        ("{version: 1, events: [], wasm: [{hashes: [], events: []}]}", "length >= 1"),
        ("{version: 1, events: [], wasm: [{hashes: [XY], events: []}]}", "matching regex"),
    ],
)
def test_a_file_that_is_no_profile_is_named(tmp_path, text, complaint):
    with pytest.raises(ProfileInvalid, match=complaint) as caught:
        profile(tmp_path, text)
    assert caught.value.file == "flow.yaml"


def test_two_entries_with_the_same_shape_are_refused(tmp_path):
    with pytest.raises(ProfileInvalid, match="stop: data: another event of this name has the same"):
        profile(tmp_path, f"{{version: 1, events: [{STOP}, {STOP}]}}")


def test_an_event_cannot_be_of_concern_and_of_none(tmp_path):
    with pytest.raises(ProfileInvalid, match="stop: of_no_concern: it has a shape too"):
        profile(
            tmp_path,
            f"{{version: 1, events: [{STOP}], of_no_concern: [{{event: stop, arity: 1}}]}}",
        )


def test_every_fact_of_the_domain_and_every_scalar_kind_can_be_written():
    assert set(FACTS.values()) == {*facts.STREAM_FACTS, *facts.CONTRACT_FACTS}
    assert {"bool", "void", "u32", "u64", "i128", "bytes", "string", "symbol", "address"} <= set(
        TYPES
    )
