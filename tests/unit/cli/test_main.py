"""What a person meets who typed something wrong: a line that says how to go on, and the right code."""

import sys

import pytest

from cli.main import main
from cli.output import DONE, FAILED, USAGE


@pytest.fixture
def pausewire(command, monkeypatch, capsys):
    """Run the real entry point: its code, what it printed, and what it said of errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pausewire", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


def test_what_is_done_ends_with_zero(pausewire):
    code, out, err = pausewire("db", "current")
    assert (code, err) == (DONE, "")
    assert out.startswith("revision")


def test_wrong_settings_are_all_named_at_once(pausewire, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_INGEST__PAGE_LIMIT", "0")
    monkeypatch.setenv("PAUSEWIRE_API__PORT", "x")
    code, out, err = pausewire("status")
    assert (code, out) == (USAGE, "")
    assert "2 settings are wrong" in err
    assert "PAUSEWIRE_INGEST__PAGE_LIMIT" in err
    assert "PAUSEWIRE_API__PORT" in err
    assert "Traceback" not in err


def test_a_value_that_the_domain_refuses_is_a_fault_of_usage(pausewire):
    code, out, err = pausewire("keys", "create", "--name", "shop", "--scope", "admin")
    assert (code, out) == (USAGE, "")
    assert err.startswith("scope: ")
    assert "streams:read" in err


def test_a_database_that_cannot_be_used_is_said_in_a_line(pausewire, monkeypatch, tmp_path):
    (tmp_path / "other.db").write_bytes(
        b"no database at all, but long enough to be read as one" * 9
    )
    monkeypatch.setenv("PAUSEWIRE_DATABASE__URL", f"sqlite:///{tmp_path / 'other.db'}")
    code, out, err = pausewire("status")
    assert (code, out) == (FAILED, "")
    assert err.startswith("UnusableDatabase: ")
    assert "Traceback" not in err


def test_a_command_that_does_not_exist_is_a_fault_of_usage(pausewire):
    code, _, err = pausewire("explode")
    assert code == USAGE
    assert "explode" in err


def test_no_command_shows_them_all(pausewire):
    _, out, err = pausewire()
    for name in (
        "up",
        "demo",
        "status",
        "doctor",
        "replay",
        "recipients",
        "deliveries",
        "backfill",
    ):
        assert name in out + err
