"""A database with millions of events: a recorded history, told over of other streams again and again.

Recording ten million events takes a quarter of an hour. Here the first ones are recorded and followed as
always; the rest are their rows once more, with other streams and positions, put in by the database. What
an answer reads (log, pauses, streams) is as large as it says; evidence and notices are not.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Select,
    Table,
    Uuid,
    insert,
    select,
    update,
)

from benchmarks import chain, record
from domain.values import network_id, stream_uuid
from projections import pauses, streams
from projections.follow import projections_follower
from projections.sets import FIRST, PROJECTIONS
from store import bulk
from store.columns import U64
from store.engine import POSTGRESQL, Database
from store.schema import log_head, recorded_event, tracking

RECORDED_EVENTS = 10_000
EVENTS_PER_STREAM = 100  # fifty pauses
NETWORK = network_id("bench")
CONTRACT = record.CONTRACT
_COPIES_AT_ONCE = 20

# Which stream is told over as which other one.
_again = Table(
    "bench_again",
    MetaData(),
    Column("original", Uuid, nullable=False, index=True),
    Column("originator_id", Uuid, nullable=False),
    Column("stream_id", U64, nullable=False),
    Column("later", BigInteger, nullable=False),
)


def fill(database: Database, events: int) -> int:
    """Bring a fresh database to so many events; returns how many streams they are of: 0 .. n - 1."""
    recorded = min(events, RECORDED_EVENTS)
    many = max(recorded // EVENTS_PER_STREAM, 1)
    with TemporaryDirectory(prefix=chain.PREFIX) as folder:
        pages = Path(folder) / "pages"
        chain.write_pages(pages, recorded, many)
        with pages.open("rb") as bodies:
            record.record_all(database, bodies)
    follower = projections_follower(database)
    while follower.step():
        pass
    copies = events // recorded - 1
    with database.begin(durable=False) as conn:
        _again.create(conn)
    for first in range(1, copies + 1, _COPIES_AT_ONCE):
        with database.begin(durable=False) as conn:
            _tell_again(
                conn, range(first, min(first + _COPIES_AT_ONCE, copies + 1)), many, recorded
            )
    with database.begin(durable=False) as conn:
        _again.drop(conn)
        end = recorded * (copies + 1)
        conn.execute(update(log_head).values(position=end))
        conn.execute(update(tracking).where(tracking.c.name == PROJECTIONS).values(position=end))
    _gather_statistics(database)
    return many * (copies + 1)


def _tell_again(conn: Connection, copies: range, many: int, recorded: int) -> None:
    conn.execute(_again.delete())
    columns = ("original", "originator_id", "stream_id", "later")
    rows = [
        (_stream(number), _stream(number + copy * many), number + copy * many, copy * recorded)
        for copy in copies
        for number in range(many)
    ]
    bulk.insert_many(conn, _again, columns, rows, on_conflict="error")
    for table in (
        recorded_event,
        pauses.TABLES[FIRST],
        streams.TABLES[FIRST],
        streams.LISTS[FIRST],
    ):
        conn.execute(insert(table).from_select(list(table.c.keys()), _others(table)))


def _others(table: Table) -> Select[tuple[object, ...]]:
    """A table's rows of the recorded streams, as those of the others."""
    changed = {
        "originator_id": _again.c.originator_id,
        "stream_id": _again.c.stream_id,
        "position": table.c.position + _again.c.later if "position" in table.c else None,
    }
    taken = [changed.get(column.name, column) for column in table.c]
    return select(*taken).join(_again, _again.c.original == table.c.originator_id)


def _stream(number: int) -> UUID:
    return stream_uuid(NETWORK, CONTRACT, number)


def _gather_statistics(database: Database) -> None:
    """What a server's autovacuum has done by the time that somebody asks."""
    if database.dialect != POSTGRESQL:
        return
    with psycopg.connect(chain.libpq(database.url), autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
