"""The clients that we ship, against a running API: typed calls, whole lists, a feed that survives cuts."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app as commands
from tests.fakes import chain
from tests.fakes.listening import PATIENCE, listening
from tests.fakes.served import Served
from tests.house.repository import ROOT
from tests.node_package import installed, node, npm

TYPESCRIPT = ROOT / "clients/typescript"
PYTHON = ROOT / "clients/python"
PAUSES = 15


@pytest.fixture(scope="module")
def package() -> Path:
    """The TypeScript package, built."""
    npm(installed(TYPESCRIPT), "run", "build")
    return TYPESCRIPT


@pytest.fixture
def api(sqlite_database) -> Iterator[dict[str, str]]:
    """A running API with a stream that was often paused, as variables."""
    served = Served(sqlite_database, feed_heartbeat_seconds=0.5, feed_poll_seconds=0.1)
    facts = [chain.created(1)]
    for ledger in range(2, 2 + 2 * PAUSES, 2):
        facts += [chain.paused(ledger), chain.resumed(ledger + 1)]
    served.tell(*facts)
    with listening(served.app) as url:
        yield {
            "PAUSEWIRE_URL": url,
            "PAUSEWIRE_KEY": served.key,
            "PAUSEWIRE_CONTRACT": chain.CONTRACT,
            "PAUSEWIRE_STREAM": "7",
        }


def test_the_document_beside_the_clients_is_the_apis():
    said = CliRunner().invoke(commands, ["openapi"]).stdout
    assert json.loads(said) == json.loads((ROOT / "clients/openapi.json").read_text()), (
        "make client"
    )


def test_the_types_are_generated_from_that_document(tmp_path):
    folder = installed(TYPESCRIPT)
    node(
        folder,
        "node_modules/.bin/openapi-typescript",
        "../openapi.json",
        "--output",
        f"{tmp_path}/schema.ts",
    )
    assert (tmp_path / "schema.ts").read_text() == (folder / "src/schema.ts").read_text(), (
        "make client"
    )


def test_the_typescript_client_against_a_running_api(package, api):
    said = node(package, "--test", **api)
    assert "# fail 0" in said
    assert "# skipped 0" in said


def test_npm_packs_what_the_client_needs_and_nothing_else(package):
    [packed] = json.loads(npm(package, "pack", "--dry-run", "--json", "--ignore-scripts"))
    names = {file["path"] for file in packed["files"]}
    assert {"package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"} <= names
    assert {name.partition("/")[0] for name in names} == {
        *("package.json", "README.md", "LICENSE", "dist")
    }


@pytest.mark.parametrize("language", ["typescript", "python"])
def test_the_quickstart_lists_the_pauses_and_reads_the_feed(language, api, request):
    if language == "typescript":
        program = ["node", str(request.getfixturevalue("package") / "examples/quickstart.mjs")]
    else:
        program = [sys.executable, str(PYTHON / "quickstart.py")]
    running = subprocess.Popen(
        program,
        env={**os.environ, **api},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = read(running, PAUSES + 2 * PAUSES + 1)
    finally:
        running.kill()
        running.communicate()
    assert all(line.count("20") >= 2 for line in lines[:PAUSES])
    assert lines[PAUSES].split() == ["1", "created", "7"]
    assert lines[-1].split()[1] == "resumed"


def read(running: subprocess.Popen[str], count: int) -> list[str]:
    """So many lines of what it prints; fails when it ends before that."""
    assert running.stdout is not None
    deadline = time.monotonic() + PATIENCE
    lines: list[str] = []
    while len(lines) < count:
        line = running.stdout.readline()
        assert line, "".join(lines)
        assert time.monotonic() < deadline
        lines.append(line)
    return lines
