"""The weather comes from its file and its seed."""

from collections import Counter

import msgspec
import pytest

from simulator import scval
from simulator.errors import SimulatorError
from simulator.faults import Fault, FaultPlan, Weather, altered
from simulator.ledger import ContractEvent


def plan_file(tmp_path, text):
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    return path


def test_a_plan_is_read_from_yaml(tmp_path):
    text = "seed: 7\nrates: {unavailable: 0.5, lag: 0.25}\nlag_ledgers: 9\nhidden_events: 0.1\n"
    plan = FaultPlan.read(plan_file(tmp_path, text))
    assert plan == FaultPlan(
        seed=7, rates={Fault.UNAVAILABLE: 0.5, Fault.LAG: 0.25}, lag_ledgers=9, hidden_events=0.1
    )


@pytest.mark.parametrize(
    "text", ["rates: {earthquake: 0.5}", "colour: red", "rates: {cut: 0.6, lag: 0.6}", "a: [", "x"]
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path, text):
    with pytest.raises(SimulatorError, match=r"faults\.yaml"):
        FaultPlan.read(plan_file(tmp_path, text))


def test_a_missing_plan_is_refused(tmp_path):
    with pytest.raises(SimulatorError, match="nowhere"):
        FaultPlan.read(tmp_path / "nowhere.yaml")


def test_without_a_plan_the_weather_is_fine():
    weather = Weather(FaultPlan())
    assert {weather.next() for _ in range(100)} == {(None, 0)}
    assert not weather.hides("x")


def test_faults_come_at_their_rates_and_again_the_same_with_the_same_seed():
    plan = FaultPlan(seed=3, rates={Fault.UNAVAILABLE: 0.2, Fault.LAG: 0.1}, lag_ledgers=4)
    first, second = Weather(plan), Weather(plan)
    drawn = [first.next() for _ in range(2_000)]
    assert drawn == [second.next() for _ in range(2_000)]
    counts = Counter(drawn)
    assert 300 < counts[Fault.UNAVAILABLE, 0] < 500
    assert 130 < counts[Fault.LAG, 4] < 270
    assert set(counts) == {(Fault.UNAVAILABLE, 0), (Fault.LAG, 4), (None, 0)}


def test_a_hidden_event_is_hidden_from_everybody_for_ever():
    plan = FaultPlan(hidden_events=0.5)
    ids = [f"id-{number}" for number in range(200)]
    hidden = {each for each in ids if Weather(plan).hides(each)}
    assert 60 < len(hidden) < 140
    assert hidden == {each for each in ids if Weather(plan).hides(each)}


def told_event(kind, *more):
    topics = [scval.symbol_topic(kind), *more]
    wire = {"id": "x", "topic": topics, "value": "AAAAAwAAAAE="}
    return ContractEvent(
        "x", "contract", "C", tuple(topics), wire["value"], msgspec.json.encode(wire)
    )


def test_an_altered_event_keeps_its_id_and_tells_something_else():
    paused, other = told_event("paused", scval.id_topic(3)), told_event("topped_up")
    void = altered(other)
    assert altered(paused).topics == (scval.symbol_topic("resumed"), scval.id_topic(3))
    assert void.value not in (other.value, altered(void).value)
    for event in (paused, other):
        wire = msgspec.json.decode(altered(event).wire)
        assert wire["id"] == "x"
        assert (tuple(wire["topic"]), wire["value"]) == (
            altered(event).topics,
            altered(event).value,
        )
        assert wire != msgspec.json.decode(event.wire)


def test_the_same_events_are_altered_each_time():
    weather = Weather(FaultPlan(altered_events=0.5))
    events = [told_event("paused")._replace(event_id=f"id-{number}") for number in range(200)]
    told_otherwise = [weather.told(event) != event for event in events]
    assert 60 < sum(told_otherwise) < 140
    assert told_otherwise == [weather.told(event) != event for event in events]
    assert Weather(FaultPlan()).told(events[0]) is events[0]
