"""The event-sourcing library's own cases pass on our persistence module, on both databases.

Left out: its timing prints, and everything about DCB, which Pausewire does not use.
"""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from eventsourcing.persistence import Tracking
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment, get_topic
from sqlalchemy import Column, Integer, MetaData, Table, Text, select, text, update

from store.engine import Database
from store.factory import Factory
from store.recorders import (
    EventRecorder,
    LogAndPositionRecorder,
    LogRecorder,
    PositionRecorder,
    SnapshotRecorder,
)

counter = Table(
    "library_case_counter",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("seen", Integer, nullable=False),
)


class OnDatabase:
    """Gives each case a fresh database: `kind` is the prefix of the URL's fixture."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str]
    url: str
    second_url: str
    database: Database

    @pytest.fixture(autouse=True)
    def fresh_database(
        self,
        request: pytest.FixtureRequest,
        sqlite_template: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[None]:
        self.url = request.getfixturevalue(f"{self.kind}_url")
        self.second_url = f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'second.db')}"
        # The cases leave applications, views and reading threads behind: they are ended here.
        opened: list[Database] = []
        threads = set(threading.enumerate())
        really_open = Database.open
        monkeypatch.setattr(
            Database, "open", lambda url, **kw: opened.append(really_open(url, **kw)) or opened[-1]
        )
        self.database = Database.open(self.url, pool_size=12)
        yield
        for thread in set(threading.enumerate()) - threads:
            thread.join(timeout=5)
        for database in opened:
            database.close()


class OnSQLite(OnDatabase):
    __test__ = True
    kind = "sqlite"


@pytest.mark.postgres
class OnPostgreSQL(OnDatabase):
    __test__ = True
    kind = "postgres"


class CountersView(PositionRecorder, projection.EventCountersView):
    """The library's example view, counted in a table beside the position."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.begin() as conn:
            counter.metadata.create_all(conn)
            conn.execute(
                text(
                    "INSERT INTO library_case_counter VALUES ('created', 0), ('subsequent', 0)"
                    " ON CONFLICT DO NOTHING"
                )
            )

    def get_created_event_counter(self) -> int:
        return self._seen("created")

    def get_subsequent_event_counter(self) -> int:
        return self._seen("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._count("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._count("subsequent", tracking)

    def _seen(self, name: str) -> int:
        with self.database.read() as conn:
            return conn.execute(select(counter.c.seen).where(counter.c.name == name)).scalar_one()

    def _count(self, name: str, tracking: Tracking) -> None:
        with self.database.begin() as conn:
            conn.execute(
                update(counter).where(counter.c.name == name).values(seen=counter.c.seen + 1)
            )
            self._insert_tracking(conn, tracking)


class EventRecorderCase(OnDatabase, persistence.AggregateRecorderTestCase):
    test_performance = None

    def create_recorder(self):
        return EventRecorder(self.database)


class SnapshotRecorderCase(OnDatabase, persistence.AggregateRecorderTestCase):
    test_performance = None

    def create_recorder(self):
        return SnapshotRecorder(self.database)


class LogRecorderCase(OnDatabase, persistence.ApplicationRecorderTestCase):
    test_performance = None
    test_concurrent_throughput = None

    def create_recorder(self):
        return LogRecorder(self.database)

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class NonInterleavingCase(OnDatabase, persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self):
        return LogRecorder(self.database)


class PositionRecorderCase(OnDatabase, persistence.TrackingRecorderTestCase):
    def create_recorder(self):
        return PositionRecorder(self.database)


class LogAndPositionRecorderCase(OnDatabase, persistence.ProcessRecorderTestCase):
    test_performance = None

    def create_recorder(self):
        return LogAndPositionRecorder(self.database)


class FactoryCase(OnDatabase, persistence.InfrastructureFactoryTestCase):
    def setUp(self):
        self.env = Environment(
            "TestCase", {"PERSISTENCE_MODULE": "store.factory", "SQLALCHEMY_URL": self.url}
        )
        super().setUp()

    def expected_factory_class(self):
        return Factory

    def expected_aggregate_recorder_class(self):
        return EventRecorder

    def expected_application_recorder_class(self):
        return LogRecorder

    def expected_tracking_recorder_class(self):
        return PositionRecorder

    def tracking_recorder_subclass(self):
        return CountersView

    def expected_process_recorder_class(self):
        return LogAndPositionRecorder


class InEnvironment(OnDatabase):
    """Applications that take their persistence module from the process's environment."""

    def setUp(self):
        environment = pytest.MonkeyPatch()
        environment.setenv("PERSISTENCE_MODULE", "store.factory")
        environment.setenv("SQLALCHEMY_URL", self.url)
        self.addCleanup(environment.undo)


class ExampleApplicationCase(InEnvironment, application.ExampleApplicationTestCase):
    expected_factory_topic = get_topic(Factory)


@pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning")
class ApplicationCase(InEnvironment, application.ApplicationTestCase):
    """One of them asks for the deprecation warning that it looks at.

    The two left out let 100 threads quarrel about one aggregate in the library's own cache for ten
    seconds; they tell nothing of recorders.
    """

    test_check_aggregate_fastforwarding_blocking = None
    test_check_aggregate_fastforwarding_nonblocking = None


class ViewCase(OnDatabase, projection.EventCountersViewTestCase):
    def construct_event_counters_view(self):
        return CountersView(self.database)


class ProjectionCase(OnDatabase, projection.AggregateEventCountersProjectionTestCase):
    view_class = CountersView

    def setUp(self):
        self.env = {"PERSISTENCE_MODULE": "store.factory", "SQLALCHEMY_URL": self.url}


class EventSourcedProjectionCase(OnDatabase, projection.EventSourcedProjectionTestCase):
    """Two applications: an application's log holds its own events only, so each has a database."""

    def setUp(self):
        self.env = {
            "PERSISTENCE_MODULE": "store.factory",
            "APPLICATION_SQLALCHEMY_URL": self.url,
            "COUNTERS_SQLALCHEMY_URL": self.second_url,
        }


CASES = (
    EventRecorderCase,
    SnapshotRecorderCase,
    LogRecorderCase,
    NonInterleavingCase,
    PositionRecorderCase,
    LogAndPositionRecorderCase,
    FactoryCase,
    ExampleApplicationCase,
    ApplicationCase,
    ViewCase,
    ProjectionCase,
    EventSourcedProjectionCase,
)
for _case in CASES:
    for _where in (OnSQLite, OnPostgreSQL):
        _name = f"{_case.__name__}{_where.__name__}"
        globals()[_name] = type(_name, (_where, _case), {"__module__": __name__})
