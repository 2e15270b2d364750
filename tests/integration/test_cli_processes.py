"""`up`, `index`, `notify`, `api`, `simulate` in this process, each ended by a signal."""

import io
import json
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import structlog
from rich.console import Console
from sqlalchemy import func, select

from cli import sandbox_run
from cli.sinks import SINKS
from cli.verdict import judge
from cli.wiring import deployment
from notifier.callbacks.effects import SETTLED_BY_CALLBACK
from notifier.contact_file import read_contacts, write_contacts
from notifier.schema import attempt, callback, delivery
from projections import pauses
from simulator.catchers.sms_message import CUT_NUMBER
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store.engine import Database
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence
from tests.fakes.commands import Command
from tests.fakes.stopped import stopped_when
from tests.services import free_port

LEDGER_SECONDS = 0.2


@pytest.fixture(autouse=True)
def _no_log_on_standard_output() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture
def command(monkeypatch, tmp_path, sqlite_url) -> Command:
    monkeypatch.chdir(tmp_path)
    quick = {
        "API__PORT": free_port(),
        "INGEST__POLL_SECONDS": 0.1,
        "PROJECTIONS__POLL_SECONDS": 0.1,
        "NOTIFIER__POLL_SECONDS": 0.1,
        "BROKER__WORKER_THREADS": 8,
    }
    return Command(monkeypatch, sqlite_url, STATE_DIR=tmp_path, **quick)


@pytest.fixture
def sandbox(command, monkeypatch, tmp_path) -> Command:
    """Settings of `up` with a simulated network of its own."""
    for name in ("RPC_URLS", "CONTRACTS"):
        monkeypatch.delenv(f"PAUSEWIRE_NETWORK__{name}")
    given = {
        "ENABLED": "true",
        "STATE_DIR": tmp_path / "simulator",
        "STREAMS": 2,
        "LEDGER_SECONDS": LEDGER_SECONDS,
        "RPC_PORT": free_port(),
        "WEB_PORT": free_port(),
        "SMTP_PORT": free_port(),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"PAUSEWIRE_SIMULATOR__{name}", str(value))
    return command


def count(database: Database, query) -> int:
    with database.read() as conn:
        return conn.scalar(query) or 0


def accepted(database: Database, channel: str) -> int:
    query = select(func.count()).where(
        delivery.c.channel == channel, delivery.c.state == "accepted"
    )
    return count(database, query)


def told_everywhere(database: Database, times: int) -> bool:
    return all(accepted(database, channel) >= times for channel in ("email", "sms", "push"))


@pytest.fixture
def screen(monkeypatch) -> io.StringIO:
    """Where `up` prints its lines."""
    lines = io.StringIO()
    monkeypatch.setattr(sandbox_run, "Console", lambda: Console(file=lines))
    return lines


def test_up_tells_of_pauses_and_the_next_start_goes_on(sandbox, screen, sqlite_database, tmp_path):
    with stopped_when(lambda: " paused, employee told: in_app" in screen.getvalue()):
        first = sandbox.run("up").stdout
    assert "curl -H 'Authorization: Bearer pw_" in first
    assert first.endswith("stopped; the next start goes on from here\n")
    so_far = set(screen.getvalue().splitlines())
    told = len(so_far)
    with stopped_when(lambda: len(screen.getvalue().splitlines()) > told):
        second = sandbox.run("up").stdout
    lines = screen.getvalue().splitlines()
    assert len(set(lines)) == len(lines)
    assert key_in(first) != key_in(second)
    truth = read_truth(tmp_path / "simulator" / "truth.ndjson")
    with sqlite_database.read() as conn:
        verdict = judge(conn, tmp_path / "simulator", truth[0]["contract_id"])
    # The network goes on for a moment after the indexer has stopped: only what was told is final.
    assert [finding for finding in verdict.duplicated if " came " in finding] == []


def test_up_hears_from_the_sms_provider_that_messages_arrived(sandbox, screen, sqlite_database):
    arrived = select(func.count()).where(
        delivery.c.channel == "sms", delivery.c.state == "delivered"
    )
    with stopped_when(lambda: count(sqlite_database, arrived) >= 2):
        sandbox.run("up")
    with sqlite_database.read() as conn:
        rows = conn.execute(select(callback)).all()
        sms = conn.execute(arrived.with_only_columns(delivery)).first()
    assert {row.provider for row in rows} == {"twilio"}
    assert {row.kind for row in rows} == {"queued", "sent", "delivered"}
    assert {row.state for row in rows} <= {"done", "waiting"}  # none was given up
    assert sms is not None
    assert sms.handed_off_at <= sms.accepted_at <= sms.delivered_at


def key_in(told: str) -> str:
    return told.partition("Authorization: Bearer ")[2].partition("'")[0]


