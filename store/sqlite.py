"""How connections to SQLite are made: one writer, many readers, WAL, and no implicit BEGIN.

The driver is told to keep out of transactions (`isolation_level=None`); BEGIN IMMEDIATE takes the
write lock at once, so a transaction never fails half-way because it began by reading.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from store.errors import UnusableDatabase

BUSY_SECONDS = 5.0  # how long another process may hold the write lock
_READER_PRAGMAS = ("PRAGMA query_only=ON",)
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA journal_size_limit=67108864",  # give the disk back after a burst
    "PRAGMA cache_size=-16384",  # 16 MB
    "PRAGMA wal_autocheckpoint=4000",  # 16 MB: a page written often is copied back less often
)


def prepare(url: URL) -> None:
    """Make the folder of the database file. Raises UnusableDatabase."""
    if not url.database or url.database == ":memory:":
        raise UnusableDatabase("name a file: sqlite:///path; a database in memory is not shared")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableDatabase(f"no folder for {url.database}: {error.strerror}") from error


def writer(url: URL) -> Engine:
    """The one write connection; its user must hold the process's write lock."""
    engine = create_engine(
        url,
        pool_size=1,
        hide_parameters=True,
        max_overflow=0,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    _take_over_transactions(engine, "BEGIN IMMEDIATE", _WRITER_PRAGMAS)
    return engine


def reader(url: URL, pool_size: int) -> Engine:
    """Read-only connections; each transaction sees the database as of its first read."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    _take_over_transactions(engine, "BEGIN", _READER_PRAGMAS)
    return engine


def set_durability(conn: Connection, *, durable: bool) -> None:
    """Whether the next commit waits for the disk; SQLite takes this outside of transactions only."""
    level = "FULL" if durable else "NORMAL"
    conn.connection.cursor().execute(f"PRAGMA synchronous={level}")


def _take_over_transactions(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _: object) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def began(conn: Connection) -> None:
        conn.exec_driver_sql(begin)
