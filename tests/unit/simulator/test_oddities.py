"""What an odd node tells: each kind is drawn, and does what its name says."""

import base64

import msgspec
import pytest
import yaml

from simulator.errors import SimulatorError
from simulator.faults import FaultPlan, Weather
from simulator.ledger import ContractEvent, ledger_of, window_end
from simulator.oddities import ANSWERS, Oddity, Told, with_odd_ledgers

EVENTS = [ContractEvent(f"{n}", "contract", "C", (), "", b"{}") for n in range(3)]
TOLD = Told(EVENTS, window_end(90), window_end(80), False, 90, 10, 900, 100)


def told(oddity, **changes):
    answer = msgspec.structs.replace(TOLD, events=list(EVENTS), **changes)
    ANSWERS[oddity](answer)
    return answer


def test_cursors_stand_still_go_back_and_pass_what_did_not_fit():
    assert told(Oddity.CURSOR_STILL).cursor == window_end(80)
    assert told(Oddity.CURSOR_BACK).cursor == window_end(77)
    assert told(Oddity.REST_LOST, cursor="2", is_full=True).cursor == window_end(90)
    assert told(Oddity.REST_LOST) == TOLD


def test_events_come_in_another_order_and_twice():
    assert told(Oddity.UNSORTED).events == EVENTS[::-1]
    assert told(Oddity.DOUBLED).events == [*EVENTS, EVENTS[0]]


def test_ledgers_leap_and_times_go_back():
    assert told(Oddity.LEAP).latest == 2**32 - 1
    leapt = told(Oddity.LEAP_WHOLE)
    assert TOLD.latest < ledger_of(leapt.cursor) < leapt.latest
    assert told(Oddity.OLDEST_LEAP).oldest > TOLD.latest
    assert told(Oddity.TIMES_BACK).latest_closed_at < TOLD.latest_closed_at


def test_a_ledger_is_left_out_or_changed():
    meta = base64.b64encode(bytes(50)).decode()
    answer = {"ledgers": [{"sequence": n, "metadataXdr": meta} for n in range(3)], "cursor": "2"}
    missing = with_odd_ledgers(answer, Oddity.LEDGER_MISSING)
    assert [each["sequence"] for each in missing["ledgers"]] == [0, 2]
    altered = with_odd_ledgers(answer, Oddity.ALTERED)["ledgers"]
    assert [each["metadataXdr"] == meta for each in altered] == [True, False, True]
    assert with_odd_ledgers(answer, None) == answer


def test_the_same_seed_draws_the_same_oddities_and_leaves_the_weather_as_it_was():
    plan = FaultPlan(seed=3, oddities={Oddity.LEAP: 0.3, Oddity.DOUBLED: 0.3})
    first, second = Weather(plan), Weather(plan)
    drawn = [first.oddity() for _ in range(100)]
    assert drawn == [second.oddity() for _ in range(100)]
    assert set(drawn) == {None, Oddity.LEAP, Oddity.DOUBLED}


def test_a_faults_file_names_oddities(tmp_path):
    file = tmp_path / "faults.yaml"
    file.write_text(yaml.safe_dump({"oddities": {"leap": 0.5}}))
    assert FaultPlan.read(file).oddities == {Oddity.LEAP: 0.5}
    file.write_text(yaml.safe_dump({"oddities": {"leap": 0.5, "doubled": 0.6}}))
    with pytest.raises(SimulatorError, match="more than 1"):
        FaultPlan.read(file)
