"""`pausewire db`, and how a command opens its database."""

import pytest
import typer

from cli.wiring import Deployment, deployment, process_name
from config.layers import Loaded
from config.settings import Settings
from tests.fakes.commands import Command


@pytest.fixture
def empty(monkeypatch, tmp_path):
    return Command(monkeypatch, f"sqlite:///{tmp_path / 'new.db'}", STATE_DIR=tmp_path)


def test_a_new_database_is_upgraded_and_taken_back(empty):
    assert empty.json("db", "current") == {"revision": None}
    assert "the schema is at " in empty.run("db", "upgrade").stdout
    newest = empty.json("db", "current")["revision"]
    assert newest
    assert empty.run("db", "downgrade", "base").stdout == "the schema is at base\n"
    assert empty.json("db", "current") == {"revision": None}


def test_the_schema_may_be_taken_to_a_revision(empty, command):
    newest = command.json("db", "current")["revision"]
    assert f"the schema is at {newest}" in empty.run("db", "upgrade", newest).stdout


def test_where_to_downgrade_must_be_said(command):
    assert "REVISION" in command.run("db", "downgrade", code=2).output.upper()


def test_a_command_brings_a_new_database_up_to_date_first(empty):
    assert empty.json("keys", "list") == []
    assert empty.json("db", "current")["revision"]


def test_without_a_database_the_way_out_is_named(capsys):
    with pytest.raises(typer.Exit) as ended:
        _ = Deployment(Loaded(Settings(), {})).database_url
    assert ended.value.exit_code == 2
    assert "PAUSEWIRE_DATABASE__URL" in capsys.readouterr().err


def test_a_process_opens_one_database_and_has_one_master_key(command):
    here = deployment()
    try:
        assert here.database is here.migrated_database()
        assert len(here.master_key) == 32
        assert deployment().master_key == here.master_key
    finally:
        here.database.close()


def test_no_two_processes_have_the_same_name():
    assert process_name() != process_name()
