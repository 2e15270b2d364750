"""What `make run` does: everything in one process, a pause told on every channel, and on again later."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.sinks import SINKS, caught_lines
from cli.verdict import judge
from simulator.truth import read_truth
from store.engine import Database
from tests.e2e.harness import Process, outside, until
from tests.services import free_port

pytestmark = pytest.mark.e2e

_KINDS = ("RPC_PORT", "WEB_PORT", "SMTP_PORT")


@contextmanager
def up(folder: Path, environment: dict[str, str], log: str) -> Iterator[Process]:
    process = Process(("up",), environment, folder / log)
    try:
        until(lambda: "Bearer" in process.log, seconds=90, what="the introduction")
        yield process
    finally:
        process.kill()


def introduced(process: Process) -> tuple[str, str]:
    """The key and the address of the printed `curl`."""
    found = re.search(r"'Authorization: Bearer (\S+)' \\\s+(\S+)", process.log)
    assert found is not None
    return found[1], found[2]


def get(url: str, key: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def status_of(url: str, key: str) -> int:
    try:
        get(url, key)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_a_pause_is_told_on_every_channel_and_the_next_start_goes_on(tmp_path: Path) -> None:
    environment = outside() | {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_SIMULATOR__LEDGER_SECONDS": "0.5",
        "PAUSEWIRE_API__PORT": str(free_port()),
        **{f"PAUSEWIRE_SIMULATOR__{kind}": str(free_port()) for kind in _KINDS},
    }
    simulated = tmp_path / "var" / "simulator"
    started_at = time.monotonic()
    with up(tmp_path, environment, "first.log") as process:
        key, pauses_url = introduced(process)
        inbox_url = f"{pauses_url.partition('/v1/')[0]}/v1/me/inbox"
        until(lambda: get(pauses_url, key)["items"], seconds=90, what="an interval of stream 1")
        until(lambda: get(inbox_url, key)["items"], seconds=90, what="an in-app notice")
        for channel, sink in SINKS.items():
            caught = simulated / sink.file
            until(
                lambda path=caught: caught_lines(path), seconds=90, what=f"{channel} at its catcher"
            )
        until(lambda: "stream 1 paused" in process.log, seconds=90, what="the line of the pause")
        assert time.monotonic() - started_at < 60
        assert status_of(pauses_url, "not a key") == 401
        process.stop()
    assert "the next start goes on" in process.log
    before = (simulated / "chain.ndjson").read_bytes()
    told_before = len(read_truth(simulated / "truth.ndjson"))

    with up(tmp_path, environment, "second.log") as process:
        new_key, _ = introduced(process)
        assert status_of(pauses_url, key) == 401
        assert status_of(pauses_url, new_key) == 200
        until(
            lambda: len(read_truth(simulated / "truth.ndjson")) > told_before + 3,
            seconds=90,
            what="the story to go on",
        )
        _come_to_rest(tmp_path, process)
    assert (simulated / "chain.ndjson").read_bytes().startswith(before)


def _come_to_rest(folder: Path, process: Process) -> None:
    """Stop it, and judge what both starts together recorded and told."""
    contract_id = introduced(process)[1].split("/streams/")[1].partition("/")[0]
    process.stop()
    database = Database.open(f"sqlite:///{folder / 'var' / 'pausewire.db'}")
    with database.read() as conn:
        verdict = judge(conn, folder / "var" / "simulator", contract_id)
    database.close()
    assert not verdict.duplicated
    assert verdict.unknown == 0
    # The chain closes a last ledger or two while the indexer stops: that is for the next start.
    assert verdict.events_on_chain - verdict.events_recorded <= 6


def test_a_story_begins_anew_with_the_same_keys_until_a_signal(tmp_path: Path) -> None:
    web_port, api_port = free_port(), free_port()
    environment = outside() | {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_SIMULATOR__LEDGER_SECONDS": "0.5",
        "PAUSEWIRE_SIMULATOR__SCENARIO": "paused-now",
        "PAUSEWIRE_API__PORT": str(api_port),
        **{f"PAUSEWIRE_SIMULATOR__{kind}": str(free_port()) for kind in _KINDS},
        "PAUSEWIRE_SIMULATOR__WEB_PORT": str(web_port),
    }
    with up(tmp_path, environment, "up.log") as process:
        key, pauses_url = introduced(process)
        paused = f"{pauses_url.partition('/streams/')[0]}/streams?status=paused"
        until(lambda: len(get(paused, key)["items"]) == 8, seconds=40, what="eight pauses")
        reset = urllib.request.Request(
            f"http://127.0.0.1:{web_port}/sandbox/reset",
            b'{"scenario": "gap"}',
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(reset, timeout=10) as response:
            assert response.status == 202
        until(lambda: "begun anew with the scenario gap" in process.log, seconds=60, what="a reset")
        until(lambda: _completeness(paused, key) == "gap", seconds=60, what="the gap")
        process.stop()
    assert "the next start goes on" in process.log


def _completeness(url: str, key: str) -> str:
    try:
        return str(get(url, key)["completeness"])
    except OSError:
        return "not served"
