"""An indexer before several nodes that lie, fork and are reset: nothing lost, nothing foreign recorded."""

import json
import threading
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from cli.indexing import follow_role
from cli.wiring import deployment
from ingest import pin_keeper
from ingest.disputes import rpc_dispute
from ingest.endpoint_report import reported
from ingest.errors import ForkedChain
from ingest.pins import ledger_pin
from simulator.calls import Call
from simulator.faults import FaultPlan
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence
from tests.fakes.commands import Command

SECONDS = 60
EVENTS = 60


def options(tmp_path, **changes):
    given = {
        "rpc_port": 0,
        "web_port": 0,
        "smtp_port": 0,
        "streams": 4,
        "scenario": "quiet",
        "ledger_seconds": 0.03,
        "nodes": 2,
    }
    return SimulatorOptions(state_dir=tmp_path / "simulator", **given | changes)


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


@contextmanager
def indexing(database):
    """The follow role on a thread; yields a list with what ended it, once something has."""
    ended, stop = [], threading.Event()
    role = follow_role(deployment(), database)

    def follow():
        try:
            role.run(stop)
        except BaseException as error:  # noqa: BLE001 # whatever ended it is what is looked at
            ended.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join()


def pointed(monkeypatch, network: SimulatedNetwork, url, **settings) -> Command:
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
    return Command(
        monkeypatch,
        url,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps(network.rpc_urls),
        NETWORK__CONTRACTS=json.dumps([contract]),
        **settings,
    )


_EVENTS = evidence.c.event_id < BEHIND_EVENT_IDS


def told_by_events(database):
    with database.read() as conn:
        return conn.scalar(select(func.count()).where(_EVENTS))


def count(database, table):
    with database.read() as conn:
        return conn.scalar(select(func.count()).select_from(table))


def states(database):
    with database.read() as conn:
        return [row.state for row in conn.execute(reported())]


@pytest.mark.parametrize("liar", [0, 1])
def test_what_one_node_hides_is_recorded_and_named(
    monkeypatch, tmp_path, sqlite_url, sqlite_database, liar
):
    plans = [FaultPlan(), FaultPlan()]
    plans[liar] = FaultPlan(hidden_events=0.2, seed=3)
    burst = options(tmp_path, scenario="burst", events=EVENTS, faults=FaultPlan(nodes=plans))
    with running(burst) as network:
        command = pointed(monkeypatch, network, sqlite_url, NETWORK__CROSS_CHECK="always")
        with indexing(sqlite_database):
            until(lambda: told_by_events(sqlite_database) == EVENTS)
        truth = {each["event_id"] for each in read_truth(network.truth_path)}
        with sqlite_database.read() as conn:
            kept = set(conn.scalars(select(evidence.c.event_id).where(_EVENTS)))
            disputed = conn.execute(select(rpc_dispute)).all()
        assert kept == truth
        assert {row.kind for row in disputed} == {"lacks"}
        assert {row.endpoint for row in disputed} == {
            network.rpc_urls[liar].removeprefix("http://")
        }
        hidden = [each for each in truth if network.nodes[liar].weather.hides(each)]
        assert {row.event_id for row in disputed} == set(hidden)
        found = command.json("status", code=1)
    assert f"{len(hidden)} events that endpoints dispute" in found["failed"]
    assert len(found["endpoints"]) == 2


