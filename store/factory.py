"""Makes the library's parts on our database: `PERSISTENCE_MODULE=store.factory`, `SQLALCHEMY_URL=…`.

Tables come from the migrations; nothing is created here.
"""

from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.utils import Environment, EnvType, resolve_topic

from store.engine import Database
from store.errors import UnusableDatabase
from store.recorders import (
    EventRecorder,
    LogAndPositionRecorder,
    LogRecorder,
    PositionRecorder,
    SnapshotRecorder,
)


class Factory(InfrastructureFactory[PositionRecorder]):
    """Recorders on one Database: the one given (its owner closes it), else one opened by URL."""

    SQLALCHEMY_URL = "SQLALCHEMY_URL"

    def __init__(
        self, env: Environment | EnvType | None = None, *, database: Database | None = None
    ) -> None:
        super().__init__(env)
        self._owned: Database | None = None
        if database is None:
            url = self.env.get(self.SQLALCHEMY_URL)
            if not url:
                raise UnusableDatabase(f"the environment names no {self.SQLALCHEMY_URL}")
            database = self._owned = Database.open(url)
        self.database = database

    def aggregate_recorder(self, purpose: str = "events") -> EventRecorder:
        """For one aggregate at a time: `events`, or `snapshots`."""
        if purpose == "snapshots":
            return SnapshotRecorder(self.database)
        return EventRecorder(self.database)

    def application_recorder(self) -> LogRecorder:
        """For the whole log."""
        return LogRecorder(self.database)

    def tracking_recorder(
        self, tracking_recorder_class: type[PositionRecorder] | None = None
    ) -> PositionRecorder:
        """For positions; a view's own class by argument or by topic."""
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        kind: type[PositionRecorder] = tracking_recorder_class or (
            resolve_topic(topic) if topic else PositionRecorder
        )
        return kind(self.database)

    def process_recorder(self) -> LogAndPositionRecorder:
        """For applications that follow another one."""
        return LogAndPositionRecorder(self.database)

    def close(self) -> None:
        """Close the database that was opened here."""
        if self._owned is not None:
            self._owned.close()
