"""T1, from an RPC page to its commit, against the same rows without any library and against get-and-save.

Ours: decode, translate, judge, evidence, log, outcomes, states, cursor, coverage; pages of 1,000 events.
Raw: the rows that ours had written, put into the same tables by the driver alone (executemany, COPY), a
transaction per 1,000, with the same durability. Library: library.py.
"""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import make_url

from benchmarks import apart, chain, library
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from domain.values import network_id
from ingest import sources
from ingest.decode import decode_page
from ingest.judge import Judge
from ingest.profiles.loader import load_profile
from ingest.record import Recorder
from ingest.states import StateCache
from ingest.translate import translate
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease
from tests.fakes.chain import CONTRACT

TABLES = ("evidence", "recorded_event", "evidence_outcome", "stream_state")
BATCH = 1000
PROFILE = load_profile("paystream")
LIBRARY_EVENTS_PER_OURS = 50  # get-and-save is that much slower or more: as long in seconds
LIBRARY_EVENTS_PER_STREAM = 4

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


class Rates(NamedTuple):
    """Events per second of the three."""

    ours: float
    raw: float
    library: float


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """T1 on each database."""
    made = []
    for kind in scale.kinds:
        found = call(measure, kind, scale)
        alone = Line(
            what=f"T1, page to commit, {kind}",
            ours=found.ours,
            unit="events/s",
            target=Target(of="ours", bound=50_000),
        )
        raw, saved = Target(of="ratio", bound=0.5), Target(of="ratio", bound=20)
        made += [
            alone,
            replace(alone, beside="same rows by the driver", theirs=found.raw, target=raw),
            replace(alone, beside="library's get-and-save", theirs=found.library, target=saved),
        ]
    return made


def measure(kind: str, scale: Scale) -> Rates:
    """Medians of rounds taken in turn."""
    events, streams, server = scale.recorded_events, scale.streams, scale.postgres
    pages = chain.pages(events, streams)
    few = max(events // LIBRARY_EVENTS_PER_OURS, 20)
    found: list[Rates] = []
    for _ in range(scale.rounds):
        with chain.fresh(server, kind) as database:
            ours = timed(partial(record_all, database, pages))
            rows = rows_of(database)
        with chain.fresh(server, kind) as database:
            raw = timed(partial(RAW[kind], database, rows))
        theirs = library.get_and_save(server, kind, few, few // LIBRARY_EVENTS_PER_STREAM)
        found.append(Rates(events / ours, events / raw, theirs))
    return Rates(*map(statistics.median, zip(*found, strict=True)))


def record_all(database: Database, pages: Iterable[bytes]) -> None:
    """What the indexer does with pages that have arrived."""
    cache = StateCache(network_id("bench"))
    judge = Judge(lambda each, wasm: translate(PROFILE, each, wasm), cache)
    recorder = Recorder(database, judge=judge, cache=cache, slice_events=BATCH)
    lease = Lease(database, name="index", holder="bench", seconds=600)
    lease.acquire()
    with database.begin() as conn:
        (source,) = sources.arrange(conn, {CONTRACT: chain.FIRST_LEDGER}, now_micros())
    with database.read() as conn:
        here = sources.position(conn, source.name)
    for body in pages:
        page = decode_page(body, source="bench", seen_at=now_micros())
        here = recorder.record(page, source=source, position=here, lease=lease).position


def rows_of(database: Database) -> Rows:
    """Every row that recording has written, with the columns' names."""
    found = {}
    with database.read() as conn:
        for table in TABLES:
            result = conn.exec_driver_sql(f"SELECT * FROM {table}")
            found[table] = (list(result.keys()), [tuple(row) for row in result])
    return found


def raw_sqlite(database: Database, rows: Rows) -> None:
    """The same rows by executemany."""
    conn = sqlite3.connect(str(make_url(database.url).database), isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=NORMAL")
    for batch in _batches(rows):
        conn.execute("BEGIN IMMEDIATE")
        for table, columns, found in batch:
            marks = ", ".join("?" * len(columns))
            names = ", ".join(columns)
            conn.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", found)
        conn.execute("COMMIT")
    conn.close()


def raw_postgresql(database: Database, rows: Rows) -> None:
    """The same rows by COPY."""
    with psycopg.connect(chain.libpq(database.url)) as conn:
        conn.execute("SET synchronous_commit = off")
        for batch in _batches(rows):
            for table, columns, found in batch:
                statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
                with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    for row in found:
                        copy.write_row(row)
            conn.commit()


RAW: dict[str, Callable[[Database, Rows], None]] = {
    "sqlite": raw_sqlite,
    "postgresql": raw_postgresql,
}


def _batches(rows: Rows) -> Iterable[list[tuple[str, list[str], list[tuple[Any, ...]]]]]:
    """What one transaction writes: up to 1,000 rows of each table."""
    longest = max(len(found) for _, found in rows.values())
    for first in range(0, longest, BATCH):
        yield [
            (table, columns, found[first : first + BATCH])
            for table, (columns, found) in rows.items()
        ]


def timed(work: Callable[[], object]) -> float:
    """Wall-clock seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
