"""Commands on a fresh, migrated database; nothing they set up stays with the tests' process."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.fakes.commands import Command


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    """No log line on standard output, and the collector's settings back where they were."""
    before, thresholds = structlog.get_config(), gc.get_threshold()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Command:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")  # tables that break no line
    return Command(monkeypatch, sqlite_url, STATE_DIR=tmp_path)
