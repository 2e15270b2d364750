"""Who acted, and as what: judged at its place, whatever was learned first."""

import pytest

from domain import facts
from domain.actors import BY_STRANGER, Actor, begins_pause, named, of_contract
from domain.chain_order import placed_facts
from domain.contract import CONTRACT_RULES
from domain.judgement import decide
from domain.stream import STREAM_RULES, actor_of, fold
from domain.values import stream_uuid
from projections.history import Moment, stream_at
from tests.fakes.chain import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    paused,
    place,
    resumed,
    stored_pause,
)
from tests.unit.projections.chain_of_facts import NETWORK

ID = stream_uuid(NETWORK, CONTRACT, 7)


def delegate_set(ledger, delegate):
    return facts.DelegateSet(**place(ledger), stream_id=7, delegate=delegate)


def by(cause, *actors, authorities=()):
    return named(cause, actors, "pause_stream", authorities)


def told(*slices):
    """The events after each slice was decided."""
    events, state = [], STREAM_RULES.initial
    for each in slices:
        some, state = decide(STREAM_RULES, ID, state, each, past=events)
        events += some
    return events


def stands(events, second=2**40):
    return stream_at(ID, events, Moment(second))


@pytest.mark.parametrize(
    ("actors", "role", "verdict"),
    [
        ((EMPLOYER,), "employer", "applied"),
        ((OTHER,), "delegate", "applied"),
        ((EMPLOYEE,), "stranger", BY_STRANGER),
        ((EMPLOYEE, OTHER), "delegate", "applied"),
        ((OTHER, EMPLOYER), "employer", "applied"),
    ],
)
def test_whoever_paused_has_the_role_they_had_then(actors, role, verdict):
    pause = paused(3)
    events = told([created(1), delegate_set(2, OTHER), pause, by(pause, *actors)])
    assert events[-1].verdict == verdict
    found = stands(events)
    assert found.stream.paused_by_role == role
    assert found.stream.paused_by in actors
    assert found.pauses[0].paused_by_role == role
    assert found.stream.status == "paused"
    assert found.stream.anomalies == (verdict == BY_STRANGER)


def test_an_authority_of_the_contract_is_no_stranger():
    pause = paused(3)
    events = told([created(1), pause, by(pause, OTHER, authorities=(OTHER,))])
    assert stands(events).stream.paused_by_role == "authority"


def test_of_a_stream_whose_creation_was_not_seen_nobody_is_called_a_stranger():
    pause = paused(3)
    events = told([pause, by(pause, OTHER)])
    assert events[-1].verdict == "applied"
    assert stands(events).stream.paused_by_role == "unknown"


def test_where_the_transaction_names_nobody_the_event_does():
    pause = paused(3)
    found = stands(told([created(1), pause, by(pause)]))
    assert (found.stream.paused_by, found.stream.paused_by_role) == (EMPLOYER, None)


def test_a_delegate_learned_of_late_is_a_delegate_after_all():
    pause = paused(3)
    events = told([created(1), pause, by(pause, OTHER)], [delegate_set(2, OTHER)])
    found = stands(events)
    assert found.pauses[0].paused_by_role == "delegate"
    assert found.stream.anomalies == 0


def test_an_actor_learned_of_after_the_end_of_the_pause_stands_with_the_pause():
    pause = paused(3)
    events = told([created(1), pause], [resumed(4), cancelled(5)], [by(pause, OTHER)])
    found = stands(events)
    assert (found.pauses[0].paused_by, found.pauses[0].paused_by_role) == (OTHER, "stranger")
    assert found.stream.paused_by is None
    assert [each.fact.TOPIC for each in placed_facts(events)].index("stream.actor_named.1") == 2


def test_who_made_a_refused_pause_is_not_taken_for_who_paused():
    first, second = paused(3), paused(4)
    events = told([created(1), first, by(first, EMPLOYER), second, by(second, OTHER)])
    assert stands(events).stream.paused_by_role == "employer"


def test_as_of_a_moment_who_paused_stands_with_the_pause():
    pause = paused(3)
    events = told([created(1), pause, resumed(4)], [by(pause, EMPLOYER)])
    assert stands(events, pause.closed_at).stream.paused_by_role == "employer"


def test_of_a_whole_contract_only_known_authorities_make_strangers():
    pause = contract_pause(3)
    assert of_contract(by(pause, OTHER)) == Actor(OTHER, "unknown")
    assert of_contract(by(pause, OTHER, authorities=(OTHER,))) == Actor(OTHER, "authority")
    assert of_contract(by(pause, OTHER, authorities=(EMPLOYER,))) == Actor(OTHER, "stranger")
    fact = by(pause, OTHER, authorities=(EMPLOYER,))
    events, _ = decide(CONTRACT_RULES, ID, CONTRACT_RULES.initial, [pause, fact])
    assert [each.verdict for each in events] == ["applied", BY_STRANGER]


def test_an_actor_fact_stands_right_behind_its_event():
    for cause, after in ((paused(3), paused(3, 1)), (paused(3), stored_pause(3))):
        assert cause.chain_key < by(cause, OTHER).chain_key < after.chain_key


def test_only_events_with_a_transaction_have_an_actor_to_look_up():
    assert begins_pause(paused(3))
    assert begins_pause(contract_pause(3))
    assert begins_pause(facts.StatusStated(**place(3), stream_id=7, status="paused"))
    assert not begins_pause(facts.StatusStated(**place(3), stream_id=7, status="active"))
    assert not begins_pause(contract_pause(3, value=False))
    assert not begins_pause(resumed(3))
    assert not begins_pause(stored_pause(3))


def test_the_domain_state_says_who_acted():
    pause = paused(3)
    state = fold(None, told([created(1), pause]))
    assert actor_of(state, by(pause, EMPLOYER)) == Actor(EMPLOYER, "employer")
