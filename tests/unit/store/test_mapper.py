"""Stored events come back as they were, under topics that never change, however old their shape."""

from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import contract, facts, notice, stream
from domain.actors import named
from domain.chain_order import FactConfirmed, FactJudged, HistoryRevised, Standing
from domain.values import I128
from store.errors import UnknownTopic
from store.mapper import (
    TOPICS,
    Upcaster,
    decode,
    decode_snapshot,
    decode_state,
    encode,
    encode_state,
    state_topic,
)
from tests.fakes import chain

ID = UUID("4fb1f7a1-5df8-4e25-a1f0-6f2b9c3f5d11")
STANDING = Standing("active", "GA", None)
STREAM_STATE = stream.StreamState(
    version=3, tip=(5, "x"), status="paused", rate=I128(-(2**100)), employer="GA"
)
CONTRACT_STATE = contract.ContractState(version=2, gaps=(contract.Gap(1, 9, pauses_healed=True),))


def revised(state):
    return HistoryRevised(ID, 4, (1, "e"), "e", "job", STANDING, STANDING, state)


EVENTS = [
    FactJudged(ID, 1, chain.created(5, stream_id=2**64 - 1), "GA", "GB", "applied"),
    FactJudged(ID, 2, chain.paused(6), None, None, "refused: why", late=True),
    FactJudged(ID, 1, chain.contract_pause(6), None, None, "repeated"),
    FactJudged(ID, 4, named(chain.paused(6), ("GA", "CB"), "pause", ()), "GA", "GB", "applied"),
    FactJudged(
        ID, 4, named(chain.contract_pause(6), ("GA",), None, ("GA",)), None, None, "applied"
    ),
    FactConfirmed(ID, 3, "storage:x", chain.resumed(7), "GA", None, "applied"),
    FactConfirmed(ID, 3, "storage:x", chain.contract_pause(7), None, None, "applied"),
    revised(STREAM_STATE),
    revised(CONTRACT_STATE),
    contract.GapOpened(ID, 1, "C", 5, 9, 100),
    contract.GapHealed(ID, 2, "C", 5, 9, "storage", 200),
    contract.RangeFilled(ID, 3, "job", "C", 5, 9),
    notice.NoticePlanned(ID, 1, "r", "paused", "e", "C", 2**64 - 1, late=True, planned_at=7),
    notice.DeliveryChanged(ID, 2, uuid4(), "email", "-", "accepted", None, 1, "smtp", 9),
    notice.NoticeRead(ID, 3, 11),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: encode(event)[0])
def test_an_event_comes_back_as_it_was(event):
    topic, state = encode(event)
    assert topic in TOPICS
    back = decode(topic, state, event.originator_id, event.originator_version)
    assert back == event
    assert type(back) is type(event)


def test_states_inside_a_revision_come_back_in_their_own_type():
    for state in (STREAM_STATE, CONTRACT_STATE):
        event = revised(state)
        back = decode(*encode(event), ID, 4)
        assert isinstance(back, HistoryRevised)
        assert type(back.state) is type(state)


def test_every_fact_has_a_topic_of_its_own():
    kinds = (*facts.STREAM_FACTS, *facts.CONTRACT_FACTS)
    assert {kind.TOPIC for kind in kinds} <= TOPICS
    assert len({kind.TOPIC for kind in kinds}) == len(kinds)


