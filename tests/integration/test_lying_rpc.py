"""A node that lies: hides an event, drops a range, tells nothing below its window. Named, and healed."""

import json

import pytest
from sqlalchemy import select

from ingest import jobs
from ingest.disputes import rpc_dispute
from simulator.calls import Call
from simulator.faults import Concealed, Dropped, FaultPlan
from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence, ingest_job
from tests.fakes.commands import Command
from tests.integration.test_reconcile_simulated import (
    _quiet,
    come_to,
    following,
    found,
    happens,
    of,
    until,
)

__all__ = ["_quiet"]
STREAMS = 3
_TOP_UP = 10_000_000


@pytest.fixture
def start(monkeypatch, tmp_path, sqlite_url):
    """Begins a quiet network and gives it with a command that is pointed at it."""
    running_ones = []

    def begin(**changes):
        options = SimulatorOptions(
            state_dir=tmp_path / "simulator",
            rpc_port=0,
            web_port=0,
            smtp_port=0,
            scenario="quiet",
            streams=STREAMS,
            ledger_seconds=0.05,
            **changes,
        )
        opened = running(options)
        network = opened.__enter__()
        running_ones.append(opened)
        until(
            lambda: network.truth_path.exists() and len(read_truth(network.truth_path)) >= STREAMS
        )
        contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
        return network, Command(
            monkeypatch,
            sqlite_url,
            NETWORK__PASSPHRASE=network.options.passphrase,
            NETWORK__RPC_URLS=json.dumps(network.rpc_urls),
            NETWORK__CONTRACTS=json.dumps([contract]),
            RECONCILE__HOURS="0",
        )

    yield begin
    for each in running_ones:
        each.__exit__(None, None, None)


def kept(database):
    with database.read() as conn:
        query = select(evidence.c.event_id).where(evidence.c.event_id < BEHIND_EVENT_IDS)
        return set(conn.scalars(query))


def happened(network):
    return {line["event_id"] for line in read_truth(network.truth_path)}


def disputed(database):
    with database.read() as conn:
        return {(row.event_id, row.endpoint) for row in conn.execute(select(rpc_dispute))}


def open_jobs(database):
    with database.read() as conn:
        return jobs.unfinished(conn)


def certificate(command, code=0):
    (contract,) = command.json("completeness", code=code)["contracts"]
    return contract


def test_an_event_that_no_storage_tells_of_is_found_in_whole_ledgers(start, sqlite_database):
    network, command = start()
    network.conceal(Concealed("topup", 1))
    ledger = happens(network, "topup", of(network, "top_up", 1, _TOP_UP))
    with following(sqlite_database, network.contract_id, ledger):
        pass
    (hidden,) = happened(network) - kept(sqlite_database)
    assert certificate(command)["confirmed_by_whole_ledgers"] == []
    asked = ("--from", network.first_ledger, "--to", ledger, "--whole-ledgers")
    (job,) = command.json("backfill", *asked)["jobs"]
    assert (job["state"], job["events_found"]) == ("done", 1)
    assert job["told_by"].endswith("getLedgers")
    assert kept(sqlite_database) == happened(network)
    assert disputed(sqlite_database) == {(hidden, "getEvents")}
    assert "1 events that endpoints dispute" in command.json("status", code=1)["failed"]
    confirmed = {"from_ledger": network.first_ledger, "to_ledger": ledger}
    assert certificate(command)["confirmed_by_whole_ledgers"] == [confirmed]
    said = command.run("completeness").stdout
    assert f"ledgers {network.first_ledger} to {ledger}: confirmed by whole ledgers" in said


def test_a_dropped_range_is_found_by_storage_and_read_whole_by_itself(start, sqlite_database):
    network, command = start()
    now = network.nodes[0].chain.latest.sequence + 1
    network.conceal(Dropped(now, now + 10_000))
    happens(network, "paused", of(network, "pause_stream", 1))
    ledger = happens(network, "resumed", of(network, "resume_stream", 1))
    network.conceal(Dropped(now, ledger))
    with following(sqlite_database, network.contract_id, ledger):
        hidden = happened(network) - kept(sqlite_database)
        assert len(hidden) == 2
        healed = found(command, "--heal")
        kinds = [(each["kind"], each["healed"]) for each in healed["differences"]]
        assert kinds == [("pause_missed", True)]
        until(lambda: kept(sqlite_database) == happened(network), seconds=60)
    assert {event_id for event_id, _ in disputed(sqlite_database)} == hidden
    with sqlite_database.read() as conn:
        asked = conn.execute(select(ingest_job).where(ingest_job.c.kind == "confirm")).all()
    assert sum(row.events_found for row in asked) == 2
    assert found(command)["differences"] == []


def test_a_silent_pause_is_looked_for_once_and_stands_as_storage_tells_it(start, sqlite_database):
    network, command = start()
    admin = network.cast.admin
    ledger = happens(network, "contract_paused", Call("multisig_emergency_pause", (admin,)))
    with following(sqlite_database, network.contract_id, ledger):
        for _ in range(2):
            found(command, "--heal")

        def is_looked_for():
            with sqlite_database.read() as conn:
                query = select(ingest_job).where(ingest_job.c.kind == "confirm")
                rows = conn.execute(query).all()
            return [row.events_found for row in rows if row.state == "done"]

        until(is_looked_for, seconds=60)
        assert is_looked_for() == [0]
    assert disputed(sqlite_database) == set()


def test_nothing_below_the_window_is_a_gap_and_is_healed_from_a_data_store(start, sqlite_database):
    plan = FaultPlan(retention_ledgers=40, empty_below_retention=True, datastore=True)
    network, command = start(faults=plan)
    happens(network, "paused", of(network, "pause_stream", 1))
    with following(sqlite_database, network.contract_id, network.first_ledger):
        pass
    reached = come_to(sqlite_database, network.contract_id)
    happens(network, "paused", of(network, "pause_stream", 2))
    until(lambda: network.nodes[0].oldest.sequence > reached + 40)
    latest = network.nodes[0].chain.latest.sequence
    with following(sqlite_database, network.contract_id, latest):
        until(lambda: kept(sqlite_database) == happened(network), seconds=60)
        until(lambda: not open_jobs(sqlite_database), seconds=60)
    found_gaps = certificate(command)["gaps"]
    assert found_gaps
    assert all("getLedgers" in gap["healed_by"] for gap in found_gaps)
