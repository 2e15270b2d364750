"""Scenarios: only legal moves, exact numbers of events, the same after a restart."""

from collections import Counter

import pytest

from simulator.calls import Call
from simulator.chain import FIRST_LEDGER, Chain
from simulator.errors import SimulatorError
from simulator.scenario import SCENARIOS, Director, build
from simulator.truth import expected, read_truth

AT = 1_800_000_000


def played(state_dir, scenario, events, *, seed=1, streams=8):
    """The truth of a scenario played to its end, and its chain."""
    with Chain(
        seed=seed, streams=streams, passphrase="test", genesis_at=AT, state_dir=state_dir
    ) as chain:
        build(chain, scenario=scenario, seed=seed, events=events, closed_at=AT)
    return read_truth(state_dir / "truth.ndjson"), chain


def refusals(chain):
    return [each for each in chain.transactions.values() if each.failed]


@pytest.mark.parametrize(
    ("scenario", "events"),
    [
        ("steady", 150),
        ("burst", 5_000),
        ("never-paused", 60),
        ("paused-now", 16),
        ("flapping", 100),
        ("cancelled-while-paused", 24),
        ("ten-thousand-events", 600),
        ("quiet", 8),
    ],
)
def test_a_scenario_emits_exactly_its_events_and_the_contract_agrees(tmp_path, scenario, events):
    truth, chain = played(tmp_path, scenario, events)
    assert len(truth) == events == chain.contract_event_count
    assert refusals(chain) == []
    known = expected(truth)
    for number, stream in chain.contract.state.streams.items():
        told = known.streams[str(number)]
        assert (told.stored_status, told.employer, told.employee) == (
            stream.status,
            stream.employer,
            stream.employee,
        )
        history = [tuple(record) for record in chain.contract.state.histories.get(number, [])]
        assert history == [
            edge
            for pause in told.pauses
            for edge in ((pause.paused_at, True), (pause.resumed_at, False))
            if edge[1] or pause.ended_by == "resumed"
        ]
    assert known.contract_paused == chain.contract.state.config.paused


@pytest.mark.parametrize("events", [1, 2, 7, 40, 401, 1_000])
def test_a_burst_of_any_size_is_exact_and_mostly_pauses(tmp_path, events):
    truth, chain = played(tmp_path, "burst", events)
    assert len(truth) == events
    assert refusals(chain) == []
    kinds = Counter(line["kind"] for line in truth)
    if events >= 100:
        assert (kinds["paused"] + kinds["resumed"]) / events >= 0.6


def test_a_burst_holds_what_breaks_readers(tmp_path):
    truth, chain = played(tmp_path, "burst", 10_000)
    kinds = Counter(line["kind"] for line in truth)
    assert {
        "paused", "resumed", "created", "cancelled", "transfer", "emp_prop", "emp_acc", "withdraw",
        "topup", "ratechng", "delegate", "fee_col", "fee_wdr", "propcreat", "upgraded",
        "contract_paused", "contract_resumed", "nearexhst",
    } == set(kinds)  # fmt: skip
    known = expected(truth)
    extreme = known.streams[str(2**64 - 1)]
    assert extreme.pauses
    assert any(line.get("rate") == str(2**127 - 1) for line in truth)
    # a repeated contract-wide pause, a cancellation and a reclaim from paused, flapping
    assert kinds["contract_paused"] > len(known.contract_pauses)
    assert any(pause.ended_by == "cancelled" for s in known.streams.values() for pause in s.pauses)
    assert any(
        s.stored_status == "exhausted" and s.status == "cancelled" for s in known.streams.values()
    )
    busiest = max(len(each.events) for each in chain.transactions.values())
    assert busiest >= 5
    assert (
        max(len(chain.ledger(s).transactions) for s in range(FIRST_LEDGER, FIRST_LEDGER + 5)) > 100
    )


def test_the_seed_decides_everything(tmp_path):
    first, _ = played(tmp_path / "a", "burst", 500)
    again, _ = played(tmp_path / "b", "burst", 500)
    other, _ = played(tmp_path / "c", "burst", 500, seed=2)
    assert first == again != other


