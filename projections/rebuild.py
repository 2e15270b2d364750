"""Rebuild the read models from the log into the idle table set, then let that set serve.

The same `apply` as live, from position 0, under its own name in `tracking`. Live following goes on
meanwhile. The swap holds the rows that a live chunk needs, so no chunk falls between the sets:
whichever set serves is the one the next chunk goes to. Nothing here sends anything.
"""

from collections.abc import Callable

from sqlalchemy import Connection, delete, select, text, update

from projections import chunk, contracts, pauses, streams, timeline
from projections.errors import PositionBeyondLog, RebuildOvertaken, SetStillServing
from projections.sets import FIRST, PROJECTIONS, SetName, active_set, other
from store import log
from store.bulk import insert_many, upsert_many
from store.clock import now_micros
from store.engine import POSTGRESQL, Database
from store.errors import TrackingConflict
from store.follower import move_tracking
from store.schema import projection, tracking

REBUILD = "projections:rebuild"  # the name in `tracking` of the set being filled
# Larger than live chunks: a stream's row is then written once for more of its events.
CHUNK_EVENTS = 10_000
# Longer than any request reads: until then the set that was swapped out may still be read.
COOLING_SECONDS = 60
_OVERTAKEN = "another rebuild took the idle tables over"

_ALL_TABLES = (
    streams.TABLES,
    streams.LISTS,
    pauses.TABLES,
    contracts.TABLES,
    contracts.GAP_TABLES,
    timeline.TABLES,
    timeline.REVISIONS,
)
Progress = Callable[[int], None]


def rebuild(
    database: Database, *, chunk_events: int = CHUNK_EVENTS, progress: Progress | None = None
) -> int:
    """Fill the idle set up to the log's head and let it serve; returns the position it stands at.

    Raises SetStillServing, RebuildOvertaken.
    """
    name = _begin(database)
    position = 0
    while True:
        position = _fill(database, name, position, chunk_events=chunk_events, progress=progress)
        if _swap(database, name, position):
            return position


def rebuild_until(
    database: Database,
    position: int,
    *,
    chunk_events: int = CHUNK_EVENTS,
    progress: Progress | None = None,
) -> SetName:
    """Fill the idle set with what was known at a position; it never serves. Returns its name.

    Raises PositionBeyondLog, SetStillServing, RebuildOvertaken.
    """
    with database.read() as conn:
        head = log.head(conn)
    if position > head:
        raise PositionBeyondLog(position, head)
    name = _begin(database)
    _fill(database, name, 0, until=position, chunk_events=chunk_events, progress=progress)
    return name


def empty_idle(database: Database) -> None:
    """Give the idle set's room back. Raises SetStillServing."""
    _begin(database)


def _begin(database: Database) -> SetName:
    """Take the idle set, empty it, and start over at position 0."""
    with database.begin() as conn:
        active, swapped_at = _lock(conn)
        left = COOLING_SECONDS - (now_micros() - swapped_at) / 1_000_000
        if left > 0:
            raise SetStillServing(left)
        upsert_many(conn, tracking, ("name",), ("name", "position"), [(REBUILD, 0)])
        name = other(active)
        for tables in _ALL_TABLES:
            if conn.dialect.name == POSTGRESQL:
                conn.execute(text(f'TRUNCATE "{tables[name].name}"'))
            else:
                conn.execute(delete(tables[name]))
    return name


def _fill(
    database: Database,
    name: SetName,
    position: int,
    *,
    until: int | None = None,
    chunk_events: int,
    progress: Progress | None,
) -> int:
    """Apply the log from a position on, to `until` or its end; returns the position reached."""
    while until is None or position < until:
        limit = chunk_events if until is None else min(chunk_events, until - position)
        with database.read() as conn:
            recorded = log.read_after(conn, position, limit)
            changes = chunk.changes(conn, name, recorded)
        if not recorded:
            break
        # Folding came before: nobody else writes this set, and writers wait as short as may be.
        with database.begin(durable=False) as conn:
            _move(conn, position, recorded[-1].position)
            chunk.write(conn, name, changes)
        position = recorded[-1].position
        if progress is not None:
            progress(position)
    return position


def _move(conn: Connection, old: int, new: int) -> None:
    try:
        move_tracking(conn, REBUILD, old, new)
    except TrackingConflict as error:
        raise RebuildOvertaken(_OVERTAKEN) from error


def _swap(database: Database, name: SetName, position: int) -> bool:
    """Let the filled set serve, unless the live one is ahead of it; True when done.

    Where the live follower is behind (it may not run at all), its position moves along.
    """
    with database.begin() as conn:
        _lock(conn)
        followed = select(tracking.c.position).where(tracking.c.name == PROJECTIONS)
        live = conn.execute(followed.with_for_update()).scalar() or 0
        if live > position:
            return False
        filled = delete(tracking).where(tracking.c.name == REBUILD, tracking.c.position == position)
        if conn.execute(filled).rowcount != 1:
            raise RebuildOvertaken(_OVERTAKEN)
        if live < position:
            move_tracking(conn, PROJECTIONS, live, position)
        conn.execute(
            update(projection)
            .where(projection.c.name == PROJECTIONS)
            .values(active=name, swapped_at=now_micros())
        )
    return True


def _lock(conn: Connection) -> tuple[SetName, int]:
    """Hold the row that says which set serves, and since when; makes it where there is none yet."""
    columns = ("name", "active", "swapped_at")
    insert_many(conn, projection, columns, [(PROJECTIONS, FIRST, 0)], on_conflict="nothing")
    held = select(projection.c.swapped_at).where(projection.c.name == PROJECTIONS)
    swapped_at: int = conn.execute(held.with_for_update()).scalar_one()
    return active_set(conn), swapped_at
