"""How many requests an endpoint may be sent: a bucket of tokens that fills as time passes.

Who comes too early waits, first come first served; nobody is turned away.
"""

from typing import Final

_BURST_SECONDS: Final = 5.0


class Budget:
    """Requests per minute, of which those of five seconds may come at once; None: no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._per_second = (per_minute or 0) / 60.0
        self._most = max(1.0, self._per_second * _BURST_SECONDS)
        self._tokens = self._most
        self._filled_at: float | None = None

    def wait_seconds(self, now: float) -> float:
        """How long a request would have to wait now. `now`: any clock's seconds, always the same one."""
        if self.per_minute is None:
            return 0.0
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self._per_second)

    def reserve(self, now: float) -> float:
        """Take a token; seconds until it may be used. Who does not wait breaks the budget."""
        wait = self.wait_seconds(now)
        if self.per_minute is not None:
            self._tokens -= 1.0
        return wait

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            gained = max(0.0, now - self._filled_at) * self._per_second
            self._tokens = min(self._most, self._tokens + gained)
        self._filled_at = now
