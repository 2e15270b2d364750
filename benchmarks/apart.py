"""A measurement in a process of its own, which runs as ours do, with that process's memory.

Peak memory is a high-water mark of the process, so what is measured must not share one with what was
measured before it. Memory is read from Linux's /proc; elsewhere it is 0 and its lines are left out.
"""

import multiprocessing
import re
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import structlog

from cli.roles import Roles

_STATUS = Path("/proc/self/status")
_KILOBYTES_PER_MEGABYTE = 1024

P = ParamSpec("P")
T = TypeVar("T")


class Call(Protocol):
    """Runs a module's function somewhere."""

    def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Its result. Raises what it raises."""
        ...


def call(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a module's function in a fresh process. Raises what it raises."""
    with process() as executor:
        return executor.submit(work, *args, **kwargs).result()


def process() -> ProcessPoolExecutor:
    """A fresh process, to run something beside."""
    # Spawned, not forked: a forked child would begin with our pages and our threads' locks.
    spawned = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawned, initializer=as_we_run)


def as_we_run() -> None:
    """The collector as in `pausewire up`; log lines are built as JSON as there, and go nowhere."""
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=lambda *_: structlog.testing.CapturingLogger(),
    )
    Roles([], threading.Event()).start()


def resident_megabytes() -> float:
    """Memory that this process holds now."""
    return _megabytes("VmRSS")


def peak_megabytes() -> float:
    """The most that it ever held."""
    return _megabytes("VmHWM")


def _megabytes(field: str) -> float:
    if not _STATUS.exists():
        return 0.0
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text("ascii"), re.MULTILINE)
    return 0.0 if found is None else int(found[1]) / _KILOBYTES_PER_MEGABYTE
