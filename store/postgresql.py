"""How connections to PostgreSQL are made: psycopg, and nothing that outlives a transaction.

Prepared statements, SET, LISTEN and session locks do not survive PgBouncer's transaction pooling:
statements are not prepared, settings are SET LOCAL, isolation stands in each BEGIN.
"""

import time
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

# A peer that vanished without a word (power cut, firewall) is noticed within half a minute.
_CONNECT_ARGS: dict[str, Any] = {
    "prepare_threshold": None,
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "pausewire",
}
SILENCE_SECONDS = 10
_MORE = 10  # SQLAlchemy's own overflow, but kept: making a connection costs more than a page
IDLE_SECONDS: Final = 1.0  # a connection that was used since is taken to live
_USED_AT: Final = "pausewire_used_at"
# Compiling a plan takes the server a second, and it means to where its statistics are behind a table that
# grows fast: every letter of a storm did.
_AS_IT_IS: Final = "SET LOCAL jit = off"
_BEGIN_READ: Final = f"BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {_AS_IT_IS}"
_BEGIN_WRITE: Final = (
    f"BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED; {_AS_IT_IS};"
    f" SET LOCAL idle_in_transaction_session_timeout = '{SILENCE_SECONDS}s'"
)
_NOT_DURABLE: Final = "; SET LOCAL synchronous_commit = off"
_DURABLE: Final = "; SET LOCAL synchronous_commit = on"


def writer(url: URL, pool_size: int) -> Engine:
    """Connections whose transactions `begin_write` begins; commit and rollback end them as always."""
    return _beginning_by_hand(url, pool_size)


def reader(url: URL, pool_size: int) -> Engine:
    """The same, by `begin_read`."""
    return _beginning_by_hand(url, pool_size)


def _beginning_by_hand(url: URL, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        hide_parameters=True,
        use_native_hstore=False,
        connect_args=_CONNECT_ARGS,
        isolation_level="AUTOCOMMIT",
    )
    _ping_what_was_idle(engine)
    return engine


def async_reader(url: URL, pool_size: int) -> "AsyncEngine":
    """For coroutines that read: each statement sees its own state, unless a transaction was begun."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        url,
        pool_size=pool_size + _MORE,
        max_overflow=0,
        hide_parameters=True,
        use_native_hstore=False,
        connect_args=_CONNECT_ARGS,
        isolation_level="AUTOCOMMIT",
    )
    _ping_what_was_idle(engine.sync_engine)
    return engine


def _ping_what_was_idle(engine: Engine) -> None:
    """Find out that a connection is dead before it is used, but for one that answered just now.

    SQLAlchemy's own ping before every use is one round trip of the few that a page or a claim takes.
    """

    def returned(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    def taken(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError from error  # the pool makes another one

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)


def begin_read(conn: Connection) -> None:
    """Begin a transaction that sees one state of the database, and changes nothing."""
    conn.exec_driver_sql(_BEGIN_READ)


def begin_write(conn: Connection, *, durable: bool) -> None:
    """Begin a transaction at READ COMMITTED: rows are locked by what is written.

    `durable`: whether its commit waits for the disk. A host that freezes or vanishes inside a transaction
    keeps its row locks, the lease's and the head's among them: the server ends what stays idle for
    SILENCE_SECONDS, and a standby goes on. All of that is one round trip; psycopg's own BEGIN would be
    another.
    """
    conn.exec_driver_sql(_BEGIN_WRITE + (_DURABLE if durable else _NOT_DURABLE))


def libpq_address(url: URL) -> str:
    """The URL as libpq understands it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