def test_a_restart_changes_nothing(tmp_path):
    whole, _ = played(tmp_path / "whole", "burst", 2_000)
    played(tmp_path / "parts", "burst", 2_000)
    chain_file = tmp_path / "parts" / "chain.ndjson"
    lines = chain_file.read_bytes().splitlines(keepends=True)
    chain_file.write_bytes(b"".join(lines[:-3]))
    with Chain(
        seed=1, streams=8, passphrase="test", genesis_at=AT, state_dir=tmp_path / "parts"
    ) as chain:
        at = chain.latest.closed_at + 5
        build(chain, scenario="burst", seed=1, events=2_000, closed_at=at)
    assert read_truth(tmp_path / "parts" / "truth.ndjson") == whole


def test_somebody_is_paused_within_three_ledgers_of_a_steady_start(tmp_path):
    truth, _ = played(tmp_path, "steady", 60)
    first_pause = next(line for line in truth if line["kind"] == "paused")
    assert first_pause["ledger"] < FIRST_LEDGER + 3


def test_a_bounded_scenario_falls_silent_and_ledgers_go_on(tmp_path):
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=AT) as chain:
        director = Director(chain, scenario="burst", seed=1, events=50)
        for _ in range(5):
            draft = chain.open_ledger(AT)
            director.play(draft)
            chain.close(draft)
        assert director.remaining == 0
        assert chain.contract_event_count == 50
        assert chain.latest.sequence == FIRST_LEDGER + 4


def test_more_streams_than_fit_are_created_as_the_events_allow(tmp_path):
    truth, _ = played(tmp_path, "burst", 3_000, streams=500)
    kinds = Counter(line["kind"] for line in truth)
    assert len(truth) == 3_000
    assert (kinds["paused"] + kinds["resumed"]) / 3_000 >= 0.6
    assert kinds["created"] > 300


def test_a_scenario_that_ends_too_early_says_so():
    with (
        Chain(seed=1, streams=8, passphrase="test", genesis_at=AT) as chain,
        pytest.raises(SimulatorError, match="84 events short"),
    ):
        build(chain, scenario="paused-now", seed=1, events=100, closed_at=AT)


def test_an_unknown_scenario_names_the_known_ones():
    with (
        Chain(seed=1, streams=8, passphrase="test", genesis_at=AT) as chain,
        pytest.raises(SimulatorError, match="burst"),
    ):
        Director(chain, scenario="chaos", seed=1, events=None)


def test_the_long_history_is_ten_thousand_events_unless_told_otherwise():
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=AT) as chain:
        assert (
            Director(chain, scenario="ten-thousand-events", seed=1, events=None).remaining == 10_000
        )
        assert Director(chain, scenario="steady", seed=1, events=None).remaining is None
        assert SCENARIOS["burst"].default_events == 1_000


@pytest.mark.parametrize("taking_over", ["steady", "burst"])
def test_a_scenario_takes_over_where_no_stream_is_left(tmp_path, taking_over):
    truth, _ = played(tmp_path, "cancelled-while-paused", 24)
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=AT, state_dir=tmp_path) as chain:
        at = chain.latest.closed_at
        build(chain, scenario=taking_over, seed=1, events=100, closed_at=at)
    later = read_truth(tmp_path / "truth.ndjson")[len(truth) :]
    assert len(later) == 100 - 24
    assert {"created", "paused", "resumed"} <= {line["kind"] for line in later}


def test_a_burst_first_starts_a_paused_contract_where_no_stream_is_left():
    with Chain(seed=1, streams=2, passphrase="test", genesis_at=AT) as chain:
        build(chain, scenario="cancelled-while-paused", seed=1, events=6, closed_at=AT)
        chain.close_ledger([[Call("pause_contract", (chain.cast.admin,))]], AT)
        build(chain, scenario="burst", seed=1, events=100, closed_at=AT)
        assert chain.contract_event_count == 100
        assert refusals(chain) == []
