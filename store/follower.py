"""A follower works the log off in chunks, each exactly once, and sleeps until more is recorded.

In: what was recorded of streams and contracts beyond its position; what the log tells of notices, most of
it on a busy day, is passed over unread. Out: whatever `apply` writes, in one transaction with the
follower's new position. Next: projections (step 7) or planning (step 8), which pass `apply`.

What waits beside the log may ask for a step as well (`beside`): `apply` is then called with no event.

Several processes may run the same follower: the position is moved by compare-and-set, so one of them
wins a chunk and the others go on from there.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection, select, update

from store.bulk import insert_many
from store.engine import Database
from store.errors import TrackingConflict, Transient
from store.killpoint import reached
from store.log import Recorded, head, read_of_chain
from store.schema import tracking
from store.stride import Stride
from store.wake import LOG

FOLLOWER_STARTED = "follower_started"
FOLLOWER_BACKED_OFF = "follower_backed_off"
FOLLOWER_RECOVERED = "follower_recovered"

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

Apply = Callable[[Connection, Sequence[Recorded]], None]
Beside = Callable[[Connection, int], bool]


class Follower:
    """One named reader of the log.

    `apply` writes through the connection it is given and nothing else. `chunk_events`: the most that a
    chunk has; it has fewer where they take long (stride.py). `after` runs once the chunk has committed; a
    crash in between loses only that call. `killpoint`: reached inside the transaction, after `apply`.
    `beside`: whether, at this position, something that is no event waits for `apply`, too.
    """

    def __init__(  # noqa: PLR0913 # a follower is these nine facts; a settings class would only rename them
        self,
        database: Database,
        *,
        name: str,
        apply: Apply,
        chunk_events: int,
        durable: bool,
        poll_seconds: float,
        killpoint: str,
        after: Callable[[Sequence[Recorded]], None] | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.name = name
        self._database = database
        self._apply = apply
        self._stride = Stride(chunk_events)
        self._durable = durable
        self._poll_seconds = poll_seconds
        self._killpoint = killpoint
        self._after = after
        self._beside = beside
        self._log = structlog.get_logger(follower=name)

    def position(self, conn: Connection) -> int:
        """The last position worked off, 0 before the first."""
        found: int | None = conn.execute(
            select(tracking.c.position).where(tracking.c.name == self.name)
        ).scalar()
        return found or 0

    def step(self) -> int:
        """Work off one chunk; returns how many positions it passed, 0 when caught up.

        Raises TrackingConflict where another process was faster, and what `apply` raises.
        """
        most = self._stride.events
        with self._database.read() as conn:
            position, end = self.position(conn), head(conn)
            chunk = read_of_chain(conn, position, up_to=end, limit=most)
            waits = not chunk and self._beside is not None and self._beside(conn, end)
        if len(chunk) == most:
            end = chunk[-1].position
        if end == position and not waits:
            return 0
        began = time.monotonic()
        with self._database.begin(durable=self._durable) as conn:
            move_tracking(conn, self.name, position, end)
            if chunk or waits:
                self._apply(conn, chunk)
            reached(self._killpoint)
        if chunk:
            self._stride.took(len(chunk), time.monotonic() - began)
        if chunk and self._after is not None:
            self._after(chunk)
        return end - position

    def run(self, stop: threading.Event) -> None:
        """Follow until told to stop; waits out what is transient, ends with any other error."""
        self._log.info(FOLLOWER_STARTED)
        pause = 0.0
        while not stop.is_set():
            try:
                worked = self.step()
            except TrackingConflict:
                continue
            except Transient as error:
                pause = min(pause * 2 or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
                self._log.warning(
                    FOLLOWER_BACKED_OFF, reason=type(error).__name__, pause_seconds=pause
                )
                stop.wait(pause)
                continue
            if pause:
                self._log.info(FOLLOWER_RECOVERED)
                pause = 0.0
            if not worked and not stop.is_set():
                self._database.bell.wait(LOG, self._poll_seconds)


def move_tracking(conn: Connection, name: str, old: int, new: int) -> None:
    """Move a follower from one position to the next. Raises TrackingConflict if it stands elsewhere."""
    moved = conn.execute(
        update(tracking)
        .where(tracking.c.name == name, tracking.c.position == old)
        .values(position=new)
    )
    if moved.rowcount == 1:
        return
    fresh = old == 0 and insert_many(
        conn, tracking, ("name", "position"), [(name, new)], on_conflict="nothing"
    )
    if not fresh:
        raise TrackingConflict(name, old)
