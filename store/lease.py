"""One active indexer: whoever holds the lease's row, for as long as it renews it.

Each taking raises the epoch and writes it into the log's head as the fence, in one transaction. A
holder that fell asleep and wakes up after its time (a zombie) then matches no row when it appends:
the lease makes two leaders unlikely, the fence makes them harmless.

Times are the database's own on PostgreSQL, so that hosts with different clocks agree who is late.
"""

from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    literal,
    literal_column,
    select,
    update,
)

from store.bulk import insert_many
from store.clock import now_micros
from store.engine import SQLITE, Database
from store.errors import LeaseLost
from store.schema import lease, log_head

_POSTGRES_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class Lease:
    """The right to be the one indexer of this database.

    `holder`: unique to this process's life (host, process id and a random part will do).
    `seconds`: how long the right lasts without renewal.
    """

    def __init__(self, database: Database, *, name: str, holder: str, seconds: float) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._micros = timedelta(seconds=seconds) // timedelta(microseconds=1)
        self._epoch: int | None = None

    @property
    def epoch(self) -> int:
        """The fence that our appends carry. Raises LeaseLost while we do not hold the lease."""
        if self._epoch is None:
            raise LeaseLost(self._name, self._holder)
        return self._epoch

    def acquire(self) -> int | None:
        """Take the lease if it is free or ours: its epoch, or None while another holds it."""
        with self._database.begin() as conn:
            if self._epoch is None or not self._extend(conn):
                self._epoch = self._take(conn)
        return self._epoch

    def renew(self, conn: Connection) -> None:
        """Hold on to the lease, in the caller's transaction. Raises LeaseLost."""
        if not self._extend(conn):
            raise LeaseLost(self._name, self._holder)

    def release(self) -> None:
        """Let the next one in at once; nothing happens where we do not hold it."""
        with self._database.begin() as conn:
            conn.execute(update(lease).where(*self._is_ours()).values(expires_at=0))
        self._epoch = None

    def _extend(self, conn: Connection) -> bool:
        """An expired lease that nobody took is still ours."""
        until = _now(conn) + self._micros
        statement = update(lease).where(*self._is_ours()).values(expires_at=until)
        return conn.execute(statement).rowcount == 1

    def _take(self, conn: Connection) -> int | None:
        insert_many(
            conn,
            lease,
            ("name", "holder", "epoch", "expires_at"),
            [(self._name, "", 0, 0)],
            on_conflict="nothing",
        )
        # Above every fence ever written, also where the lease's row was lost or restored.
        epoch = select(log_head.c.fence + 1).scalar_subquery()
        taken: int | None = conn.execute(
            update(lease)
            .where(lease.c.name == self._name, lease.c.expires_at < _now(conn))
            .values(holder=self._holder, epoch=epoch, expires_at=_now(conn) + self._micros)
            .returning(lease.c.epoch)
        ).scalar()
        if taken is not None:
            conn.execute(update(log_head).where(log_head.c.id == 1).values(fence=taken))
        return taken

    def _is_ours(self) -> tuple[ColumnElement[bool], ...]:
        return (
            lease.c.name == self._name,
            lease.c.holder == self._holder,
            lease.c.epoch == (self._epoch or 0),
        )


def _now(conn: Connection) -> ColumnElement[int]:
    if conn.dialect.name == SQLITE:
        return literal(now_micros())
    return literal_column(_POSTGRES_NOW, BigInteger)
