"""`pausewire doctor` beside a network that runs: each thing that can be wrong is found by name."""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert, text, update

from cli import doctor
from notifier.schema import attempt, notice
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from store.clock import now_micros
from store.engine import Database
from store.schema import evidence, log_head, scanned_range
from tests.fakes.chain import CONTRACT
from tests.fakes.commands import Command
from tests.fakes.planned import plan
from tests.services import free_port


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedNetwork]:
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("network"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        streams=2,
        ledger_seconds=0.5,
        scenario="quiet",
    )
    with running(options) as started:
        yield started


@pytest.fixture
def command(monkeypatch, tmp_path, sqlite_url, network) -> Command:
    return command_on(sqlite_url, monkeypatch, tmp_path, network)


def command_on(database_url, monkeypatch, tmp_path, network) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    return Command(
        monkeypatch,
        database_url,
        STATE_DIR=tmp_path,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps([network.rpc_url]),
        NETWORK__CONTRACTS=json.dumps([{"id": network.contract_id}]),
        EMAIL__PORT=network.smtp_port,
        SMS__BASE_URL=network.web_url,
        PUSH__NTFY_URL=network.web_url,
    )


def failed(command: Command) -> dict[str, str]:
    """The checks that failed, with what was seen."""
    found = command.json("doctor", code=1)
    return {each["check"]: each["detail"] for each in found if not each["ok"]}


def write(database: Database, table: Table, **row: Any) -> None:
    with database.begin() as conn:
        conn.execute(insert(table), row)


def test_a_deployment_that_is_well_passes_every_check(command, network):
    found = command.json("doctor")
    assert all(set(each) == {"check", "ok", "detail"} for each in found)
    checks = [each["check"] for each in found]
    assert {"master key", "profiles", "database", "SMTP", "SMS", "push"} < set(checks)
    assert [check for check in checks if check.startswith("RPC ")]
    table = command.run("doctor").stdout
    assert "FAILED" not in table
    assert "positions have no holes" in table


def leave_a_hole(database):
    with database.begin() as conn:
        conn.execute(update(log_head).values(position=log_head.c.position + 1))


def keep_without_judging(database):
    write(
        database,
        evidence,
        event_id="1-1",
        contract_id=CONTRACT,
        bytes=b"",
        sha256=b"",
        seen_at=1,
        source="test",
    )


def scan_twice(database):
    write(database, scanned_range, contract_id=CONTRACT, from_ledger=1, to_ledger=10)
    write(database, scanned_range, contract_id=CONTRACT, from_ledger=5, to_ledger=20)
    write(database, scanned_range, contract_id="C" + "B" * 55, from_ledger=11, to_ledger=20)


def scan_without_joining(database):
    write(database, scanned_range, contract_id=CONTRACT, from_ledger=1, to_ledger=10)
    write(database, scanned_range, contract_id=CONTRACT, from_ledger=11, to_ledger=20)


def forget_a_lease(database):
    with database.begin() as conn:
        plan(conn, state="claimed", lease_until=now_micros() - 61_000_000)


def lose_a_notice(database):
    with database.begin() as conn:
        plan(conn)
        conn.execute(notice.delete())


def leave_an_attempt_open(database):
    with database.begin() as conn:
        delivery_id = plan(conn, state="failed")
    write(
        database,
        attempt,
        delivery_id=delivery_id,
        n=1,
        provider="smtp",
        phase="prepared",
        started_at=1,
        worker="w",
    )


BROKEN = [
    (leave_a_hole, "positions have no holes", "0 events, head at 1"),
    (keep_without_judging, "all evidence has an outcome", "1 kept, 0 judged"),
    (scan_twice, "scanned ranges neither overlap nor touch", "1 do"),
    (scan_without_joining, "scanned ranges neither overlap nor touch", "1 do"),
    (forget_a_lease, "no lease is overdue", "1 deliveries: is a `pausewire notify` running?"),
    (lose_a_notice, "every delivery has a notice", "1 without"),
    (leave_an_attempt_open, "every attempt has an outcome", "1 have none"),
]


@pytest.mark.parametrize(("harm", "check", "seen"), BROKEN)
def test_a_broken_invariant_is_found(command, sqlite_database, harm, check, seen):
    harm(sqlite_database)
    assert failed(command) == {check: seen}
    assert "FAILED" in command.run("doctor", code=1).stdout


def test_work_under_way_breaks_no_invariant(command, sqlite_database):
    with sqlite_database.begin() as conn:
        delivery_id = plan(conn, state="handed_off", lease_until=now_micros())
    started = {"provider": "smtp", "phase": "handed_off", "started_at": 1, "worker": "w"}
    write(sqlite_database, attempt, delivery_id=delivery_id, n=1, **started)
    assert all(check["ok"] for check in command.json("doctor"))


