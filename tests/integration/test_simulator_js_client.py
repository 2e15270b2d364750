"""The JavaScript stellar-sdk as a second independent client: it reads what the simulator means."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth

_SCRIPT = Path(__file__).parents[1] / "npm" / "read_chain.cjs"
_EVENTS = 150
_PAGE = 40


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("network"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        ledger_seconds=0.1,
        scenario="burst",
        events=_EVENTS,
    )
    with running(options) as started:
        deadline = time.monotonic() + 60
        while not started.truth_path.exists() or len(read_truth(started.truth_path)) < _EVENTS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield started


@pytest.fixture(scope="module")
def truth(network):
    return read_truth(network.truth_path)


@pytest.fixture(scope="module")
def paused(truth):
    return [line for line in truth if line["kind"] == "paused"][-1]


@pytest.fixture(scope="module")
def read(network, paused, npm_modules):
    """All that the client read, by one run of it."""
    arguments = [network.contract_id, network.first_ledger, _PAGE, paused["stream_id"]]
    done = subprocess.run(
        [shutil.which("node"), _SCRIPT, network.rpc_url, *map(str, arguments)],
        env={**os.environ, "NODE_PATH": str(npm_modules)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_who_it_is_and_how_it_fares(read, network):
    assert read["health"]["status"] == "healthy"
    assert read["health"]["oldestLedger"] < network.first_ledger <= read["latest"]["sequence"]
    assert (read["passphrase"], read["protocolVersion"]) == (network.options.passphrase, 28)


def test_paging_gives_the_whole_truth(read, truth, network):
    assert [each["id"] for each in read["events"]] == [line["event_id"] for line in truth]
    assert [each["txHash"] for each in read["events"]] == [line["tx_hash"] for line in truth]
    assert {each["contract"] for each in read["events"]} == {network.contract_id}
    assert read["cursor"].endswith("-4294967295")


def test_a_pause_reads_as_the_truth_says(read, paused):
    (told,) = (each for each in read["events"] if each["id"] == paused["event_id"])
    assert told["topics"] == ["paused", paused["stream_id"]]
    assert told["value"] == [paused["employer"], paused["employee"], str(paused["closed_at"])]


def test_whole_ledgers_hold_every_event(read, truth):
    for ledger in read["ledgers"]:
        assert ledger["inMeta"] == [ledger["hash"], ledger["sequence"]]
        assert ledger["inHeader"] == ledger["sequence"]
    told = {ledger["sequence"]: ledger["events"] for ledger in read["ledgers"]}
    for sequence in {line["ledger"] for line in truth}:
        assert told[sequence] >= sum(line["ledger"] == sequence for line in truth)


def test_storage_and_view_tell_the_same_pause_history(read, truth, paused):
    edges = [
        {
            "is_pause": line["kind"] == "paused",
            "stream_id": line["stream_id"],
            "timestamp": str(line["closed_at"]),
        }
        for line in truth
        if line["stream_id"] == paused["stream_id"] and line["kind"] in {"paused", "resumed"}
    ]
    assert read["stored"]["value"] == edges
    assert read["viewed"] == edges


def test_transactions_are_found_or_not(read, truth):
    assert (read["transaction"]["status"], read["unknown"]) == ("SUCCESS", "NOT_FOUND")
    assert read["transaction"]["ledger"] == truth[-1]["ledger"]
    assert read["transaction"]["events"] >= 1


def test_a_refusal_reaches_the_client(read):
    assert read["refusal"]["code"] == -32600
    assert "within the ledger range" in read["refusal"]["message"]
