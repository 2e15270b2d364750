"""Backfill, certificate and the reading commands against a simulated network over HTTP."""

import gc
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import func, select

from api.database_metrics import DatabaseMetrics
from ingest.headroom import headroom_seconds
from ingest.profiles.loader import packaged_profiles
from ingest.sources import arrange
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from store.clock import now_micros
from store.schema import evidence
from tests.fakes.commands import Command

EVENTS = 120
ABSENT = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """No log line on standard output, and the collector's settings back where they were."""
    before, thresholds = structlog.get_config(), gc.get_threshold()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A chain on which everything has happened already, all of it within retention."""
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("simulator"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="burst",
        events=EVENTS,
        ledger_seconds=0.02,
    )
    with running(options) as started:
        deadline = time.monotonic() + 30
        while len(started.truth_path.read_bytes().splitlines()) < EVENTS:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield started


@pytest.fixture
def command(monkeypatch, network: SimulatedNetwork, sqlite_url) -> Command:
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger + 5_000}
    return pointed(monkeypatch, network, sqlite_url, contract)


def pointed(monkeypatch, network, url, contract, **settings) -> Command:
    return Command(
        monkeypatch,
        url,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps([network.rpc_url]),
        NETWORK__CONTRACTS=json.dumps([contract]),
        **settings,
    )


def last_event_ledger(network):
    return json.loads(network.truth_path.read_bytes().splitlines()[-1])["ledger"]


def test_nobody_leads_so_the_command_does_the_work_itself(
    monkeypatch, network, database_url, database
):
    last = last_event_ledger(network)
    contract = {"id": network.contract_id, "start_ledger": last + 1}
    command = pointed(monkeypatch, network, database_url, contract)
    found = command.json("backfill", "--from", network.first_ledger, "--to", last)
    (job,) = found["jobs"]
    assert (job["state"], job["scanned_to_ledger"], job["events_found"]) == ("done", last, EVENTS)
    with database.read() as conn:
        told_by_events = evidence.c.event_id.not_like("actor:%")
        assert conn.scalar(select(func.count()).where(told_by_events)) == EVENTS
        assert headroom_seconds(conn, now_micros()) > 0
    metrics = DatabaseMetrics(database, [network.contract_id], 300)
    told = {metric.name for metric in metrics.collect()}
    assert "pausewire_retention_headroom_seconds" in told
    certificate = command.json("completeness", "--from", network.first_ledger, "--to", last)
    assert certificate["complete"]
    again = command.json("backfill", "--from", network.first_ledger, "--to", last)
    assert [each["events_found"] for each in again["jobs"]] == [0]


def test_ledgers_that_the_rpc_no_longer_has_fail_the_job_and_stay_named(
    monkeypatch, network, sqlite_url
):
    last = last_event_ledger(network)
    contract = {"id": network.contract_id, "start_ledger": last + 1}
    command = pointed(monkeypatch, network, sqlite_url, contract)
    (job,) = command.json("backfill", "--from", 500, "--to", last, code=1)["jobs"]
    assert job["state"] == "failed"
    assert "ledger 500 is needed, the oldest one kept is" in job["reason"]
    assert not command.json("completeness", "--from", 500, "--to", last, code=1)["complete"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests run in the background and the shell had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_the_job_for_the_next_leader(monkeypatch, network, sqlite_url, interruptible):
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger + 10**6}
    command = pointed(monkeypatch, network, sqlite_url, contract)
    timer = threading.Timer(3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    far = network.first_ledger + 900_000  # the chain never comes so far
    (job,) = command.json("backfill", "--from", network.first_ledger, "--to", far, code=1)["jobs"]
    timer.cancel()
    assert job["state"] == "running"
    assert job["events_found"] == EVENTS


def test_events_are_printed_raw_and_as_the_profile_reads_them(command, network):
    told = command.run(
        "events",
        "--contract",
        network.contract_id,
        "--start-ledger",
        network.first_ledger,
        "--json",
    )
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    truth = [json.loads(line) for line in network.truth_path.read_bytes().splitlines()]
    assert [line["event_id"] for line in lines] == [line["event_id"] for line in truth]
    assert {line["outcome"] for line in lines} <= {"applied", "ignored"}
    first = lines[0]
    assert (first["topics_in_words"][0], first["fact"]) == ("symbol created", "StreamCreated")
    assert first["topics"][0] == "AAAADwAAAAdjcmVhdGVkAA=="
    spoken = command.run(
        "events", "--contract", network.contract_id, "--start-ledger", last_event_ledger(network)
    ).stdout
    assert f"tx      {truth[-1]['tx_hash']}" in spoken
    assert "  reads   " in spoken


def test_following_events_ends_by_ctrl_c(command, network, interruptible):
    arguments = ("--contract", network.contract_id, "--start-ledger", str(network.first_ledger))
    program = (sys.executable, "-c", "from cli.main import app; app()")
    followed = subprocess.Popen(
        [*program, "events", *arguments, "--follow", "--json"], stdout=subprocess.PIPE, text=True
    )
    with followed:
        lines = [followed.stdout.readline() for _ in range(EVENTS)]
        followed.send_signal(signal.SIGINT)
        rest, _ = followed.communicate(timeout=60)
    assert [json.loads(line)["contract_id"] for line in lines] == [network.contract_id] * EVENTS
    assert (rest, followed.returncode) == ("", 0)


def test_ledgers_outside_of_the_window_and_odd_ids_are_refused(command, network):
    asked = ("events", "--contract", network.contract_id, "--start-ledger")
    assert "the oldest one kept is" in command.run(*asked, 5, code=1).stderr
    assert "the node is at ledger" in command.run(*asked, 10**7, code=1).stderr
    profiled = command.run(*asked, network.first_ledger, "--profile", "none", code=2)
    assert "there is no such profile" in profiled.stderr


def test_a_profile_is_tried_on_what_the_rpc_tells(command, network, tmp_path):
    paystream = (packaged_profiles() / "paystream.yaml").read_text()
    file = tmp_path / "mine.yaml"
    file.write_text(paystream.replace("event: paused", "event: held"))
    arguments = ("--contract", network.contract_id, "--start-ledger", network.first_ledger)
    found = command.json("profiles", "try", file, *arguments, code=1)
    assert found["applied"] + found["ignored"] + found["quarantined"] == EVENTS
    assert {each["name"] for each in found["kinds"] if each["outcome"] == "quarantined"} == {
        "paused"
    }
    before = ("--ledger-range", network.first_ledger - 2, network.first_ledger - 1)
    found = command.json("profiles", "try", file, "--contract", network.contract_id, *before)
    assert found["kinds"] == []


def findings(found):
    return {each["check"]: each["ok"] for each in found["findings"]}


def test_a_contract_that_is_what_its_profile_expects_passes(command, network):
    found = command.json(
        "contracts", "check", network.contract_id, "--start-ledger", network.first_ledger
    )
    assert found["ok"]
    assert len(found["wasm"]) == 64
    assert findings(found) == {
        "exists": True,
        "runs code that the profile knows": True,
        "is initialized": True,
        "can be read from its start ledger": True,
    }
    told = command.run("contracts", "check", network.contract_id, code=1).stdout
    assert "is not closed yet" in " ".join(told.replace("│", " ").split())


def test_a_contract_that_is_not_there_is_named(command):
    found = command.json("contracts", "check", ABSENT, code=1)
    assert found["wasm"] is None
    assert findings(found)["exists"] is False


def test_a_start_before_the_window_is_no_good_until_it_was_followed(
    monkeypatch, command, network, sqlite_database
):
    asked = ("contracts", "check", network.contract_id, "--start-ledger", 5)
    assert not findings(command.json(*asked, code=1))["can be read from its start ledger"]
    with sqlite_database.begin() as conn:
        arrange(conn, {network.contract_id: 2_000}, 1)
    assert findings(command.json(*asked))["can be read from its start ledger"]


def test_the_wrong_network_ends_the_check(monkeypatch, network, sqlite_url):
    contract = {"id": network.contract_id}
    command = pointed(monkeypatch, network, sqlite_url, contract)
    monkeypatch.setenv("PAUSEWIRE_NETWORK__PASSPHRASE", "Another Network")
    done = command.run("contracts", "check", network.contract_id, code=1)
    assert "this deployment follows 'Another Network'" in done.stderr
