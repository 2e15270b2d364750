"""Named stories for frontend developers: what a node shows of each, and beginning anew over HTTP."""

import json
import time
import urllib.error
import urllib.request

import pytest

from simulator.chain import FIRST_LEDGER
from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.scenario import SCENARIOS


def options(state_dir, **changes):
    ports = {"rpc_port": 0, "web_port": 0, "smtp_port": 0}
    return SimulatorOptions(**{"state_dir": state_dir, "ledger_seconds": 60, **ports, **changes})


def asked(url, body=None, content_type="application/json"):
    """The status and the JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def latest(network):
    body = {"jsonrpc": "2.0", "id": 1, "method": "getLatestLedger"}
    return asked(network.rpc_url, body)[1]["result"]


def until(condition):
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


def test_before_the_window_of_a_gap_there_are_events_that_nobody_can_have(tmp_path):
    with running(options(tmp_path, scenario="gap")) as network:
        [node] = network.nodes
        oldest = node.oldest.sequence
        lost = node.chain.events[: node.chain.first_at(oldest)]
        assert oldest > FIRST_LEDGER + 300
        assert lost
        assert len(lost) < len(node.chain.events)


def test_a_stale_node_shows_its_past_a_few_ledgers_more_and_then_no_other(tmp_path):
    with running(options(tmp_path, scenario="stale", ledger_seconds=0.05)) as network:
        [node] = network.nodes
        assert node.chain.events
        until(lambda: node.chain.latest.sequence > FIRST_LEDGER + 120 + 10)
        assert latest(network)["sequence"] == FIRST_LEDGER + 120 + 10 - 1


def test_a_past_is_played_once_and_a_restart_goes_on(tmp_path):
    with running(options(tmp_path, scenario="stale")) as network:
        before = network.nodes[0].chain.latest.sequence
    with running(options(tmp_path, scenario="stale")) as network:
        assert network.nodes[0].chain.latest.sequence <= before + 2


def test_another_scenario_begins_anew_when_it_is_asked_for(tmp_path):
    with running(options(tmp_path, scenario="quiet", ledger_seconds=0.05)) as network:
        sandbox = f"{network.web_url}/sandbox"
        assert asked(sandbox) == (200, {"scenario": "quiet", "scenarios": list(SCENARIOS)})
        [node] = network.nodes
        before = node.chain
        told = asked(f"{sandbox}/reset", {"scenario": "stale"})
        assert told == (202, {"scenario": "stale"})
        until(lambda: node.chain is not before and node.stopped_at is not None)
        assert asked(sandbox)[1]["scenario"] == "stale"
        assert asked(f"{sandbox}/reset", {}) == (202, {"scenario": "stale"})


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        ({"scenario": "?"}, "application/json", 400, "give one of steady"),
        ({"scenario": 7}, "application/json", 400, "give one of"),
        ([], "application/json", 400, "give one of"),
        ({"scenario": "gap"}, "text/plain", 415, "send JSON"),
    ],
)
def test_a_reset_says_what_is_wrong_with_it(tmp_path, body, content_type, status, words):
    with running(options(tmp_path, scenario="quiet")) as network:
        chain = network.nodes[0].chain
        told = asked(f"{network.web_url}/sandbox/reset", body, content_type)
        assert told[0] == status
        assert words in told[1]["problem"]
        assert network.nodes[0].chain is chain


def test_a_deployment_around_the_network_is_told_to_begin_anew(tmp_path):
    told = []
    with running(options(tmp_path, scenario="quiet", on_reset=told.append)) as network:
        asked(f"{network.web_url}/sandbox/reset", {"scenario": "gap"})
        assert told == ["gap"]
