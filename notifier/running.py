"""The loop of a notifier role: step until nothing is left, wait, and outlive a database that is away."""

import threading
from collections.abc import Callable

import structlog

from store.errors import Transient

ROLE_BACKED_OFF = "role_backed_off"
ROLE_RECOVERED = "role_recovered"

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


def run_until(
    stop: threading.Event, step: Callable[[], int], *, pause: Callable[[], object], role: str
) -> None:
    """Call `step` until told to stop; `pause` waits after a step that found nothing to do.

    A locked, full or unreachable database is waited out; any other error ends the role.
    """
    log = structlog.get_logger(role=role)
    backed_off = 0.0
    while not stop.is_set():
        try:
            worked = step()
        except Transient as error:
            backed_off = min(backed_off * 2 or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            log.warning(ROLE_BACKED_OFF, reason=type(error).__name__, pause_seconds=backed_off)
            stop.wait(backed_off)
            continue
        if backed_off:
            log.info(ROLE_RECOVERED)
            backed_off = 0.0
        if not worked and not stop.is_set():
            pause()
