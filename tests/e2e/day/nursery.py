"""Where the day's `notify` processes come from: forked from one that has loaded all (loaded.py).

A start costs more processor time than the seconds that a process has until it is killed: a thousand starts
from the file would leave two cores no time for what the day is about.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.day import loaded

_ROOT = Path(__file__).parents[3]
_END_MILLISECONDS = 45_000


class Child:
    """One process of a nursery; its log is a file."""

    def __init__(self, number: int, log: Path) -> None:
        self._handle = os.pidfd_open(number)
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def is_alive(self) -> bool:
        return not self._has_ended(0)

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        if self.is_alive():
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        assert self._has_ended(_END_MILLISECONDS), "a killed process does not end"
        os.close(self._handle)

    def _has_ended(self, milliseconds: int) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(milliseconds))


class Nursery:
    """Starts processes in a folder, each with the next log there."""

    def __init__(
        self, program: subprocess.Popen[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._program, self._folder, self._environment = program, folder, dict(environment)
        self._started = 0

    def start(self, *arguments: str) -> Child:
        """A process that runs this `pausewire` command."""
        log = self._folder / f"{self._started:04}-{arguments[0]}.log"
        log.touch()
        self._started += 1
        wanted = {
            "arguments": arguments,
            "environment": self._environment,
            "folder": str(self._folder),
            "log": str(log),
        }
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(wanted) + "\n")
        self._program.stdin.flush()
        return Child(int(self._program.stdout.readline()), log)


@contextmanager
def nursery(folder: Path, environment: Mapping[str, str]) -> Iterator[Nursery]:
    """A nursery; its processes are to be killed by whoever started them."""
    with subprocess.Popen(
        [sys.executable, "-m", loaded.__name__],
        env=dict(environment),
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        yield Nursery(program, folder, environment)
