"""What happens on the chain in a day: pauses and resumes, cancellations, storms, a stream that flaps.

The script knows how every stream stands, so each call is legal and each tells somebody something.
"""

import random
from collections.abc import Iterator

from simulator.calls import Call
from simulator.network import SimulatedNetwork
from tests.e2e.day.size import Size

ACTIVE, PAUSED = "active", "paused"
FLAPPING = 1  # the first stream, of the first employee
_DEPOSIT, _RATE = 10**15, 1_000
# When the whole contract stops and goes on; when the first employer stops everybody, or lets them go on.
_CONTRACT_AT = (0.35, 0.42, 0.75, 0.8)
_STORM_AT = (0.15, 0.25, 0.6, 0.7)
_FLAPS, _CANCELS = 0.06, 0.09  # thresholds of one draw
_MOST_CANCELLED = 0.2
# Who paused is learned a moment later, for which `index` folds the whole history of that stream.
_MOST_FLAPS = 500


class Script:
    """Goes on event by event. `events`: told so far."""

    def __init__(self, network: SimulatedNetwork, size: Size) -> None:
        self.events = 0
        self._network, self._size = network, size
        self._rng = random.Random(f"day {size.seed}")
        cast = network.cast
        self._employer = {n + 1: cast.employer_of(n) for n in range(size.streams)}
        self._crowd: list[int] = []
        self._status: dict[int, str] = {}
        self._contract, self._storms = list(_CONTRACT_AT), list(_STORM_AT)
        self._cancelled = self._flaps = 0

    @property
    def streams(self) -> int:
        """How many there are once the crowd of the first employer has been hired."""
        return len(self._employer)

    def hire(self) -> None:
        """Give the first employer a crowd to pay, beside what the network begins with."""
        cast = self._network.cast
        crowd = self._rng.sample(cast.employees, max(4, len(cast.employees) // 10))
        terms = (cast.token_id, _DEPOSIT, _RATE, 0)
        for employee in crowd:
            self._network.submit(Call("create_stream", (cast.employers[0], employee, *terms)))
            self._employer[len(self._employer) + 1] = cast.employers[0]
            self._crowd.append(len(self._employer))
        self._status = dict.fromkeys(self._employer, ACTIVE)

    def go_on(self, most: int) -> None:
        """So many more events, or some more where they come together."""
        wanted = min(self._size.events, self.events + most)
        while self.events < wanted:
            for calls in self._next():
                self._network.submit(*calls)
                self.events += len(calls)

    def _next(self) -> Iterator[list[Call]]:
        done = self.events / self._size.events
        if self._contract and done >= self._contract[0]:
            function = "unpause_contract" if len(self._contract) % 2 else "pause_contract"
            self._contract.pop(0)
            yield [Call(function, (self._network.cast.admin,))]
        elif self._storms and done >= self._storms[0]:
            self._storms.pop(0)
            yield from ([self._toggle(stream)] for stream in self._crowd if stream in self._status)
        else:
            yield self._one()

    def _one(self) -> list[Call]:
        draw, stream = self._rng.random(), self._rng.choice(list(self._status))
        if draw < _FLAPS and self._flaps < _MOST_FLAPS:
            self._flaps += 1
            return [self._toggle(FLAPPING) for _ in range(3)]
        few = self._cancelled < len(self._employer) * _MOST_CANCELLED
        if draw < _CANCELS and few and stream != FLAPPING:
            self._cancelled += 1
            del self._status[stream]
            return [Call("cancel_stream", (self._employer[stream], stream))]
        return [self._toggle(stream)]

    def _toggle(self, stream: int) -> Call:
        paused = self._status[stream] == PAUSED
        self._status[stream] = ACTIVE if paused else PAUSED
        function = "resume_stream" if paused else "pause_stream"
        return Call(function, (self._employer[stream], stream))
