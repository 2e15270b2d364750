"""Who paused, from the wire to the history: what the simulated chain knows is what we found out."""

import gc
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from sqlalchemy import func, select

from cli.indexing import index_roles
from cli.roles import Roles
from cli.wiring import deployment
from domain.chain_order import HistoryRevised
from ingest.actors.search import actor_search, search_states
from projections import contracts, pauses, streams
from projections.follow import projections_follower
from projections.sets import PROJECTIONS, active_set
from projections.streams import StreamRow
from simulator.calls import BY_CONTRACT, BY_ENTRY, IN_FEE_BUMP, Call
from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store import log
from store.schema import evidence, tracking
from tests.fakes.commands import Command

PATIENCE_SECONDS = 60


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
    """Pauses by everybody who can, in every way that a transaction can be signed; some are over."""
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("simulator"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="quiet",
        streams=8,
        ledger_seconds=0.05,
    )
    with running(options) as started:
        until(lambda: len(read_truth(started.truth_path)) >= options.streams)
        cast = started.cast
        stranger = cast.employees[6]
        for number, delegate in ((2, cast.treasury), (3, cast.router_id)):
            started.submit(Call("set_delegate", (cast.employer_of(number - 1), number, delegate)))
        started.submit(Call("pause_stream", (cast.employer_of(0), 1)))
        started.submit(Call("pause_stream", (cast.treasury, 2), IN_FEE_BUMP))
        started.submit(Call("pause_stream", (cast.router_id, 3), BY_CONTRACT))
        started.submit(Call("pause_stream", (cast.employer_of(3), 4), BY_ENTRY))
        started.submit(Call("pause_unchecked", (stranger, 5)))
        batch = ("pause_stream", "resume_stream", "pause_stream")
        started.submit(*(Call(name, (cast.employer_of(5), 6)) for name in batch))
        started.submit(Call("pause_contract", (cast.admin,)))
        for number in (1, 5):
            started.submit(Call("resume_stream", (cast.employer_of(number - 1), number)))
        until(lambda: kinds(started).count("resumed") == 3)
        yield started


def kinds(network):
    return [line["kind"] for line in read_truth(network.truth_path)]


def until(holds):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def indexing(database):
    """The index role, as the process has it."""
    stop = threading.Event()
    roles = Roles(index_roles(deployment(), database), stop)
    roles.start()
    try:
        yield
    finally:
        stop.set()
        assert roles.join()


def settled(database):
    """Whether every pause has been looked up, and the read models say so."""
    with database.read() as conn:
        searched = conn.scalar(select(func.count()).select_from(actor_search))
        followed = conn.scalar(select(tracking.c.position).where(tracking.c.name == PROJECTIONS))
        waiting = search_states(conn)["waiting"]
        return searched == PAUSES and waiting == 0 and followed == log.head(conn)


PAUSES = 8  # seven of streams, one of the whole contract


def point(monkeypatch, network, url, **contract):
    entry = {"id": network.contract_id, "start_ledger": network.first_ledger - 1, **contract}
    Command(
        monkeypatch,
        url,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps([network.rpc_url]),
        NETWORK__CONTRACTS=json.dumps([entry]),
        INGEST__RETENTION_MARGIN_LEDGERS="0",
    )


def test_the_history_says_who_paused_as_the_chain_knows_it(
    monkeypatch, network, database_url, database
):
    point(monkeypatch, network, database_url, authorities=[network.cast.admin])
    with indexing(database):
        until(lambda: settled(database))
    truth = {line["event_id"]: line["actor"] for line in read_truth(network.truth_path)}
    with database.read() as conn:
        name = active_set(conn)
        rows = conn.execute(pauses.everything(name)).all()
        found = {(row.stream_id, row.paused_by_role) for row in rows}
        assert {row.id: row.paused_by for row in rows} == {row.id: truth[row.id] for row in rows}
        assert conn.scalar(pauses.by_strangers(name)) == 1
        (contract,) = conn.execute(contracts.everything(name)).all()
        stream_rows = [streams.entry(row) for row in conn.execute(streams.everything(name))]
        recorded = [each.event for each in log.read_after(conn, 0, 1000)]
    assert found == {
        (1, "employer"),
        (2, "delegate"),
        (3, "delegate"),
        (4, "employer"),
        (5, "stranger"),
        (6, "employer"),
        (None, "authority"),
    }
    assert len(rows) == PAUSES
    assert contracts.entry(contract).paused_by_role == "authority"
    assert standing_of(stream_rows) == {2: "delegate", 3: "delegate", 4: "employer", 6: "employer"}
    assert {row.stream_id: row.anomalies for row in stream_rows if row.anomalies} == {5: 1}
    assert any(isinstance(event, HistoryRevised) for event in recorded)  # some came late


def standing_of(rows: list[StreamRow]) -> dict[int, str | None]:
    return {row.stream_id: row.paused_by_role for row in rows if row.status == "paused"}


def test_looked_for_anew_everybody_is_found_and_nothing_is_recorded_twice(
    monkeypatch, network, sqlite_url, sqlite_database
):
    point(monkeypatch, network, sqlite_url)
    database = sqlite_database
    with indexing(database):
        until(lambda: settled(database))
    with database.begin() as conn:
        head = log.head(conn)
        kept = conn.scalar(select(func.count()).select_from(evidence))
        conn.execute(actor_search.delete())
        conn.execute(tracking.delete().where(tracking.c.name == "actors"))
    with indexing(database):
        until(lambda: settled(database))
    with database.read() as conn:
        assert log.head(conn) == head
        assert conn.scalar(select(func.count()).select_from(evidence)) == kept
        name = active_set(conn)
        (contract,) = conn.execute(contracts.everything(name)).all()
    assert contracts.entry(contract).paused_by_role == "unknown"  # no authority is configured
    assert projections_follower(database).step() == 0