def test_after_a_reset_the_indexer_stops_and_records_nothing_of_it(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    with running(options(tmp_path)) as network:
        pointed(monkeypatch, network, sqlite_url)
        chain = network.nodes[0].chain
        until(lambda: chain.latest.sequence > network.first_ledger + 60)
        with indexing(sqlite_database) as ended:
            until(lambda: count(sqlite_database, ledger_pin) and told_by_events(sqlite_database))
            before = told_by_events(sqlite_database)
            network.reset()
            until(lambda: ended)
        (error,) = ended
        assert isinstance(error, ForkedChain)
        assert "Was the test network reset" in str(error)
        assert told_by_events(sqlite_database) == before
        with indexing(sqlite_database) as again:
            until(lambda: again)
        assert isinstance(again[0], ForkedChain)
        assert told_by_events(sqlite_database) == before


def test_a_forked_node_is_expelled_and_the_other_one_is_followed(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    with running(options(tmp_path)) as network:
        command = pointed(monkeypatch, network, sqlite_url)
        with indexing(sqlite_database):
            until(lambda: count(sqlite_database, ledger_pin))
        network.fork(network.nodes[0])
        until(lambda: network.nodes[0].chain is not network.nodes[1].chain)
        with indexing(sqlite_database) as ended:
            until(lambda: states(sqlite_database) == ["expelled", "closed"])
            assert not ended
        found = {each["check"]: each for each in command.json("doctor", code=1)}
        forked = found[f"RPC {network.rpc_urls[0].removeprefix('http://')}"]
        assert "follows another chain" in forked["detail"]


@pytest.fixture
def in_haste(monkeypatch):
    """Endpoints prove themselves every moment, not every minute."""
    monkeypatch.setattr(pin_keeper, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pin_keeper, "PROVE_EVERY_SECONDS", 0.3)


@pytest.mark.usefixtures("in_haste")
def test_a_node_that_is_switched_while_it_is_followed_is_set_aside(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    """Its height goes on as before; the other node is followed, and all that happens is recorded."""
    with running(options(tmp_path)) as network:
        pointed(monkeypatch, network, sqlite_url)
        with indexing(sqlite_database) as ended:
            until(lambda: count(sqlite_database, ledger_pin) and told_by_events(sqlite_database))
            network.fork(network.nodes[0])
            until(lambda: states(sqlite_database) == ["expelled", "closed"])
            cast = network.cast
            network.submit(Call("pause_stream", (cast.employer_of(0), 1)))
            until(
                lambda: told_by_events(sqlite_database) >= len(read_truth(network.truth_path)) > 4
            )
            assert not ended
        truth = {each["event_id"] for each in read_truth(network.truth_path)}
        with sqlite_database.read() as conn:
            assert set(conn.scalars(select(evidence.c.event_id).where(_EVENTS))) == truth


@pytest.mark.usefixtures("in_haste")
def test_one_node_alone_that_is_switched_while_it_is_followed_stops_the_indexer(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    with running(options(tmp_path, nodes=1)) as network:
        pointed(monkeypatch, network, sqlite_url)
        with indexing(sqlite_database) as ended:
            until(lambda: count(sqlite_database, ledger_pin) and told_by_events(sqlite_database))
            before = told_by_events(sqlite_database)
            network.fork(network.nodes[0])
            until(lambda: ended)
        assert isinstance(ended[0], ForkedChain)
        assert told_by_events(sqlite_database) == before


def test_a_node_that_went_back_in_time_is_named_and_passed_over(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    with running(options(tmp_path)) as network:
        pointed(monkeypatch, network, sqlite_url)
        first, second = network.nodes
        until(lambda: second.chain.latest.sequence > network.first_ledger + 60)
        with indexing(sqlite_database) as ended:
            until(lambda: states(sqlite_database) == ["closed", "closed"])
            first.stopped_at = network.first_ledger + 5
            at = second.chain.latest.sequence + 5

            def passed_it():
                with sqlite_database.read() as conn:
                    rows = conn.exec_driver_sql("SELECT max(to_ledger) FROM scanned_range").all()
                return (rows[0][0] or 0) >= at

            until(passed_it)
            assert not ended


def test_a_pin_of_the_operators_decides(monkeypatch, tmp_path, sqlite_url, sqlite_database):
    with running(options(tmp_path, nodes=1)) as network:
        until(lambda: network.nodes[0].chain.latest.sequence > network.first_ledger + 2)
        wrong = f"{network.first_ledger}:{'0' * 64}"
        pointed(monkeypatch, network, sqlite_url, NETWORK__PINNED_LEDGER=wrong)
        with indexing(sqlite_database) as ended:
            until(lambda: ended)
        assert "network.pinned_ledger" in str(ended[0])
        right = network.nodes[0].chain.ledger(network.first_ledger).hash
        pointed(
            monkeypatch,
            network,
            sqlite_url,
            NETWORK__PINNED_LEDGER=f"{network.first_ledger}:{right}",
        )
        with indexing(sqlite_database) as ended:
            until(lambda: told_by_events(sqlite_database))
        assert not ended
