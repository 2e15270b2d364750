"""The packaged profiles against the events of the contracts they are for: XDR as the SDK writes it."""

import json

import pytest
from stellar_sdk import scval

from domain import facts
from domain.values import I128
from ingest.decode import decode_page
from ingest.profiles.loader import load_profile, packaged_profiles, profile_names
from ingest.translate import Applied, Ignored, Quarantined, translate
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER
from tests.fakes.fake_rpc import result, wire_event

AT = 1_784_655_210


def symbol(text):
    return scval.to_symbol(text)


def account(strkey=EMPLOYER):
    return scval.to_address(strkey)


def u64(number=7):
    return scval.to_uint64(number)


def i128(number):
    return scval.to_int128(number)


def struct(**fields):
    return scval.to_map({scval.to_symbol(name): value for name, value in fields.items()})


def variant(name, *values):
    return scval.to_vec([scval.to_symbol(name), *values])


def emitted(name, *topics, value):
    told = wire_event(42, topics=[symbol(name), *topics], value=value)
    return decode_page(json.dumps(result([told])).encode(), source="", seen_at=1).events[0]


def read(profile, event):
    return translate(load_profile(profile), event)


VOID, EMPTY = scval.to_void(), scval.to_map({})
TRUE, FALSE = scval.to_bool(data=True), scval.to_bool(data=False)
STREAM = {"stream_id": 7}
CREATED = {"employer": EMPLOYER, "employee": EMPLOYEE}
PARTIES = {"sender": account(), "recipient": account(EMPLOYEE)}


def nebula(action):
    data = scval.to_vec([account(), u64(AT)])
    return struct(version=scval.to_uint32(2), timestamp=u64(AT), action=symbol(action), data=data)


