"""Kill points end the process at the hit that was asked for, and are inert otherwise."""

import os
import signal
import subprocess
import sys

import pytest

from store.killpoint import VARIABLE, reached

REACH = "from store.killpoint import reached\nfor n in range(5):\n    print(n, flush=True); reached('here')"


def run(wanted: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", REACH],
        env=os.environ | {VARIABLE: wanted},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize(("wanted", "hits"), [("here:1", 1), ("here", 1), ("here:3", 3)])
def test_the_process_is_killed_at_the_nth_hit(wanted, hits):
    done = run(wanted)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == [str(n) for n in range(hits)]


@pytest.mark.parametrize("wanted", ["elsewhere:1", "here:6"])
def test_other_places_and_fewer_hits_do_nothing(wanted):
    done = run(wanted)
    assert done.returncode == 0
    assert len(done.stdout.split()) == 5


def test_without_the_variable_nothing_happens(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    reached("here")
    assert VARIABLE not in os.environ
