"""Errors of the store, named for the reaction they call for.

StoreError
├── Transient             wait and try again; the process stays alive, not ready
│   ├── DatabaseLocked    another writer holds what we need, or a deadlock was broken
│   ├── DiskFull          no room to write
│   ├── ConnectionLost    the database cannot be reached, or has no connection to give
│   └── TrackingConflict  another process projected this chunk first: go on from its position
└── Permanent             trying again cannot help
    ├── FenceLost         another indexer was elected; this one must not append
    ├── LeaseLost         the lease ran out or was taken
    ├── VersionConflict   an aggregate's version was recorded by somebody else
    ├── UnknownTopic      a stored topic that this version of Pausewire cannot read
    ├── SchemaBehind      tables are missing: run `pausewire db upgrade`
    └── UnusableDatabase  no such database, no right to it, damaged, or an unsupported URL

`translate` says which of them a driver's error is; what it does not know stays as it is, a defect.
"""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StoreError(Exception):
    """The store could not do what was asked."""


class Transient(StoreError):
    """Wait and try again."""


class Permanent(StoreError):
    """Trying again cannot help."""


class DatabaseLocked(Transient):
    """Another writer holds what we need."""


class DiskFull(Transient):
    """No room to write."""


class ConnectionLost(Transient):
    """The database cannot be reached, or has no connection to give."""


class TrackingConflict(Transient):
    """Another process moved the follower's position first."""

    def __init__(self, name: str, position: int) -> None:
        super().__init__(f"follower {name}: position {position} was passed by another process")
        self.name = name
        self.position = position


class FenceLost(Permanent):
    """Another indexer was elected: its epoch stands in the log's head."""

    def __init__(self, fence: int) -> None:
        super().__init__(f"the log's head no longer carries fence {fence}")
        self.fence = fence


class LeaseLost(Permanent):
    """The lease ran out or was taken by another holder."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(f"lease {name}: {holder} does not hold it any more")
        self.name = name
        self.holder = holder


class VersionConflict(Permanent):
    """The version of an aggregate was recorded by somebody else in the meantime."""


class UnknownTopic(Permanent):
    """A stored event carries a topic that this version cannot read."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic!r} is not known: was this log written by a newer version?")
        self.topic = topic


class SchemaBehind(Permanent):
    """The database lacks tables or columns that this version needs."""


class UnusableDatabase(Permanent):
    """The database cannot be opened as it is described."""


# https://www.sqlite.org/rescode.html, primary codes (the extended code's low byte).
SQLITE_KINDS: dict[int, type[StoreError]] = {
    5: DatabaseLocked,  # SQLITE_BUSY
    6: DatabaseLocked,  # SQLITE_LOCKED
    8: UnusableDatabase,  # SQLITE_READONLY
    10: DiskFull,  # SQLITE_IOERR: most often a full or failing disk
    11: UnusableDatabase,  # SQLITE_CORRUPT
    13: DiskFull,  # SQLITE_FULL
    14: UnusableDatabase,  # SQLITE_CANTOPEN
    26: UnusableDatabase,  # SQLITE_NOTADB
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the class (two characters) is the net.
POSTGRES_KINDS: dict[str, type[StoreError]] = {
    "08": ConnectionLost,  # connection exceptions
    "25P03": ConnectionLost,  # ended for its silence inside a transaction
    "28": UnusableDatabase,  # wrong user or password
    "3D000": UnusableDatabase,  # no such database
    "40": DatabaseLocked,  # serialization failure, deadlock
    "42501": UnusableDatabase,  # no right to a table
    "42P01": SchemaBehind,  # no such table
    "42703": SchemaBehind,  # no such column
    "53100": DiskFull,
    "53": ConnectionLost,  # out of memory, too many connections
    "55P03": DatabaseLocked,  # lock not available
    "57": ConnectionLost,  # shutting down, starting up, query cancelled
    "58": DiskFull,  # I/O error of the server
    "XX001": UnusableDatabase,  # damaged data
}


def translate(error: Exception) -> StoreError | None:
    """The store's error for one of SQLAlchemy's or of a driver's; None where the cause is a defect."""
    if isinstance(error, PoolTimeout):
        return ConnectionLost("every pooled connection is in use")
    cause = error.orig if isinstance(error, DBAPIError) else error
    kind: type[StoreError] | None = None
    if isinstance(cause, sqlite3.Error):
        kind = _sqlite_kind(cause)
    elif isinstance(cause, psycopg.Error):
        kind = _postgres_kind(cause)
    if kind is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        kind = ConnectionLost
    # The driver's own text may quote a whole statement with its values: only its first line is kept.
    return None if kind is None else kind(str(cause).partition("\n")[0])


def _sqlite_kind(cause: sqlite3.Error) -> type[StoreError] | None:
    if str(cause).startswith(("no such table", "no such column", "table ")):
        return SchemaBehind
    return SQLITE_KINDS.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)


def _postgres_kind(cause: psycopg.Error) -> type[StoreError] | None:
    if cause.sqlstate is None:
        # The driver itself met the fault: no server answered.
        return ConnectionLost if isinstance(cause, psycopg.OperationalError) else None
    return POSTGRES_KINDS.get(cause.sqlstate) or POSTGRES_KINDS.get(cause.sqlstate[:2])
