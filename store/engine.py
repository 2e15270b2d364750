"""The database of one process: write transactions, read transactions, and the bell.

SQLite has one writer: write transactions of the process stand in one line, first come, first served
(open one Database per process and file), and should take less than 50 ms. PostgreSQL writers meet at
the rows they lock.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store import postgresql, sqlite
from store.errors import UnusableDatabase, translate
from store.fifo import FifoLock
from store.wake import Bell, rung_in

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

SQLITE = "sqlite"
POSTGRESQL = "postgresql"


class Database:
    """Connections to one database; `Database.open` makes it, `close` ends it."""

    def __init__(self, url: URL, pool_size: int, bell: Bell) -> None:
        self.dialect = url.get_backend_name()
        self.url = url.render_as_string(hide_password=False)
        self.bell = bell
        self._address = url
        self._pool_size = pool_size
        self._async: AsyncEngine | None = None
        self._line: AbstractContextManager[None] = nullcontext()
        if self.dialect == SQLITE:
            self._line = FifoLock()
            self._writer = sqlite.writer(url)
            self._reader = sqlite.reader(url, pool_size)
        else:
            self._writer = postgresql.writer(url, pool_size)
            self._reader = postgresql.reader(url, pool_size)

    @classmethod
    def open(cls, url: str, *, pool_size: int = 5, direct_url: str | None = None) -> "Database":
        """Describe the database; connections are made when they are needed.

        `url`: `sqlite:///path` or `postgresql+psycopg://…`. `direct_url`: the same PostgreSQL past any
        pooler, for wake-ups between processes. Raises UnusableDatabase.
        """
        address = _address(url)
        if address.get_backend_name() == SQLITE:
            sqlite.prepare(address)
            return cls(address, pool_size, Bell())
        direct = None if direct_url is None else postgresql.libpq_address(_address(direct_url))
        return cls(address, pool_size, Bell(direct))

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back by any error.

        `durable=False`: the commit may be lost (never torn) in a power cut, with all that came after.
        Raises Transient kinds for what passes, UnusableDatabase and SchemaBehind for what does not.
        """
        rung: set[str] = set()
        with _translated(), self._line, self._writer.connect() as conn:
            try:
                if self.dialect == SQLITE:
                    sqlite.set_durability(conn, durable=durable)
                with conn.begin():
                    if self.dialect == POSTGRESQL:
                        postgresql.begin_write(conn, durable=durable)
                    yield conn
                rung = rung_in(conn)
            finally:
                if not conn.invalidated:
                    rung_in(conn)
        self.bell.strike(rung)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read-only transaction that sees one state of the database; never waits for writers."""
        with _translated(), self._reader.connect() as conn, conn.begin():
            if self.dialect == POSTGRESQL:
                postgresql.begin_read(conn)
            yield conn

    def async_engine(self) -> "AsyncEngine":
        """Connections of PostgreSQL for coroutines that read; `close_async` ends them."""
        if self._async is None:
            self._async = postgresql.async_reader(self._address, self._pool_size)
        return self._async

    async def close_async(self) -> None:
        """End what `async_engine` keeps, on the loop that used it."""
        if self._async is not None:
            await self._async.dispose()

    def close(self) -> None:
        """End waits and idle connections."""
        self.bell.close()
        self._writer.dispose()
        self._reader.dispose()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UnusableDatabase("the database URL cannot be read") from error
    if address.drivername not in ("sqlite", "postgresql+psycopg"):
        raise UnusableDatabase(
            f"{address.drivername} is not supported: use sqlite:///path or postgresql+psycopg://…"
        )
    return address


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, psycopg.Error, sqlite3.Error) as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error
