"""A long-running command of this process, ended by a real signal once it has done what it should."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopped_when(condition: Callable[[], object], *, seconds: float = 60) -> Iterator[None]:
    """Send SIGTERM as soon as the condition holds, which it must do in time.

    Only a handler that the command has put up is ever met: the signal would end the tests otherwise.
    """
    before = signal.getsignal(signal.SIGTERM)
    ended = threading.Event()
    held: list[bool] = []

    def watch() -> None:
        deadline = time.monotonic() + seconds
        while not ended.wait(0.05):
            held[:] = [True] if condition() else []
            if held or time.monotonic() > deadline:
                break
        if not ended.is_set() and signal.getsignal(signal.SIGTERM) is not before:
            os.kill(os.getpid(), signal.SIGTERM)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join(10)
    assert held, f"waited {seconds} s in vain"
