"""Reconciling with a simulated contract: what no event told is found, named, healed, told once."""

import gc
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import structlog
from sqlalchemy import select

from cli.indexing import follow_role
from cli.roles import Roles
from cli.wiring import deployment
from domain.chain_order import FactConfirmed
from ingest.reconcile import report
from ingest.sources import passed
from notifier.contact_file import ContactLine
from projections.follow import projections_follower
from projections.pauses import everything
from projections.sets import active_set
from simulator.calls import Call
from simulator.faults import Concealed, FaultPlan
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store import log
from store.engine import Database
from store.schema import evidence_conflict
from tests.fakes.commands import Command
from tests.fakes.planning import World

STREAMS = 4


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """No log line on standard output, and the collector's settings back where they were."""
    before, thresholds = structlog.get_config(), gc.get_threshold()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
def network(tmp_path):
    """A contract on which nothing happens but what the test does."""
    options = SimulatorOptions(
        state_dir=tmp_path / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="quiet",
        streams=STREAMS,
        ledger_seconds=0.05,
    )
    with running(options) as started:
        until(lambda: len(truth(started)) >= STREAMS)
        yield started


def command_for(monkeypatch, network: SimulatedNetwork, url, **settings) -> Command:
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
    return Command(
        monkeypatch,
        url,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps([network.rpc_url]),
        NETWORK__CONTRACTS=json.dumps([contract]),
        **{"RECONCILE__HOURS": "0"} | settings,
    )


def truth(network, kind=None):
    lines = read_truth(network.truth_path) if network.truth_path.exists() else []
    return [line for line in lines if kind in (None, line["kind"])]