PAUSED, RESUMED, SET = facts.StreamPaused, facts.StreamResumed, facts.ContractPauseSet
SHAPES = [
    (
        "openzeppelin-pausable",
        emitted("paused", value=account()),
        SET,
        {"paused": True, "by": EMPLOYER},
    ),
    (
        "openzeppelin-pausable",
        emitted("unpaused", value=account()),
        SET,
        {"paused": False, "by": EMPLOYER},
    ),
    ("openzeppelin-pausable", emitted("paused", value=VOID), SET, {"paused": True}),
    ("openzeppelin-pausable", emitted("unpaused", value=VOID), SET, {"paused": False}),
    ("openzeppelin-pausable", emitted("paused", value=EMPTY), SET, {"paused": True}),
    ("openzeppelin-pausable", emitted("unpaused", value=EMPTY), SET, {"paused": False}),
    ("fluxora", emitted("paused", u64(), value=variant("Paused", u64())), PAUSED, STREAM),
    (
        "fluxora",
        emitted("paused", u64(), value=struct(reason=scval.to_string("audit"), stream_id=u64())),
        PAUSED,
        STREAM,
    ),
    ("fluxora", emitted("paused", u64(), value=struct(stream_id=u64())), PAUSED, STREAM),
    ("fluxora", emitted("resumed", u64(), value=variant("Resumed", u64())), RESUMED, STREAM),
    (
        "fluxora",
        emitted("cancelled", u64(), value=variant("StreamCancelled", u64())),
        facts.StreamCancelled,
        STREAM,
    ),
    (
        "fluxora",
        emitted("completed", u64(), value=variant("StreamCompleted", u64())),
        facts.StatusStated,
        STREAM | {"status": "exhausted"},
    ),
    (
        "fluxora",
        emitted(
            "created",
            u64(),
            value=struct(
                stream_id=u64(), rate_per_second=i128(5), withdraw_dust_threshold=i128(1), **PARTIES
            ),
        ),
        facts.StreamCreated,
        STREAM | CREATED | {"rate": I128(5)},
    ),
    (
        "fluxora",
        emitted("gl_pause", value=struct(paused=TRUE)),
        SET,
        {"paused": True, "switch": "global"},
    ),
    (
        "fluxora",
        emitted("gl_pause", value=struct(paused=FALSE)),
        SET,
        {"paused": False, "switch": "global"},
    ),
    (
        "fluxora",
        emitted("gl_resume", value=struct(resumed_at=u64(AT))),
        SET,
        {"paused": False, "switch": "global"},
    ),
    (
        "fluxora",
        emitted(
            "pr_pause", account(OTHER), value=struct(reason=scval.to_string("x"), paused_at=u64(AT))
        ),
        SET,
        {"paused": True, "by": OTHER, "switch": "protocol"},
    ),
    (
        "fluxora",
        emitted("pr_resume", account(OTHER), value=struct(resumed_at=u64(AT))),
        SET,
        {"paused": False, "by": OTHER, "switch": "protocol"},
    ),
    (
        "fluxora",
        emitted(
            "paused",
            u64(),
            account(),
            value=struct(paused_at=u64(AT), paused_total=u64(0), recipient=account(EMPLOYEE)),
        ),
        PAUSED,
        STREAM | CREATED | {"stated_at": AT},
    ),
    (
        "fluxora",
        emitted(
            "resumed", u64(), account(), value=struct(paused_duration=u64(5), paused_total=u64(5))
        ),
        RESUMED,
        STREAM | {"employer": EMPLOYER},
    ),
    ("fluxora-factory", emitted("factory", symbol("paused"), value=TRUE), SET, {"paused": True}),
    ("fluxora-factory", emitted("factory", symbol("resumed"), value=FALSE), SET, {"paused": False}),
    (
        "flowfi",
        emitted(
            "stream_paused",
            u64(),
            value=struct(paused_at=u64(AT), sender=account(), stream_id=u64()),
        ),
        PAUSED,
        STREAM | {"employer": EMPLOYER, "stated_at": AT},
    ),
    (
        "flowfi",
        emitted(
            "stream_resumed",
            u64(),
            value=struct(new_end_time=u64(AT), sender=account(), stream_id=u64()),
        ),
        RESUMED,
        STREAM | {"employer": EMPLOYER},
    ),
    (
        "flowfi",
        emitted(
            "stream_created",
            u64(),
            value=struct(
                stream_id=u64(),
                rate_per_second=i128(9),
                token_address=account(chain.CONTRACT),
                deposited_amount=i128(90),
                start_time=u64(AT),
                **PARTIES,
            ),
        ),
        facts.StreamCreated,
        STREAM | CREATED | {"rate": I128(9)},
    ),
    (
        "flowfi",
        emitted(
            "stream_cancelled",
            u64(),
            value=struct(
                stream_id=u64(), amount_withdrawn=i128(1), refunded_amount=i128(8), **PARTIES
            ),
        ),
        facts.StreamCancelled,
        STREAM | CREATED | {"refund": I128(8)},
    ),
    (
        "flowfi",
        emitted(
            "protocol_pause_status",
            value=struct(caller=account(OTHER), paused=TRUE, timestamp=u64(AT)),
        ),
        SET,
        {"paused": True, "by": OTHER},
    ),
    (
        "stellarstream-v1",
        emitted("pause", u64(), value=struct(stream_id=u64(), pauser=account(), timestamp=u64(AT))),
        PAUSED,
        STREAM | {"employer": EMPLOYER, "stated_at": AT},
    ),
    (
        "stellarstream-v1",
        emitted(
            "resume",
            u64(),
            value=struct(
                stream_id=u64(), resumer=account(), paused_duration=u64(9), timestamp=u64(AT)
            ),
        ),
        RESUMED,
        STREAM | {"employer": EMPLOYER, "stated_at": AT},
    ),
    (
        "stellarstream-v2",
        emitted("pause", account(OTHER), value=nebula("pause")),
        SET,
        {"paused": True, "by": OTHER},
    ),
    (
        "stellarstream-v2",
        emitted("unpause", account(OTHER), value=nebula("unpause")),
        SET,
        {"paused": False, "by": OTHER},
    ),
    (
        "stellarstream-v2",
        emitted("pause", account(OTHER), value=struct(admin=account(OTHER), timestamp=u64(AT))),
        SET,
        {"paused": True, "by": OTHER},
    ),
    (
        "fundable",
        emitted("StreamPaused", value=struct(paused_at=u64(AT), stream_id=u64())),
        PAUSED,
        STREAM | {"stated_at": AT},
    ),
    (
        "fundable",
        emitted(
            "StreamResumed",
            value=struct(paused_duration=u64(9), resumed_at=u64(AT), stream_id=u64()),
        ),
        RESUMED,
        STREAM | {"stated_at": AT},
    ),
    (
        "fundable",
        emitted("EmergencyPaused", value=struct(paused_by=account(OTHER), paused_at=u64(AT))),
        SET,
        {"paused": True, "by": OTHER},
    ),
    (
        "fundable",
        emitted("EmergencyUnpaused", value=struct(unpaused_by=account(OTHER), unpaused_at=u64(AT))),
        SET,
        {"paused": False, "by": OTHER},
    ),
]