def test_an_endpoint_of_another_network_is_found(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_NETWORK__PASSPHRASE", "Another Network ; 2026")
    ((check, seen),) = failed(command).items()
    assert check.startswith("RPC ")
    assert "Another Network" in seen


def test_an_endpoint_that_does_not_answer_is_found_beside_one_that_does(
    command, monkeypatch, network
):
    gone = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("PAUSEWIRE_NETWORK__RPC_URLS", json.dumps([network.rpc_url, gone]))
    (check,) = failed(command)
    assert check.startswith("RPC ")


def test_a_clock_that_differs_is_found(command, monkeypatch):
    ahead = SimpleNamespace(time=lambda: time.time() + 3600)
    monkeypatch.setattr(doctor, "time", ahead)
    ((check, seen),) = failed(command).items()
    assert check.startswith("RPC ")
    assert "its clock and ours differ by 36" in seen


def test_servers_that_alerts_go_to_must_be_reachable(command, monkeypatch):
    port = free_port()
    monkeypatch.setenv("PAUSEWIRE_EMAIL__PORT", str(port))
    monkeypatch.setenv("PAUSEWIRE_SMS__BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("PAUSEWIRE_PUSH__NTFY_URL", "https://127.0.0.1")
    found = failed(command)
    assert set(found) == {"SMTP", "SMS", "push"}
    assert found["SMTP"].startswith(f"127.0.0.1:{port}: ")
    assert found["push"].startswith("127.0.0.1:443: ")


def test_channels_that_are_off_are_not_asked(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_EMAIL__ENABLED", "false")
    monkeypatch.setenv("PAUSEWIRE_SMS__PROVIDER", "none")
    checks = {each["check"] for each in command.json("doctor")}
    assert not {"SMTP", "SMS"} & checks


def test_keys_profiles_and_databases_that_cannot_be_used_are_found(command, monkeypatch, tmp_path):
    (tmp_path / "master_key").write_text("too short")
    contracts = json.dumps([{"id": CONTRACT, "profile": "no_such"}])
    monkeypatch.setenv("PAUSEWIRE_NETWORK__CONTRACTS", contracts)
    (tmp_path / "no.db").write_bytes(b"this is no database, whatever its name may say" * 20)
    monkeypatch.setenv("PAUSEWIRE_DATABASE__URL", f"sqlite:///{tmp_path / 'no.db'}")
    found = failed(command)
    assert set(found) == {"master key", "profiles", "database"}
    assert "master_key" in found["master key"]
    assert "no_such" in found["profiles"]


def test_in_development_the_network_that_up_runs_is_asked(command, monkeypatch, network):
    port = network.rpc_url.rpartition(":")[2]
    web_port = network.web_url.rpartition(":")[2]
    for name in ("RPC_URLS", "CONTRACTS"):
        monkeypatch.delenv(f"PAUSEWIRE_NETWORK__{name}")
    given = {"ENABLED": "true", "RPC_PORT": port, "WEB_PORT": web_port}
    for name, value in given.items():
        monkeypatch.setenv(f"PAUSEWIRE_SIMULATOR__{name}", value)
    monkeypatch.setenv("PAUSEWIRE_SIMULATOR__SMTP_PORT", str(network.smtp_port))
    found = command.json("doctor")
    assert [each["check"] for each in found if each["check"].startswith("RPC")] == [
        f"RPC 127.0.0.1:{port}"
    ]


def test_a_contract_that_is_not_on_the_network_is_named(monkeypatch, command):
    monkeypatch.setenv("PAUSEWIRE_NETWORK__CONTRACTS", json.dumps([{"id": CONTRACT}]))
    (detail,) = [
        each["detail"]
        for each in command.json("doctor", code=1)
        if each["check"] == f"{CONTRACT} exists" and not each["ok"]
    ]
    assert "is it deployed on another network" in detail


@pytest.mark.postgres
def test_a_server_that_does_not_clear_up_is_named(monkeypatch, tmp_path, postgres_url, network):
    command = command_on(postgres_url, monkeypatch, tmp_path, network)
    with create_engine(postgres_url).connect() as conn:
        does = conn.scalar(text("SHOW autovacuum")) == "on"
    found = command.json("doctor", code=0 if does else 1)
    (finding,) = (each for each in found if each["check"] == "the server clears up")
    assert finding["ok"] == does
    assert doctor.clears_up("on").ok
    assert not doctor.clears_up("off").ok
