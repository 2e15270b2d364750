"""The notify processes: killed at random moments while there is work, and started again at once."""

import random
import time
from dataclasses import dataclass

from tests.e2e.day.nursery import Child, Nursery

_STARTED = "notify_worker_started"
_LONGEST_LIFE_SECONDS = 4.0


@dataclass
class _Worker:
    process: Child
    ready: bool = False
    dies_at: float = 0.0


class Crew:
    """`kills`: dealt so far."""

    def __init__(self, nursery: Nursery, *, workers: int, seed: int) -> None:
        self.kills = 0
        self._nursery = nursery
        self._rng = random.Random(f"crew {seed}")
        self._workers = [self._hired() for _ in range(workers)]

    def look(self, *, may_kill: bool) -> None:
        """Kill whose time has come, and start it again; fail the test where one ended by itself."""
        for place, worker in enumerate(self._workers):
            assert worker.process.is_alive(), f"notify ended:\n{worker.process.log[-3000:]}"
            if not worker.ready:
                self._greet(worker)
            elif may_kill and time.monotonic() >= worker.dies_at:
                worker.process.kill()
                self.kills += 1
                self._workers[place] = self._hired()
                return

    def close(self) -> None:
        """End them all."""
        for worker in self._workers:
            worker.process.kill()

    def _hired(self) -> _Worker:
        return _Worker(self._nursery.start("notify"))

    def _greet(self, worker: _Worker) -> None:
        """Once it works it has a random while to live."""
        if _STARTED in worker.process.log:
            worker.ready = True
            life = self._rng.uniform(0.1, _LONGEST_LIFE_SECONDS)
            worker.dies_at = time.monotonic() + life
