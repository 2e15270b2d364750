"""The whole network: starts, closes ledgers on the clock, stops and goes on."""

import csv
import json
import time
import urllib.request

import pytest

from simulator.accounts import contract_id_for
from simulator.calls import Call
from simulator.errors import SimulatorError, StateMismatch
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import expected, read_truth


def options(state_dir, **changes):
    ports = {"rpc_port": 0, "web_port": 0, "smtp_port": 0}
    return SimulatorOptions(**{"state_dir": state_dir, "ledger_seconds": 0.05, **ports, **changes})


def health(network):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getHealth"}).encode()
    request = urllib.request.Request(
        network.rpc_url, body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)["result"]


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


def test_ledgers_close_on_the_clock_and_only_while_it_runs(tmp_path):
    with running(options(tmp_path, scenario="quiet")) as network:
        first = health(network)["latestLedger"]
        until(lambda: health(network)["latestLedger"] > first + 2)
        assert abs(health(network)["latestLedgerCloseTime"] - time.time()) < 3
        stopped_at = health(network)["latestLedger"]
    time.sleep(0.3)
    with running(options(tmp_path, scenario="quiet", ledger_seconds=60)) as network:
        again = health(network)
        assert again["latestLedger"] <= stopped_at + 3
        assert abs(again["latestLedgerCloseTime"] - time.time()) < 3


def test_a_submitted_call_is_in_the_next_ledger(tmp_path):
    with running(options(tmp_path, scenario="quiet", streams=2)) as network:
        until(lambda: len(read_truth(network.truth_path)) == 2)
        network.submit(Call("pause_stream", (network.cast.employers[0], 1)))
        until(lambda: len(read_truth(network.truth_path)) == 3)
    known = expected(read_truth(network.truth_path))
    assert known.streams["1"].status == "paused"
    assert known.streams["2"].status == "active"


def test_contract_and_contacts_are_known_and_the_same_at_every_start(tmp_path):
    with running(options(tmp_path, seed=7)) as network:
        assert network.contract_id == contract_id_for(7)
        roster = network.roster_path.read_text()
    with running(options(tmp_path, seed=7)) as network:
        assert network.roster_path.read_text() == roster
    accounts = {row["account_id"] for row in csv.DictReader(roster.splitlines())}
    told = expected(read_truth(network.truth_path)).streams.values()
    assert {s.employer for s in told} | {s.employee for s in told} <= accounts


def test_a_burst_goes_on_after_a_restart_to_exactly_its_events(tmp_path):
    burst = options(tmp_path, scenario="burst", events=1_500)
    with running(burst) as network:
        until(lambda: len(read_truth(network.truth_path)) > 300)
    with running(burst) as network:
        until(lambda: len(read_truth(network.truth_path)) == 1_500)
        before = health(network)["latestLedger"]
        until(lambda: health(network)["latestLedger"] > before + 1)
        assert len(read_truth(network.truth_path)) == 1_500


def test_a_second_network_on_the_same_folder_is_refused(tmp_path):
    with (
        running(options(tmp_path)),
        pytest.raises(StateMismatch, match="in use"),
        running(options(tmp_path)),
    ):
        pass


def test_a_wrong_option_stops_the_start_and_leaves_nothing_open(tmp_path):
    with (
        pytest.raises(SimulatorError, match="no scenario"),
        running(options(tmp_path, scenario="?")),
    ):
        pass
    faults = tmp_path / "faults.yaml"
    faults.write_text("rates: {earthquake: 1}")
    with (
        pytest.raises(SimulatorError, match="earthquake"),
        running(options(tmp_path, faults=faults)),
    ):
        pass
    with running(options(tmp_path)) as network:
        assert health(network)["status"] == "healthy"


def test_a_taken_port_is_said(tmp_path):
    with running(options(tmp_path / "a")) as network:
        taken = int(network.rpc_url.rpartition(":")[2])
        with (
            pytest.raises(OSError, match=str(taken)),
            running(options(tmp_path / "b", rpc_port=taken)),
        ):
            pass


async def test_what_ends_the_closing_of_ledgers_is_raised(tmp_path):
    network = SimulatedNetwork(options(tmp_path, scenario="quiet"))
    await network.start()
    network.submit(Call("no_such_function", (network.cast.admin,)))
    with pytest.raises(KeyError, match="no_such_function"):
        await network.wait()
    with pytest.raises(KeyError, match="no_such_function"):
        await network.stop()
