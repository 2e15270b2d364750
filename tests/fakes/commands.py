"""The `pausewire` command in this process, on a database of the test and settings from variables."""

import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli import logs
from cli.main import app
from tests.fakes.chain import CONTRACT
from tests.fakes.scripted_rpc import PASSPHRASE


class Command:
    """Runs commands; `settings` are variables without their prefix."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, database_url: str, **settings: object
    ) -> None:
        # The process's logging stays the tests': structlog would keep the first loggers it makes.
        monkeypatch.setattr(logs, "configure", lambda _: None)
        given: dict[str, object] = {
            "ENVIRONMENT": "development",
            "SIMULATOR__ENABLED": "false",
            "DATABASE__URL": database_url,
            "NETWORK__PASSPHRASE": PASSPHRASE,
            "NETWORK__RPC_URLS": json.dumps(["http://127.0.0.1:1"]),
            "NETWORK__CONTRACTS": json.dumps([{"id": CONTRACT}]),
            "INGEST__LEASE_SECONDS": "1",
            "INGEST__POLL_SECONDS": "0.05",
            **settings,
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PAUSEWIRE_{name}", str(value))

    def run(self, *arguments: object, code: int = 0, typed: str | None = None) -> Result:
        """Run to the end, which must be this code. `typed`: what is answered to its questions."""
        done = CliRunner().invoke(app, [str(each) for each in arguments], input=typed)
        assert done.exit_code == code, (done.output, done.exception)
        assert isinstance(done.exception, SystemExit | None), "a fault must be told, not raised"
        return done

    def json(self, *arguments: object, code: int = 0) -> Any:
        """Run with --json and read what it printed."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)
