"""`pausewire demo` in this process: the words for people, and what a failure looks like."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cli import demo
from cli.roles import Role
from tests.fakes.chain import created
from tests.fakes.commands import Command
from tests.fakes.served import Served


@pytest.fixture(autouse=True)
def _no_log_on_standard_output() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command without a single setting."""
    made = Command(monkeypatch, "sqlite:///")
    for name in [name for name in os.environ if name.startswith("PAUSEWIRE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return made


def test_a_run_in_which_nothing_is_lost_says_so(command, tmp_path):
    lines = command.run("demo", "--events", "30", "--timeout", "90").stdout.splitlines()
    assert lines[0].startswith("30 of 30 events recorded, ")
    for channel in ("email", "sms", "push"):
        (line,) = (line for line in lines if line.startswith(f"  {channel}: "))
        assert "accepted after " in line
    assert lines[-1] == (
        "lost 0, duplicated 0, sent again 0, unknown 0, replay equal (sqlite, memory)"
    )
    assert list(tmp_path.iterdir()) == [], "the state of a demo goes with it"


def test_what_is_not_done_in_time_is_named_and_fails(command):
    told = command.run("demo", "--events", "5000", "--timeout", "1", code=1).stdout
    assert "not all was done within 1 s" in told
    assert "lost 0" not in told


def test_a_role_that_fails_is_a_loss(command, monkeypatch):
    def fail(stop):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(demo, "notify_roles", lambda here, database: [Role("notify", fail)])
    summary = json.loads(command.run("demo", "--events", "10", "--json", code=1).stdout)
    assert summary["lost"] > 0
    told = command.run("demo", "--events", "10", code=1).stdout
    assert "the role notify failed" in told


def test_a_database_that_holds_events_already_is_refused(command, monkeypatch, sqlite_database):
    Served(sqlite_database).tell(created(1))
    monkeypatch.setenv("PAUSEWIRE_DATABASE__URL", sqlite_database.url)
    told = command.run("demo", "--events", "10", code=2)
    assert "the database is not empty" in told.stderr
