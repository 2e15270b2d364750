"""Group commit: what several deliveries want to write at one moment becomes one durable transaction.

Each letter needs three durable commits (claim, hand-off mark, result), and a durable commit costs a
flush of the disk whatever it holds. While one transaction is being written the next ones gather; so
a lone letter waits for nobody, and a crowd shares its flushes. No timer, no batch size to tune.

Who wants the same work done is served by one call of it, so that a crowd shares its statements too. What
holds up something scarce (a mark, its connection to the provider) has a line of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection

from store.engine import SQLITE, Database
from store.errors import Transient
from store.gather import gathering

W = TypeVar("W")
T = TypeVar("T")
# For each one that wants it, what came of it, in their order.
Work = Callable[[Connection, Sequence[W]], Sequence[T]]
_Wanted = tuple[Work[Any, Any], Any]

# Keeps a transaction short (target: 50 ms) and its row locks few.
MOST_WANTED = 64


class GroupCommit:
    """Does work in shared transactions, each line of them on a thread of its own. Of one event loop.

    Work must do the same when done again: a group in which one fails is done again in two halves, down
    to the one at fault, so that nobody pays for another's. A database that cannot even begin a
    transaction is nobody's fault: the whole group is told at once, and none waits for the lock again.
    """

    def __init__(self, database: Database) -> None:
        self.bell = database.bell  # for work that makes deliveries due
        self._line = _Line(database)
        # Where there is one writer, two lines would wait for each other.
        self._urgent = self._line if database.dialect == SQLITE else _Line(database)

    async def run(self, work: Work[W, T], wanted: W, *, urgent: bool = False) -> T:
        """What `work` makes of it, once it is committed; or raise what it, or its commit, raised.

        `urgent`: something that is scarce waits for it meanwhile.
        """
        return await (self._urgent if urgent else self._line).run(work, wanted)

    async def close(self) -> None:
        """Wait for what is being written."""
        await self._line.close()
        await self._urgent.close()


class _Line:
    """One transaction after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._waiting: list[tuple[_Wanted, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(self, work: Work[W, T], wanted: W) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(((work, wanted), future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def close(self) -> None:
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_WANTED], self._waiting[MOST_WANTED:]
            wanted = [each for each, _ in group]
            outcomes = await loop.run_in_executor(self._thread, self._commit, wanted)
            for (_, future), (value, error) in zip(group, outcomes, strict=True):
                if future.cancelled():
                    continue
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(value)
        self._writing = None

    def _commit(self, wanted: Sequence[_Wanted]) -> list[tuple[Any, Exception | None]]:
        begun = False
        try:
            with self._database.begin() as conn:
                begun = True
                with gathering(conn):
                    made = _done(conn, wanted)
        except Exception as error:  # noqa: BLE001 # handed to whoever asked for it
            if len(wanted) == 1 or (isinstance(error, Transient) and not begun):
                return [(None, error)] * len(wanted)
        else:
            return [(each, None) for each in made]
        half = len(wanted) // 2
        return self._commit(wanted[:half]) + self._commit(wanted[half:])


def _done(conn: Connection, wanted: Sequence[_Wanted]) -> list[Any]:
    """What came of each, in their order."""
    by_work: dict[Work[Any, Any], list[Any]] = {}
    for work, each in wanted:
        by_work.setdefault(work, []).append(each)
    made = {work: iter(work(conn, all_of_it)) for work, all_of_it in by_work.items()}
    return [next(made[work]) for work, _ in wanted]
