"""The chain on disk: one JSON line per closed ledger, written and synced before it is served.

A line holds the calls, not the events: the contract is deterministic, so reading the file again gives
the same chain, and the ledger hash in each line proves it. A torn last line never closed: it is cut.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator.calls import BY_SOURCE, Call
from simulator.errors import StateMismatch

FILE_NAME = "chain.ndjson"


class LedgerLine(NamedTuple):
    """A closed ledger as stored."""

    sequence: int
    closed_at: int
    hash: str
    transactions: Sequence[Sequence[Call]]


class ChainFile:
    """Append-only, used by one process at a time."""

    def __init__(self, state_dir: Path, genesis: dict[str, Any]) -> None:
        """Open or create. Raises StateMismatch when the file is in use or of another network."""
        state_dir.mkdir(parents=True, exist_ok=True)
        self._path = state_dir / FILE_NAME
        self._handle = self._path.open("a+b", buffering=0)
        try:
            self._lock()
            self._cut_torn_tail()
            self._check(genesis)
        except BaseException:
            self._handle.close()
            raise

    def close(self) -> None:
        """Let another process use the file."""
        self._handle.close()

    def append(self, line: LedgerLine) -> None:
        """Write one ledger and wait until it is on disk."""
        self._write([line.sequence, line.closed_at, line.hash, line.transactions])

    def ledgers(self) -> Iterator[LedgerLine]:
        """Every stored ledger, oldest first."""
        with self._path.open("rb") as lines:
            next(lines)
            for text in lines:
                sequence, closed_at, digest, transactions = json.loads(text)
                calls = [[_call(*each) for each in calls] for calls in transactions]
                yield LedgerLine(sequence, closed_at, digest, calls)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateMismatch(f"{self._path} is in use by another simulator") from error

    def _write(self, value: object) -> None:
        self._handle.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")
        os.fdatasync(self._handle.fileno())

    def _cut_torn_tail(self) -> None:
        size = self._handle.seek(0, os.SEEK_END)
        step = 1 << 16
        end = size
        while end > 0:
            start = max(0, end - step)
            self._handle.seek(start)
            newline = self._handle.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._handle.truncate(end)

    def _check(self, genesis: dict[str, Any]) -> None:
        with self._path.open("rb") as lines:
            first = lines.readline()
        if not first:
            self._write(genesis)
            return
        stored = json.loads(first)
        if stored != genesis:
            raise StateMismatch(
                f"{self._path} holds a chain of {stored}, not of {genesis}: "
                "start with the same options or remove the folder"
            )


def _call(function: str, arguments: Sequence[Any], signed: str = BY_SOURCE) -> Call:
    return Call(function, tuple(arguments), signed)
