"""The event-sourcing library's recorders on our tables: what it calls a notification id is a position.

Its errors are raised where its contract asks for them (IntegrityError for what exists already);
everything else passes as a StoreError.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Tracking,
    TrackingRecorder,
)
from sqlalchemy import Connection, Table, exc, func, select, update

from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.errors import VersionConflict
from store.log import append_rows
from store.schema import recorded_event, snapshot, tracking
from store.subscription import LogSubscription
from store.wake import LOG


class EventRecorder(AggregateRecorder):
    """Writes to the log and reads it by aggregate."""

    table: Table = recorded_event

    def __init__(self, database: Database) -> None:
        self.database = database

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append all events or none. Raises the library's IntegrityError."""
        del kwargs
        with self.database.begin() as conn:
            self._insert(conn, stored_events)
        return None

    def _insert(self, conn: Connection, events: Sequence[StoredEvent]) -> list[int]:
        rows = [
            (_uuid(event.originator_id), event.originator_version, event.topic, event.state)
            for event in events
        ]
        try:
            last = append_rows(conn, rows, recorded_at=now_micros())
        except VersionConflict as error:
            raise IntegrityError(str(error)) from error
        if rows:
            self.database.bell.ring(conn, LOG)
        return list(range(last - len(rows) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One aggregate's rows by version, newest first with `desc`."""
        columns = self.table.c
        version = columns.originator_version
        query = select(columns.originator_id, version, columns.topic, columns.state).where(
            columns.originator_id == _uuid(originator_id)
        )
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        query = query.order_by(version.desc() if desc else version).limit(limit)
        with self.database.read() as conn:
            return [StoredEvent(*row) for row in conn.execute(query)]


class SnapshotRecorder(EventRecorder):
    """The same for snapshots: they have no place in the log."""

    table = snapshot

    def _insert(self, conn: Connection, events: Sequence[StoredEvent]) -> list[int]:
        columns = ("originator_id", "originator_version", "topic", "state")
        rows = [
            (_uuid(event.originator_id), event.originator_version, event.topic, event.state)
            for event in events
        ]
        try:
            insert_many(conn, snapshot, columns, rows, on_conflict="error")
        except exc.IntegrityError as error:
            raise IntegrityError("this version has a snapshot already") from error
        return []


class LogRecorder(EventRecorder, ApplicationRecorder):
    """Knows positions too: the whole log in order, and whoever waits for its end."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append all events or none; returns their positions. Raises the library's IntegrityError."""
        with self.database.begin() as conn:
            positions = self._insert(conn, stored_events)
            self._beside(conn, **kwargs)
        return positions

    def _beside(self, conn: Connection, **kwargs: Any) -> None:
        """What else belongs into the transaction of the events: nothing here."""

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The log's events from one position to another, in order."""
        columns = recorded_event.c
        query = select(
            columns.originator_id,
            columns.originator_version,
            columns.topic,
            columns.state,
            columns.position,
        )
        if start is not None:
            first = start if inclusive_of_start else start + 1
            query = query.where(columns.position >= first)
        if stop is not None:
            query = query.where(columns.position <= stop)
        if topics:
            query = query.where(columns.topic.in_(topics))
        query = query.order_by(columns.position).limit(limit)
        with self.database.read() as conn:
            return [Notification(*row) for row in conn.execute(query)]

    def max_notification_id(self) -> int | None:
        """The last position, None when nothing is recorded."""
        with self.database.read() as conn:
            last: int | None = conn.execute(select(func.max(recorded_event.c.position))).scalar()
        return last

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """The log's events beyond a position, and then each new one as it is recorded."""
        return LogSubscription(self, self.database.bell, gt=gt, topics=topics)


class PositionRecorder(TrackingRecorder):
    """How far each reader of another application's log has come. Subclasses add their view's tables."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the reader forward. Raises the library's IntegrityError where that would go back."""
        with self.database.begin() as conn:
            self._insert_tracking(conn, tracking)

    def _insert_tracking(self, conn: Connection, position: Tracking) -> None:
        name, last = position.application_name, position.notification_id
        moved = conn.execute(
            update(tracking)
            .where(tracking.c.name == name, tracking.c.position < last)
            .values(position=last)
        ).rowcount
        moved = moved or insert_many(
            conn, tracking, ("name", "position"), [(name, last)], on_conflict="nothing"
        )
        if not moved:
            raise IntegrityError(f"{name} has passed position {last} already")

    def max_tracking_id(self, application_name: str) -> int | None:
        """The reader's position, None where it has not begun."""
        query = select(tracking.c.position).where(tracking.c.name == application_name)
        with self.database.read() as conn:
            last: int | None = conn.execute(query).scalar()
        return last


class LogAndPositionRecorder(PositionRecorder, LogRecorder, ProcessRecorder):
    """Events and the reader's position in one transaction."""

    def _beside(self, conn: Connection, **kwargs: Any) -> None:
        position: Tracking | None = kwargs.get("tracking")
        if position is not None:
            self._insert_tracking(conn, position)


def _uuid(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
