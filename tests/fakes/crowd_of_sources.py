"""Many sources of one contract each, and their pages: written by the record loop, or one by one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
from sqlalchemy import select

from domain.values import network_id
from ingest import sources
from ingest.cursors import window_end
from ingest.judge import Judge
from ingest.record import Recorder
from ingest.record_loop import RecordLoop
from ingest.slices import Fetched
from ingest.sources import Position, Source
from ingest.states import StateCache
from ingest.write_queue import Write, WriteQueue
from simulator.accounts import contract_id_for
from store import schema
from store.lease import Lease
from tests.fakes.pages import KnownTranslations, page

SLICE_EVENTS = 50
_WHEN = {"recorded_at", "updated_at", "expires_at", "holder", "fence", "epoch"}
_TABLES = (
    schema.recorded_event,
    schema.evidence,
    schema.evidence_outcome,
    schema.evidence_conflict,
    schema.scanned_range,
    schema.ingest_position,
    schema.ledger_close,
    schema.stream_state,
    schema.snapshot,
    schema.log_head,
    schema.ingest_job,
)


def of(number, fact):
    """A fact of the contract with this number, under an id of its own."""
    event_id = f"{fact.event_id[:-10]}{int(fact.event_id[-10:]) * 1000 + number:010d}"
    return msgspec.structs.replace(fact, contract_id=contract_id_for(number), event_id=event_id)


class Crowd:
    """`attempts`: how many pages each transaction that was begun had."""

    def __init__(self, database, many, known=None):
        self.database = database
        self.known = known or KnownTranslations()
        cache = StateCache(network_id("test"))
        judge = Judge(self.known, cache)
        self.recorder = Recorder(database, judge=judge, cache=cache, slice_events=SLICE_EVENTS)
        self.lease = Lease(database, name="index", holder="test", seconds=60)
        assert self.lease.acquire() is not None
        self.sources = [
            Source(name=f"live-{n}", contract_ids=(contract_id_for(n),)) for n in range(many)
        ]
        with database.begin() as conn:
            if not conn.execute(select(schema.ingest_position)).all():
                rows = [
                    {"source": each.name, "cursor": window_end(0), "updated_at": 1}
                    for each in self.sources
                ]
                conn.execute(schema.ingest_position.insert(), rows)

    def fetched(self, number, events=(), *, latest_ledger=100):
        source = self.sources[number]
        with self.database.read() as conn:
            here = sources.position(conn, source.name)
        told = page(events, latest_ledger=latest_ledger, source=f"node {number % 2}")
        unsure = told.latest_closed_at + number % 3  # nodes that do not agree on a time
        told = msgspec.structs.replace(told, latest_closed_at=unsure)
        return Fetched(page=told, source=source, position=here)

    def one_by_one(self, pages):
        for each in pages:
            self._record(each)

    def together(self, pages):
        """By the record loop, all of them waiting when it begins. Returns what each came to."""
        return asyncio.run(self._together(pages))

    async def _together(self, pages):
        queue = WriteQueue(100, SLICE_EVENTS)
        items = []
        for each in pages:
            done = asyncio.get_running_loop().create_future()
            items.append(Write(partial(self._record, each), done, each))
            await queue.put(items[-1], behind=False)
        with ThreadPoolExecutor(1) as recording:
            loop = RecordLoop(self.recorder, self.lease, recording, lambda: None)
            running = asyncio.create_task(loop.run(queue))
            await asyncio.wait(
                {running, asyncio.ensure_future(queue.drained())},
                return_when=asyncio.FIRST_COMPLETED,
                timeout=60,
            )
            if running.done():
                running.result()
            running.cancel()
        return [item.done.result() for item in items]

    def _record(self, fetched) -> Position:
        return self.recorder.record(
            fetched.page, source=fetched.source, position=fetched.position, lease=self.lease
        ).position

    def stands_at(self):
        with self.database.read() as conn:
            return [sources.position(conn, each.name).cursor for each in self.sources]

    def rows(self):
        """Everything that recording writes, but for when it did."""
        found = {}
        with self.database.read() as conn:
            for table in _TABLES:
                columns = [column for column in table.c if column.name not in _WHEN]
                found[table.name] = sorted(map(repr, conn.execute(select(*columns)).all()))
        return found
