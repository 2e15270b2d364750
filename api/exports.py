"""Exports: one snapshot of the database, walked along in a thread, sent on as fast as it is taken.

In:   filters and a format. Out: an answer of any length, in constant memory: the thread waits while a
few chunks are not taken yet, and gives up when nobody takes one for half a minute.

One transaction per export: it agrees with itself, and with the freshness told in its headers. Whoever
holds one keeps the database from cleaning up behind it, so there are two at once and each has an end.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterator
from contextlib import closing, suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from api.etag import FRESH_HEADER
from api.export_formats import Rows
from api.problems import EXPORTS_BUSY, Problem
from projections import pause_list
from projections.freshness import Freshness, freshness
from projections.reach import EVERYTHING, Reach
from projections.reached import contracts_answered
from projections.sets import active_set
from projections.stream_filters import Filters
from store.engine import Database

COMPLETENESS_HEADER: Final = "Pausewire-Completeness"
AT_ONCE: Final = 2
_CHUNKS_WAITING: Final = 4
_ROWS_AT_ONCE: Final = 1_000
_STANDSTILL_SECONDS: Final = 30.0
_LONGEST_SECONDS: Final = 3_600.0

Format = Callable[[Rows], Iterator[bytes]]


class NotTaken(Exception):  # it states the fact, as all our errors do
    """The caller takes nothing, or has taken too long."""


class Wanted(NamedTuple):
    """What is exported: what filters let through of what is within reach."""

    filters: Filters
    reach: Reach = EVERYTHING


class Exports:
    """The exports of this process."""

    def __init__(self, database: Database, contracts: Collection[str]) -> None:
        self._database = database
        self._contracts = contracts
        self._running = 0

    async def answer(self, wanted: Wanted, written: Format, media: str, name: str) -> Response:
        """Begin an export. Raises Problem while others run, and StoreError."""
        if self._running >= AT_ONCE:
            detail = f"{AT_ONCE} exports are running in this process"
            raise Problem(EXPORTS_BUSY, detail, headers={"Retry-After": "5"})
        self._running += 1
        walk = Walk(lambda: self._chunks(wanted, written), self._ended)
        fresh = await walk.first()
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            COMPLETENESS_HEADER: fresh.completeness,
        }
        if fresh.fresh_to_ledger is not None:
            headers[FRESH_HEADER] = str(fresh.fresh_to_ledger)
        return StreamingResponse(walk.chunks(), media_type=media, headers=headers)

    def _ended(self) -> None:
        self._running -= 1

    def _chunks(self, wanted: Wanted, written: Format) -> Generator[Any]:
        with self._database.read() as conn:
            name, asked = active_set(conn), wanted.filters.contract_id
            about = contracts_answered(conn, name, wanted.reach, asked, self._contracts)
            yield freshness(conn, name, about)
            with closing(_rows(conn, wanted)) as rows:
                yield from written(rows)


def _rows(conn: Connection, wanted: Wanted) -> Generator[Any]:
    name = active_set(conn)
    queries = [pause_list.of_streams(name, *wanted)]
    if wanted.filters.of_contracts_too:
        queries.insert(0, pause_list.of_contracts(name, *wanted))
    for query in queries:
        with conn.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}) as found:
            yield from found


class Walk:
    """A thread that goes along a generator, a few steps ahead of whoever takes what it gives."""

    def __init__(self, steps: Callable[[], Generator[Any]], ended: Callable[[], None]) -> None:
        self._steps = steps
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._given: asyncio.Queue[Any] = asyncio.Queue()
        self._room = threading.Semaphore(_CHUNKS_WAITING)
        self._over = False
        self._until = time.monotonic() + _LONGEST_SECONDS
        threading.Thread(target=self._run, name="export", daemon=True).start()

    async def first(self) -> Freshness:
        """What the generator gave first. Raises what it raised."""
        try:
            given: Freshness = await self._next()
        except BaseException:
            self._leave()
            raise
        return given

    async def chunks(self) -> AsyncIterator[bytes]:
        """The rest. Raises what the generator raised: the answer is cut off then, not ended."""
        try:
            while (chunk := await self._next()) is not None:
                yield chunk
        finally:
            self._leave()

    async def _next(self) -> Any:
        given = await self._given.get()
        self._room.release()
        if isinstance(given, Exception):
            raise given
        return given

    def _leave(self) -> None:
        self._over = True
        self._room.release()

    def _run(self) -> None:
        end: Exception | None = None
        steps = self._steps()
        try:
            for step in steps:
                self._await_room()
                self._give(step)
        except Exception as error:  # noqa: BLE001 # whoever takes meets it
            end = error
        finally:
            steps.close()
            self._give(end)
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ended)

    def _await_room(self) -> None:
        has_room = self._room.acquire(timeout=_STANDSTILL_SECONDS)
        if not has_room or self._over or time.monotonic() > self._until:
            raise NotTaken

    def _give(self, step: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody takes any more
            self._loop.call_soon_threadsafe(self._given.put_nowait, step)
