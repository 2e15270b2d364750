"""How long to wait after trouble: doubling with jitter, a server's own Retry-After wins."""

import random

FIRST_SECONDS = 0.2
MOST_SECONDS = 15.0
RETRY_AFTER_MOST_SECONDS = 300.0


class Backoff:
    """Waits of 0.2 s, 0.4 s … 15 s, each spread by a quarter so that nodes do not march in step."""

    def __init__(self, dice: random.Random | None = None) -> None:
        self._dice = dice or random.Random()
        self._tries = 0

    def next(self, retry_after: float | None = None) -> float:
        """Seconds to wait before the next try; `retry_after`: what the far side asked for."""
        if retry_after is not None:
            return min(max(retry_after, 0.0), RETRY_AFTER_MOST_SECONDS)
        wait = min(FIRST_SECONDS * 2.0 ** min(self._tries, 30), MOST_SECONDS)
        self._tries += 1
        return wait * self._dice.uniform(0.75, 1.25)

    def reset(self) -> None:
        """All is well again."""
        self._tries = 0
