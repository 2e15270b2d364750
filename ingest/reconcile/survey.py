"""A survey of one contract: what it keeps, read from a node piece by piece and compared.

In: the profile's storage layout, getLedgerEntries, the log. Out: batches of findings.
Next: worker.py records what heals them; report.py keeps the result; `pausewire reconcile` shows it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from ingest.backoff import Backoff
from ingest.errors import RequestRefused, Transient, Undecodable
from ingest.instance import instance_key
from ingest.profiles.storage import StorageLayout
from ingest.reconcile.comparing import Batch, Comparer, Streams, not_compared
from ingest.reconcile.findings import Finding, Kind
from ingest.reconcile.reading import keys_of
from ingest.rpc import EventSource, LedgerEntries
from store.engine import Database

STREAMS_PER_CALL: Final = 100  # two keys each; the RPC takes 200
_TRIES: Final = 5
_ROUNDS: Final = 4  # of reading again what was changed meanwhile

T = TypeVar("T")


class Survey:
    """Reads and compares one contract once.

    `streams`: how many there are, once known. `whole`: every stream there can be is among them.
    """

    def __init__(
        self, database: Database, rpc: EventSource, comparer: Comparer, *, pause_seconds: float
    ) -> None:
        self._database = database
        self._rpc = rpc
        self._comparer = comparer
        self._pause_seconds = pause_seconds
        self.streams = 0
        self.whole = False

    async def batches(self) -> AsyncIterator[Batch]:
        """First the contract itself, then its streams; what does not read is among the findings.

        Raises StoreError.
        """
        try:
            batch, streams = await self._contract()
        except (Transient, RequestRefused, Undecodable) as error:
            yield Batch(None, [Finding(Kind.UNREADABLE, None, str(error))])
            return
        yield batch
        if streams is None:
            return
        self.streams, self.whole = len(streams.ids), streams.whole
        left = streams.ids
        for turn in range(_ROUNDS):
            if turn and left:
                await asyncio.sleep(self._pause_seconds)
            again: list[int] = []
            for first in range(0, len(left), STREAMS_PER_CALL):
                yield await self._part(
                    streams.layout, left[first : first + STREAMS_PER_CALL], again
                )
            left = again
        detail = "changed in a ledger that live following has not passed: reconcile again later"
        yield Batch(None, [not_compared(stream_id, detail) for stream_id in left])

    async def _contract(self) -> tuple[Batch, Streams | None]:
        """The contract itself; read again while it changes. Raises Transient and as it is read."""
        for turn in range(_ROUNDS):
            if turn:
                await asyncio.sleep(self._pause_seconds)
            answer = await self._ask([instance_key(self._comparer.contract_id)])
            found = await self._read(partial(self._comparer.contract, answer=answer))
            if all(each.kind is not Kind.NOT_COMPARED for each in found[0].findings):
                break
        return found

    async def _part(self, layout: StorageLayout, ids: Sequence[int], again: list[int]) -> Batch:
        """Some streams; those that were changed meanwhile are added to `again`."""
        contract_id = self._comparer.contract_id
        keys = [key for stream_id in ids for key in keys_of(layout, contract_id, stream_id)]
        try:
            answer = await self._ask(keys)
        except (Transient, RequestRefused) as error:
            return Batch(None, [Finding(Kind.UNREADABLE, each, str(error)) for each in ids])
        compare = partial(self._comparer.streams, layout=layout, ids=ids, answer=answer)
        batch, later = await self._read(compare)
        again += later
        return batch

    async def _ask(self, keys: Sequence[bytes]) -> LedgerEntries:
        """Raises Transient after some tries, RequestRefused."""
        backoff = Backoff()
        for _ in range(_TRIES - 1):
            try:
                return await self._rpc.ledger_entries(keys)
            except Transient as trouble:
                await asyncio.sleep(backoff.next(trouble.retry_after))
        return await self._rpc.ledger_entries(keys)

    async def _read(self, read: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._database.read() as conn:
                return read(conn)

        return await asyncio.to_thread(run)