def test_up_without_its_network_fails_and_says_why(sandbox, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PAUSEWIRE_SIMULATOR__RPC_PORT", str(taken.getsockname()[1]))
        told = sandbox.run("up", code=1)
    assert "the simulated network could not run" in told.stderr


def test_up_fails_where_the_api_cannot_be_served(sandbox, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PAUSEWIRE_API__PORT", str(taken.getsockname()[1]))
        told = sandbox.run("up", code=1)
    assert isinstance(told.exception, SystemExit)
    assert "stopped; the next start" not in told.stdout


@contextmanager
def followed(command: Command, monkeypatch, tmp_path) -> Iterator[SimulatedNetwork]:
    """A network of its own that the roles follow, with a story of 30 events."""
    options = SimulatorOptions(
        state_dir=tmp_path / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        streams=2,
        ledger_seconds=LEDGER_SECONDS,
        scenario="burst",
        events=30,
    )
    with running(options) as network:
        contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
        given = {
            "NETWORK__PASSPHRASE": options.passphrase,
            "NETWORK__RPC_URLS": json.dumps([network.rpc_url]),
            "NETWORK__CONTRACTS": json.dumps([contract]),
            "EMAIL__PORT": str(network.smtp_port),
            "SMS__BASE_URL": network.web_url,
            "PUSH__NTFY_URL": network.web_url,
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PAUSEWIRE_{name}", value)
        command.run("recipients", "import", network.roster_path)
        yield network


def test_the_roles_as_processes_of_their_own_do_what_up_does(
    command, monkeypatch, tmp_path, sqlite_database
):
    with followed(command, monkeypatch, tmp_path):
        recorded = select(func.count()).where(evidence.c.event_id < BEHIND_EVENT_IDS)
        shown = select(func.count()).select_from(pauses.TABLES["a"])
        with stopped_when(
            lambda: count(sqlite_database, recorded) == 30 and count(sqlite_database, shown)
        ):
            command.run("index")
        with stopped_when(lambda: told_everywhere(sqlite_database, 1)):
            command.run("notify")
        with stopped_when(lambda: answers(command_port(command), "/livez")):
            command.run("api")
        with stopped_when(lambda: answers(command_port(command), "/livez")):
            command.run("up")


def test_an_sms_whose_answer_was_cut_off_is_settled_by_what_the_provider_calls_back(
    command, monkeypatch, tmp_path, sqlite_database
):
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__BASE_URL", f"http://127.0.0.1:{command_port(command)}")
    settled = (
        select(func.count())
        .join_from(delivery, attempt, delivery.c.delivery_id == attempt.c.delivery_id)
        .where(delivery.c.state == "delivered", attempt.c.detail == SETTLED_BY_CALLBACK)
    )
    with followed(command, monkeypatch, tmp_path) as network:
        with network.roster_path.open() as file:
            lines = [line._replace(phone=CUT_NUMBER) for line in read_contacts(file)]
        with (tmp_path / "cut.csv").open("w") as file:
            write_contacts(lines, file)
        command.run("recipients", "import", tmp_path / "cut.csv")
        with stopped_when(lambda: count(sqlite_database, settled) >= 3):
            command.run("up")
        caught = [json.loads(line) for line in sms_file(tmp_path).read_text().splitlines()]
    with sqlite_database.read() as conn:
        tries = conn.execute(
            select(attempt)
            .join(delivery, delivery.c.delivery_id == attempt.c.delivery_id)
            .where(delivery.c.channel == "sms")
        ).all()
    assert {row.n for row in tries} == {1}  # none was sent blindly again
    known = [row.provider_message_id for row in tries if row.detail == SETTLED_BY_CALLBACK]
    assert set(known) <= {line["sid"] for line in caught}
    assert len(set(known)) == len(known)


def sms_file(folder: Path) -> Path:
    return folder / "simulator" / SINKS["sms"].file


def test_nobody_waits_for_an_api_that_will_not_come(command):
    stop = threading.Event()
    stop.set()
    started = time.monotonic()
    sandbox_run._until_served(deployment(), stop)
    assert time.monotonic() - started < 5


def test_a_stream_that_is_not_indexed_yet_is_waited_for():
    codes, asked = [404, 404, 200], []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(codes[len(asked) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1/streams/C/1/pauses"
        sandbox_run._until_known(url, "pw_key", threading.Event())
        server.shutdown()
        thread.join()
    assert asked == ["Bearer pw_key"] * 3


def command_port(command: Command) -> int:
    rows = command.json("config", "show", "api.port")
    return int(rows[0]["value"])


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_an_api_whose_port_is_taken_fails(command, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PAUSEWIRE_API__PORT", str(taken.getsockname()[1]))
        told = command.run("api", code=1)
    assert isinstance(told.exception, SystemExit)


def test_the_network_alone_says_how_to_follow_it_and_stops_when_told(command, tmp_path):
    state_dir, port = tmp_path / "chain", free_port()
    simulate = (
        *("simulate", "--state-dir", state_dir, "--port", port, "--web-port", 0, "--smtp-port", 0),
        *("--streams", 2, "--ledger-time", LEDGER_SECONDS),
    )
    before = signal.getsignal(signal.SIGTERM)
    with stopped_when((state_dir / "truth.ndjson").exists):
        told = command.run(*simulate).stdout
    assert f"Stellar RPC    http://127.0.0.1:{port}" in told
    assert "PAUSEWIRE_NETWORK__CONTRACTS=" in told
    assert str(state_dir / "roster.csv") in told
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_network_of_a_scenario_that_does_not_exist_fails(command, tmp_path):
    told = command.run("simulate", "--scenario", "?", "--state-dir", tmp_path / "chain", code=1)
    assert "no scenario" in told.stderr