def until(holds, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def happens(network, kind, *calls, count=1):
    """Submit transactions and wait until the chain has them; the ledger of the last one."""
    before = len(truth(network, kind))
    for call in calls:
        network.submit(call)
    until(lambda: len(truth(network, kind)) >= before + count)
    return truth(network, kind)[-1]["ledger"]


def of(network, function, stream_id, *more):
    employer = network.cast.employer_of(stream_id - 1)
    return Call(function, (employer, stream_id, *more))


@contextmanager
def following(database, contract_id, ledger=None):
    """The indexer runs beside; `ledger`: wait until it has come so far."""
    stop = threading.Event()
    roles = Roles([follow_role(deployment(), database)], stop)
    roles.start()
    try:
        if ledger is not None:
            until(lambda: (come_to(database, contract_id) or 0) >= ledger)
        yield
    finally:
        stop.set()
        assert roles.join()


def come_to(database, contract_id):
    with database.read() as conn:
        return passed(conn, contract_id)


def follow_to(database, network, ledger):
    with following(database, network.contract_id, ledger):
        pass


def found(command, *arguments, code=0):
    (contract,) = command.json("reconcile", *arguments, code=code)["contracts"]
    return contract


def differences(contract):
    return [
        (each["kind"], each["stream_id"], each["healed"])
        for each in contract["differences"]
        if not each["warning"]
    ]


def intervals(database):
    follower = projections_follower(database, poll_seconds=0.1, chunk_events=100)
    while follower.step():
        pass
    with database.read() as conn:
        return sorted(
            ("" if row.stream_id is None else str(row.stream_id), row.paused_at, row.resumed_at)
            for row in conn.execute(everything(active_set(conn)))
        )


def test_what_all_events_told_is_what_the_contract_keeps(
    monkeypatch, network, database_url, database
):
    command = command_for(monkeypatch, network, database_url)
    happens(network, "paused", of(network, "pause_stream", 1))
    happens(network, "resumed", of(network, "resume_stream", 1))
    ledger = happens(network, "cancelled", of(network, "cancel_stream", 2))
    follow_to(database, network, ledger)
    contract = found(command)
    assert (contract["reconciled"]["verdict"], contract["differences"]) == ("equal", [])
    assert (contract["reconciled"]["streams"], contract["reconciled"]["equal"]) == (4, 4)
    assert contract["reconciled_at_ledger"] >= ledger
    (certificate,) = command.json("completeness")["contracts"]
    assert certificate["reconciled_at_ledger"] == contract["reconciled_at_ledger"]


def test_a_hidden_event_is_found_named_healed_and_told_once(
    monkeypatch, network, database_url, database
):
    """The check of a node that hides one event; then the event comes after all."""
    command = command_for(monkeypatch, network, database_url)
    network.conceal(Concealed("paused", 3))
    ledger = happens(network, "paused", of(network, "pause_stream", 3))
    follow_to(database, network, ledger)
    named = found(command, code=1)
    assert differences(named) == [("pause_missed", "3", False)]
    assert "no event told of a pause at" in named["differences"][0]["detail"]
    assert intervals(database) == []
    healed = found(command, "--heal")
    assert differences(healed) == [("pause_missed", "3", True)]
    (pause,) = truth(network, "paused")
    assert intervals(database) == [("3", pause["closed_at"], None)]
    world = World(database)
    world.register(ContactLine(pause["employee"], "ana@example.org"))
    world.plan()
    told = [(each.kind, each.account) for each in world.told()]
    assert told.count(("paused", pause["employee"])) == 1
    network.conceal()
    command.json("backfill", "--from", network.first_ledger, "--to", ledger)
    world.plan()
    assert [(each.kind, each.account) for each in world.told()] == told
    with database.read() as conn:
        confirmed = [
            each.event
            for each in log.read_after(conn, 0, 1000)
            if isinstance(each.event, FactConfirmed)
        ]
        assert conn.execute(select(evidence_conflict)).all() == []
    assert [each.fact.event_id for each in confirmed] == [pause["event_id"]]
    assert intervals(database) == [("3", pause["closed_at"], None)]
    assert differences(found(command)) == []


def test_what_happened_without_events_is_healed_and_the_history_is_the_truth(
    monkeypatch, network, database_url, database
):
    command = command_for(monkeypatch, network, database_url)
    network.conceal(Concealed("created", 4))
    happens(network, "paused", of(network, "pause_stream", 1))
    happens(network, "resumed", of(network, "resume_silently", 1))
    happens(network, "paused", of(network, "pause_silently", 2))
    happens(network, "paused", of(network, "pause_silently", 4))
    happens(network, "cancelled", of(network, "cancel_silently", 3))
    admin = network.cast.admin
    ledger = happens(network, "contract_paused", Call("multisig_emergency_pause", (admin,)))
    follow_to(database, network, ledger)
    named = found(command, code=1)
    assert set(differences(named)) == {
        ("contract_pause_differs", None, False),
        ("pause_missed", "1", False),
        ("pause_missed", "2", False),
        ("status_differs", "3", False),
        ("stream_not_met", "4", False),
    }
    healed = found(command, "--heal")
    assert {healed for _, _, healed in differences(healed)} == {True}
    assert (healed["reconciled"]["verdict"], healed["reconciled"]["equal"]) == ("equal", STREAMS)
    expected = {(line["stream_id"], line["closed_at"]) for line in truth(network, "paused")}
    told = intervals(database)
    assert {(stream, paused_at) for stream, paused_at, _ in told if stream} == expected
    (resumed,) = truth(network, "resumed")
    assert [ended for stream, _, ended in told if stream == "1"] == [resumed["closed_at"]]
    assert [stream for stream, *_ in told if not stream] == [""]
    before = told
    found(command, "--heal")
    assert intervals(database) == before


def test_a_stream_that_no_event_told_of_is_met_in_storage(monkeypatch, tmp_path, sqlite_url):
    """Its creation and its pause were hidden; whom it concerns hears of the pause, once."""
    options = SimulatorOptions(
        state_dir=tmp_path / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="quiet",
        streams=1,
        ledger_seconds=0.05,
        faults=tmp_path / "faults.yaml",
    )
    options.faults.write_text("concealed: [{kind: created, stream: 1}, {kind: paused, stream: 1}]")
    with running(options) as network, closing(Database.open(sqlite_url)) as database:
        command = command_for(monkeypatch, network, sqlite_url)
        until(lambda: len(truth(network)) >= 2)
        ledger = happens(network, "paused", of(network, "pause_stream", 1))
        follow_to(database, network, ledger)
        assert differences(found(command, "--heal")) == [("stream_not_met", "1", True)]
        (pause,) = truth(network, "paused")
        world = World(database)
        world.register(ContactLine(pause["employee"], "ana@example.org"))
        world.plan()
        told = [(each.kind, each.account) for each in world.told()]
        assert told.count(("paused", pause["employee"])) == 1
        network.conceal()
        command.json("backfill", "--from", network.first_ledger, "--to", ledger)
        world.plan()
        assert [(each.kind, each.account) for each in world.told()] == told
        assert differences(found(command)) == []
        assert intervals(database) == [("1", pause["closed_at"], None)]


def test_what_the_contract_lost_is_named_and_stays(monkeypatch, network, sqlite_url):
    command = command_for(monkeypatch, network, sqlite_url)
    with closing(Database.open(sqlite_url)) as database:
        happens(network, "paused", of(network, "pause_stream", 1))
        network.submit(of(network, "drop_pause_record", 1))
        network.submit(of(network, "end_life", 1, 0))
        network.submit(of(network, "end_life", 2, 500))
        ledger = happens(network, "paused", of(network, "pause_stream", 2))
        follow_to(database, network, ledger)
        named = found(command, "--heal", code=1)
    assert differences(named) == [("pause_not_stored", "1", False)]
    warnings = {
        (each["kind"], each["stream_id"]) for each in named["differences"] if each["warning"]
    }
    assert warnings == {("archived", "1"), ("time_to_live_near", "2")}
    told = command.run("reconcile", code=1).stdout
    assert "stream 1: OPEN pause_not_stored: the contract does not keep a pause at" in told
    assert "stream 2: warning time_to_live_near: Stream lives until ledger" in told
    assert "differences from storage" in command.run("status", code=1).stdout
    assert "storage: differs at ledger" in command.run("completeness").stdout


def test_entries_that_a_node_has_evicted_are_unreadable_and_change_no_history(
    monkeypatch, network, sqlite_url
):
    command = command_for(monkeypatch, network, sqlite_url)
    with closing(Database.open(sqlite_url)) as database:
        happens(network, "paused", of(network, "pause_stream", 1))
        network.submit(of(network, "end_life", 1, 0))
        ledger = happens(network, "paused", of(network, "pause_stream", 2))
        follow_to(database, network, ledger)
        before = intervals(database)
        for node in network.nodes:
            node.weather.plan = FaultPlan(evicts=True)
        named = found(command, "--heal", code=1)
        assert intervals(database) == before
    assert differences(named) == [("unreadable", "1", False)]


def test_the_leader_compares_on_schedule(monkeypatch, network, sqlite_url):
    command = command_for(monkeypatch, network, sqlite_url, RECONCILE__HOURS="1")
    with closing(Database.open(sqlite_url)) as database:
        ledger = happens(network, "paused", of(network, "pause_silently", 2))

        def last():
            with database.read() as conn:
                return report.last(conn, network.contract_id)

        with following(database, network.contract_id, ledger):
            until(lambda: last() is not None)
        assert [(each.kind, each.healed) for each in last().findings] == [("pause_missed", True)]
        (certificate,) = command.json("completeness")["contracts"]
    assert certificate["reconciled"]["verdict"] == "equal"


def test_a_contract_that_is_not_followed_is_refused(monkeypatch, network, sqlite_url):
    command = command_for(monkeypatch, network, sqlite_url)
    other = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
    assert "is not followed" in command.run("reconcile", "--contract", other, code=2).stderr
    assert found(command, "--contract", network.contract_id, code=1)["reconciled"]["verdict"] == (
        "not compared"
    )
