"""Group commit: what several deliveries want to write at one moment becomes one durable transaction.

Each letter needs three durable commits (claim, hand-off mark, result), and a durable commit costs a
flush of the disk whatever it holds. While one transaction is being written the next ones gather; so
a lone letter waits for nobody, and a crowd shares its flushes. No timer, no batch size to tune.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection

from store.engine import Database
from store.errors import Transient
from store.gather import gathering

T = TypeVar("T")
Move = Callable[[Connection], T]

# Keeps a transaction short (target: 50 ms) and its row locks few.
MOST_MOVES = 64


class GroupCommit:
    """Runs moves in shared transactions on a thread of its own. Belongs to one event loop.

    A move must do the same when run again: a group in which one fails is run again in two halves, down
    to the one at fault, so that nobody pays for another's. A database that cannot even begin a
    transaction is nobody's fault: the whole group is told at once, and none waits for the lock again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bell = database.bell  # for moves that make others due
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._waiting: list[tuple[Move[Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(self, move: Move[T]) -> T:
        """What `move` returns, once it is committed; or raise what it, or its commit, raised."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((move, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_MOVES], self._waiting[MOST_MOVES:]
            moves = [move for move, _ in group]
            outcomes = await loop.run_in_executor(self._thread, self._commit, moves)
            for (_, future), (value, error) in zip(group, outcomes, strict=True):
                if future.cancelled():
                    continue
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(value)
        self._writing = None

    def _commit(self, moves: Sequence[Move[Any]]) -> list[tuple[Any, Exception | None]]:
        begun = False
        outcomes: list[tuple[Any, Exception | None]]
        try:
            with self._database.begin() as conn:
                begun = True
                with gathering(conn):
                    outcomes = [(move(conn), None) for move in moves]
        except Exception as error:  # noqa: BLE001 # handed to whoever asked for the move
            if len(moves) == 1 or (isinstance(error, Transient) and not begun):
                return [(None, error)] * len(moves)
        else:
            return outcomes
        half = len(moves) // 2
        return self._commit(moves[:half]) + self._commit(moves[half:])
