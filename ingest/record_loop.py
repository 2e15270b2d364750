"""Step 5a. The one record loop: what was fetched is written in the order in which it came.

In: things to write, and small pages that share a transaction (write_queue.py).
Out: each written on the recording thread, by record.py for pages; whoever waits for one is told.

A commit costs the same whatever it holds, so that pages that wait are written together. Where that fails,
they are written in two halves, down to the one at fault: what came before it is written, and only it pays.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog

from ingest.backoff import Backoff
from ingest.patience import wait_out
from ingest.record import Recorder
from ingest.sources import Position
from ingest.write_queue import Write, WriteQueue
from store.errors import FenceLost, LeaseLost, Transient
from store.lease import Lease

_LOG = structlog.get_logger()
T = TypeVar("T")


class RecordLoop:
    """Writes for one leadership. `on_written`: called after each transaction."""

    def __init__(
        self,
        recorder: Recorder,
        lease: Lease,
        recording: ThreadPoolExecutor,
        on_written: Callable[[], None],
    ) -> None:
        self._recorder = recorder
        self._lease = lease
        self._recording = recording
        self._on_written = on_written

    async def run(self, pages: WriteQueue) -> None:
        """Write for ever. Raises what one thing by itself cannot be written for, if it does not pass."""
        while True:
            await self._write(await pages.get())

    async def _write(self, group: Sequence[Write[Any]]) -> None:
        if len(group) == 1:
            after = [await self._write_one(group[0])]
        else:
            try:
                after = await self._write_together(group)
            except (FenceLost, LeaseLost):
                raise  # none of them is at fault
            except Exception as error:  # noqa: BLE001 # raised again by the one at fault
                if isinstance(error, Transient):
                    await wait_out(error, Backoff())
                _LOG.warning("pages_parted", pages=len(group), reason=str(error))
                half = len(group) // 2
                await self._write(group[:half])
                await self._write(group[half:])
                return
        for item, position in zip(group, after, strict=True):
            if not item.done.done():  # who waited was ended meanwhile: others are followed now
                item.done.set_result(position)
        self._on_written()

    async def _write_one(self, item: Write[T]) -> T:
        """Whatever it is; what passes is waited out."""
        backoff = Backoff()
        while True:
            try:
                return await self._run(item.write)
            except Transient as trouble:
                await wait_out(trouble, backoff)

    async def _write_together(self, group: Sequence[Write[Any]]) -> list[Position]:
        """Pages, in one transaction."""
        pages = [item.fetched for item in group if item.fetched is not None]
        recorded = await self._run(
            partial(self._recorder.record_together, pages, lease=self._lease)
        )
        return [one.position for one in recorded]

    async def _run(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._recording, act)
