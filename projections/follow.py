"""Follow the log into the read models, exactly once (step 6).

In:   recorded events beyond the follower's position, a chunk at a time (store/follower.py).
Out:  the rows of the table set that serves reads, in one transaction with the new position; the bell
      for whoever passes on what the read models show (the API's feed).
Next: chunk.py, then one file per read model (step 7).
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from projections import chunk
from projections.sets import PROJECTIONS, active_set
from store.engine import Database
from store.follower import Follower
from store.log import Recorded
from store.wake import READ_MODELS

# Events per transaction: large enough that a stream's row is written once for many of its events
# while catching up, small enough to hold SQLite's write lock for little more than 50 ms.
CHUNK_EVENTS = 2_000


def projections_follower(
    database: Database,
    *,
    poll_seconds: float = 1.0,
    chunk_events: int = CHUNK_EVENTS,
    after: Callable[[Sequence[Recorded]], None] | None = None,
) -> Follower:
    """The follower that keeps the read models; what a crash loses of it is read from the log again."""

    def apply_and_ring(conn: Connection, recorded: Sequence[Recorded]) -> None:
        apply(conn, recorded)
        database.bell.ring(conn, READ_MODELS)

    return Follower(
        database,
        name=PROJECTIONS,
        apply=apply_and_ring,
        chunk_events=chunk_events,
        durable=False,
        poll_seconds=poll_seconds,
        killpoint="in_project",
        after=after,
    )


def apply(conn: Connection, recorded: Sequence[Recorded]) -> None:
    """Write a chunk to the set that serves reads, as this transaction sees it."""
    chunk.apply(conn, active_set(conn), recorded)
