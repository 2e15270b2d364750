"""The long-running processes: their exit codes, and the key of a development start."""

import os
import signal

import pytest
import typer

from api.keys import list_keys
from cli import processes, sandbox_run
from cli.roles import Role
from cli.wiring import deployment
from simulator.accounts import contract_id_for
from simulator.network import SimulatedNetwork
from simulator.options import SimulatorOptions


@pytest.fixture
def network(tmp_path):
    """Never started: only its people are asked for."""
    return SimulatedNetwork(SimulatorOptions(state_dir=tmp_path, streams=2))


def fail(stop):
    raise RuntimeError("the disk is on fire")


def test_a_role_that_fails_makes_the_process_end_with_one(command):
    with pytest.raises(typer.Exit) as ended:
        processes._run(deployment(), lambda here, database: [Role("wrong", fail)])
    assert ended.value.exit_code == 1


def test_a_process_told_to_stop_ends_well(command):
    heard = []

    def told_to_stop(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        heard.append(stop.wait(20))

    processes._run(deployment(), lambda here, database: [Role("polite", told_to_stop)])
    assert heard == [True]


def test_everything_is_what_up_runs(command, sqlite_database):
    roles = processes.all_roles(deployment(), sqlite_database)
    names = [
        *("index", "projections", "retention", "contracts", "plan", "backlog", "notify"),
        *("callbacks", "contacts", "look-ups", "money", "onward", "forget", "reminders"),
        *("canary", "api"),
    ]
    assert [role.name for role in roles] == names


def test_each_start_has_a_key_of_its_own_and_revokes_the_one_before(sqlite_database, network):
    first = sandbox_run._fresh_key(sqlite_database, network)
    second = sandbox_run._fresh_key(sqlite_database, network)
    assert first != second
    with sqlite_database.read() as conn:
        known = {key.id: key for key in list_keys(conn)}
    alive = [key.id for key in known.values() if key.revoked_at is None]
    assert len(known) == 2
    assert [second.startswith(f"pw_{key_id}_") for key_id in alive] == [True]
    assert known[alive[0]].account_id == network.cast.employees[0]


def test_keys_of_other_names_are_left_alone(command, sqlite_database, network):
    command.run("keys", "create", "--name", "shop", "--scope", "operator")
    sandbox_run._fresh_key(sqlite_database, network)
    assert [key["revoked_at"] for key in command.json("keys", "list")] == [None, None]


def test_what_to_open_and_what_to_ask_is_printed(command, network, capsys):
    network.web_url = "http://127.0.0.1:9101"
    sandbox_run._introduce(deployment(), network, "pw_key")
    told = capsys.readouterr().out
    assert "http://127.0.0.1:8000/docs" in told
    assert "http://127.0.0.1:9101" in told
    assert "Authorization: Bearer pw_key" in told
    assert f"/v1/streams/{contract_id_for(seed=1)}/1/pauses" in told
