"""Logging of a process, read from its standard error."""

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from cli import logs
from config.settings import Settings, TelemetrySettings
from tests.fakes.planned import PLACES


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _configuration_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def logger_after(monkeypatch, stderr: io.StringIO, **telemetry: Any) -> Any:
    monkeypatch.setattr(sys, "stderr", stderr)
    logs.configure(Settings(telemetry=TelemetrySettings(**telemetry)))
    return structlog.get_logger()


def test_machines_read_one_json_document_per_line(monkeypatch):
    stderr = io.StringIO()
    log = logger_after(monkeypatch, stderr)
    log.info("page_recorded", events=3)
    line = json.loads(stderr.getvalue())
    assert (line["event"], line["level"], line["events"]) == ("page_recorded", "info", 3)
    assert line["timestamp"].endswith("Z")


def test_people_on_a_terminal_read_lines(monkeypatch):
    stderr = Terminal()
    logger_after(monkeypatch, stderr).info("page_recorded", events=3)
    assert "page_recorded" in stderr.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stderr.getvalue())


def test_json_may_be_wanted_on_a_terminal_too(monkeypatch):
    stderr = Terminal()
    logger_after(monkeypatch, stderr, log_format="json").info("page_recorded")
    assert json.loads(stderr.getvalue())["event"] == "page_recorded"


def test_less_than_the_level_is_not_logged(monkeypatch):
    stderr = io.StringIO()
    log = logger_after(monkeypatch, stderr, log_level="warning")
    log.info("page_recorded")
    assert stderr.getvalue() == ""
    log.warning("gap_opened")
    assert "gap_opened" in stderr.getvalue()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_values_of_variables(monkeypatch, log_format):
    stderr = io.StringIO()
    log = logger_after(monkeypatch, stderr, log_format=log_format)
    destination = PLACES["email"]
    try:
        fail_to_reach(destination)
    except ValueError:
        log.exception("role_failed")
    assert "ValueError: no route" in stderr.getvalue()
    assert destination not in stderr.getvalue()


def fail_to_reach(destination: str) -> None:
    raise ValueError("no route" if destination else "")