def of_(case):
    return f"{case[0]}-{case[2].__name__}"


@pytest.mark.parametrize(("profile", "event", "fact", "fields"), SHAPES, ids=map(of_, SHAPES))
def test_a_shape_in_the_wild_is_the_fact_it_means(profile, event, fact, fields):
    assert read(profile, event) == Applied(
        fact(**chain.place(42), **fields), load_profile(profile).label
    )


NEAR = [
    ("openzeppelin-pausable", emitted("paused", value=TRUE)),
    ("openzeppelin-pausable", emitted("unpaused", value=struct(caller=account()))),
    ("fluxora", emitted("paused", u64(), value=variant("Resumed", u64()))),
    ("fluxora", emitted("paused", u64(), value=variant("Paused"))),
    ("fluxora", emitted("paused", account(), value=struct(stream_id=u64()))),
    ("fluxora", emitted("paused", u64(), value=struct(stream_id=u64(), surprise=u64()))),
    ("fluxora", emitted("paused", u64(), account(), value=struct(paused_total=u64(1)))),
    ("fluxora", emitted("gl_pause", value=struct())),
    ("fluxora", emitted("pr_pause", u64(), value=struct(paused_at=u64(AT)))),
    ("fluxora", emitted("created", u64(), value=struct(stream_id=u64(), **PARTIES))),
    ("fluxora-factory", emitted("factory", symbol("halted"), value=TRUE)),
    ("fluxora-factory", emitted("factory", symbol("paused"), value=VOID)),
    ("flowfi", emitted("stream_paused", u64(), value=VOID)),
    (
        "flowfi",
        emitted("stream_paused", u64(), value=scval.to_vec([account(), u64(52_000_000)])),
    ),
    ("stellarstream-v1", emitted("pause", account(), value=nebula("pause"))),
    ("stellarstream-v1", emitted("pause", u64(), value=struct(stream_id=u64(), pauser=account()))),
    ("stellarstream-v2", emitted("pause", u64(), value=nebula("pause"))),
    ("stellarstream-v2", emitted("pause", account(), value=nebula("unpause"))),
    ("fundable", emitted("StreamPaused", u64(), value=struct(paused_at=u64(AT), stream_id=u64()))),
    ("fundable", emitted("StreamPaused", value=struct(paused_at=u64(AT)))),
    (
        "fundable",
        emitted("StreamPaused", value=struct(paused_at=u64(AT), stream_id=scval.to_uint32(7))),
    ),
    ("fundable", emitted("paused", value=struct(paused_at=u64(AT), stream_id=u64()))),
]


@pytest.mark.parametrize(("profile", "event"), NEAR)
def test_what_comes_near_to_a_shape_waits_in_quarantine(profile, event):
    assert isinstance(read(profile, event), Quarantined)


def test_what_stops_new_streams_only_is_no_pause_of_pay():
    event = emitted("ct_pause", value=struct(paused=TRUE))
    assert isinstance(read("fluxora", event), Ignored)


def test_a_number_of_a_ledger_is_kept_as_it_was_told():
    """Some contracts write ledger numbers where others write seconds: data, never a time of ours."""
    event = emitted("StreamPaused", value=struct(paused_at=u64(52_000_000), stream_id=u64()))
    fact = read("fundable", event).fact
    assert (fact.stated_at, fact.closed_at) == (52_000_000, chain.GENESIS + 42 * 5)


def test_every_packaged_profile_knows_a_pause_and_its_end():
    for name in profile_names(packaged_profiles()):
        shapes = [each for alike in load_profile(name).default.shapes.values() for each in alike]
        made = {shape.fact for shape in shapes}
        assert {PAUSED, RESUMED} <= made or SET in made, name