def test_topics_and_bytes_are_those_of_the_first_release():
    # Persisted data: when this fails, add a topic number and an upcaster instead of changing it.
    fact = facts.StreamPaused("e", 5, 1, "tx", "", "C", 7, "GA", "GB", 4)
    assert encode(FactJudged(ID, 2, fact, "GA", "GB", "applied")) == (
        "stream.paused.1",
        bytes.fromhex("959aa1650501a27478a0a14307a24741a2474204a24741a24742a76170706c696564c2"),
    )
    assert sorted(TOPICS) == [
        "contract.actor_named.1",
        "contract.fact_confirmed.1",
        "contract.gap_healed.1",
        "contract.gap_opened.1",
        "contract.history_revised.1",
        "contract.pause_set.1",
        "contract.range_filled.1",
        "contract.upgraded.1",
        "notice.delivery_changed.1",
        "notice.planned.1",
        "notice.read.1",
        "stream.actor_named.1",
        "stream.cancelled.1",
        "stream.created.1",
        "stream.delegate_set.1",
        "stream.employee_transferred.1",
        "stream.employer_accepted.1",
        "stream.employer_proposed.1",
        "stream.fact_confirmed.1",
        "stream.history_revised.1",
        "stream.near_exhaustion.1",
        "stream.paused.1",
        "stream.rate_changed.1",
        "stream.resumed.1",
        "stream.status_stated.1",
        "stream.topped_up.1",
        "stream.withdrawn.1",
    ]


def test_an_unknown_topic_is_named():
    with pytest.raises(UnknownTopic, match=r"stream\.teleported\.1"):
        decode("stream.teleported.1", b"\x90", ID, 1)


def test_an_unknown_fact_inside_a_confirmation_is_named():
    state = msgspec.msgpack.encode(("s", "stream.teleported.1", [], None, None, "applied"))
    with pytest.raises(UnknownTopic, match=r"stream\.teleported\.1"):
        decode("stream.fact_confirmed.1", state, ID, 1)


def test_damaged_bytes_are_refused():
    with pytest.raises(msgspec.DecodeError):
        decode("stream.paused.1", b"\x91\x01", ID, 1)


# A fact whose first shape had no parties and wrote the stream before the contract.
UPCASTERS = {
    "stream.paused.0": Upcaster("stream.paused.00", lambda fact: [*fact, None]),
    "stream.paused.00": Upcaster(
        "stream.paused.1", lambda fact: [*fact[:5], fact[6], fact[5], *fact[7:]]
    ),
    "notice.read.0": Upcaster("notice.read.1", lambda fields: [fields[0] * 1_000_000]),
}
OLD_FACT = ["e", 5, 1, "tx", "", 7, "C"]
FACT = facts.StreamPaused("e", 5, 1, "tx", "", "C", 7)


def test_an_old_fact_is_brought_up_through_every_shape():
    state = msgspec.msgpack.encode([OLD_FACT, "GA", None, "applied", False])
    back = decode("stream.paused.0", state, ID, 1, upcasters=UPCASTERS)
    assert back == FactJudged(ID, 1, FACT, "GA", None, "applied")


def test_an_old_fact_inside_a_confirmation_is_brought_up_too():
    state = msgspec.msgpack.encode(["s", "stream.paused.0", OLD_FACT, None, None, "applied"])
    back = decode("stream.fact_confirmed.1", state, ID, 1, upcasters=UPCASTERS)
    assert back == FactConfirmed(ID, 1, "s", FACT, None, None, "applied")


def test_an_old_event_without_a_fact_is_brought_up_as_a_whole():
    back = decode("notice.read.0", msgspec.msgpack.encode([3]), ID, 1, upcasters=UPCASTERS)
    assert back == notice.NoticeRead(ID, 1, 3_000_000)


@pytest.mark.parametrize(
    "state", [STREAM_STATE, CONTRACT_STATE, notice.NoticeState(version=1, deliveries={"d": "held"})]
)
def test_states_come_back_from_caches_and_snapshots(state):
    raw = encode_state(state)
    assert decode_state(type(state), raw) == state
    assert decode_snapshot(state_topic(state), raw) == state


def test_an_unknown_snapshot_is_named():
    with pytest.raises(UnknownTopic, match=r"stream\.soul\.1"):
        decode_snapshot("stream.soul.1", b"")


@given(st.integers(-(2**127), 2**127 - 1), st.integers(0, 2**64 - 1), st.text(max_size=20))
def test_numbers_of_any_size_and_any_text_survive(amount, stream_id, name):
    fact = facts.StreamWithdrawn("e", 5, 1, "tx", "", "C", stream_id, name, I128(amount))
    event = FactJudged(ID, 1, fact, name, None, "applied")
    assert decode(*encode(event), ID, 1) == event
