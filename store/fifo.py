"""A lock that is handed on in the order in which it was asked for.

SQLite has one writer, and its busy handler lets in whoever polls at the right moment: under load a
thread can starve. `threading.Lock` promises no order either.
"""

import threading
from collections import deque
from types import TracebackType


class FifoLock:
    """First come, first served; not reentrant: asking again in the same thread is a defect."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[tuple[int, threading.Lock]] = deque()
        self._holder: int | None = None

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder == me:
                raise RuntimeError("this thread is inside a write transaction already")
            if self._holder is None:
                self._holder = me
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append((me, turn))
        turn.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            if not self._waiting:
                self._holder = None
                return
            self._holder, turn = self._waiting.popleft()
            turn.release()
