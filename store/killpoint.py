"""Named places where a test may end this process as a power cut would.

`PAUSEWIRE_TEST_KILL_AT=after_handoff:3` kills at the third time `after_handoff` is reached. Without
the variable nothing happens. The hits left are counted in the variable itself.
"""

import os
import signal

VARIABLE = "PAUSEWIRE_TEST_KILL_AT"


def reached(name: str) -> None:
    """Say that a named place was reached; the process ends here if a test asked for it."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    place, _, hits = wanted.partition(":")
    if place != name:
        return
    left = int(hits or 1) - 1
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    os.environ[VARIABLE] = f"{name}:{left}"
