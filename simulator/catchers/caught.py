"""The record of one channel: a JSON line per caught message, on file before the sender hears "yes".

The page shows the newest ones from memory; whoever judges a test reads the file.
"""

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT_IN_MEMORY = 1_000

CaughtMessage = dict[str, Any]


class Caught:
    """Append-only; goes on after a restart, and over a torn last line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._handle = path.open("a+b", buffering=0)
        self._handle.seek(0)
        written = self._handle.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._handle.truncate(len(whole))
        lines = (json.loads(line) for line in whole.splitlines())
        self._newest: deque[CaughtMessage] = deque(lines, KEPT_IN_MEMORY)

    def close(self) -> None:
        """Release the file."""
        self._handle.close()

    def record(self, message: CaughtMessage) -> None:
        """Append one message; it survives the process from here on."""
        line = {"received_at": datetime.now(UTC).isoformat(timespec="microseconds"), **message}
        self._handle.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._newest.append(line)

    def newest_first(self) -> Iterator[CaughtMessage]:
        """The messages kept in memory."""
        return reversed(self._newest)
