"""Roles of a process: threads that run until the process is told to stop.

A role that ends by itself, or by an error outside every guard, ends the process with a code that is
not zero, so that its supervisor starts it again from what is committed.
"""

import gc
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

_LOG = structlog.get_logger()
_JOIN_SECONDS = 30.0
_GC_ALLOCATIONS = 50_000


@dataclass(frozen=True)
class Role:
    """A name and what to run; `run` returns soon after the event is set."""

    name: str
    run: Callable[[threading.Event], None]


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the handlers before are put back at the end."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda _number, _frame: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Roles:
    """Several roles of one process, started together and stopped together."""

    def __init__(self, roles: Sequence[Role], stop: threading.Event) -> None:
        self._stop = stop
        self.failed: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(role,), name=role.name, daemon=True)
            for role in roles
        ]

    def start(self) -> None:
        """Start every role on a thread of its own.

        What is loaded by now stays for the process's life, and what the roles make dies young by
        reference count: with the collector's defaults T1 takes 20 % longer.
        """
        gc.freeze()
        gc.set_threshold(_GC_ALLOCATIONS, 20, 100)
        for thread in self._threads:
            thread.start()

    def join(self) -> bool:
        """Wait until all have ended; False when one of them failed or would not stop."""
        while not self._stop.wait(0.5):
            pass
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        for name in stuck:
            _LOG.error("role_stuck", role=name, waited_seconds=_JOIN_SECONDS)
        return not self.failed and not stuck

    def _run(self, role: Role) -> None:
        try:
            role.run(self._stop)
        except BaseException:  # noqa: BLE001 # whatever ends a role ends the process, with its reason logged
            _LOG.exception("role_failed", role=role.name)
            self.failed.append(role.name)
        else:
            if not self._stop.is_set():
                _LOG.error("role_ended", role=role.name)
                self.failed.append(role.name)
        self._stop.set()


def run_roles(roles: Sequence[Role], stop: threading.Event) -> bool:
    """Run roles until stopped; True when all of them ended as told."""
    running = Roles(roles, stop)
    running.start()
    return running.join()
