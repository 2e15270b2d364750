"""How connections to PostgreSQL are made: psycopg, and nothing that outlives a transaction.

Prepared statements, SET, LISTEN and session locks do not survive PgBouncer's transaction pooling:
statements are not prepared, settings are SET LOCAL, isolation stands in each BEGIN.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

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
_READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def writer(url: URL, pool_size: int) -> Engine:
    """Read-write connections at READ COMMITTED: rows are locked by what is written."""
    return create_engine(
        url,
        pool_size=pool_size,
        hide_parameters=True,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args=_CONNECT_ARGS,
    )


def reader(url: URL, pool_size: int) -> Engine:
    """Read-only connections; each transaction sees one snapshot."""
    return create_engine(
        url,
        pool_size=pool_size,
        hide_parameters=True,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args=_CONNECT_ARGS,
        execution_options=_READ_ONLY,
    )


def async_reader(url: URL, pool_size: int) -> AsyncEngine:
    """The same for coroutines."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        hide_parameters=True,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args=_CONNECT_ARGS,
        execution_options=_READ_ONLY,
    )


def set_durability(conn: Connection, *, durable: bool) -> None:
    """Whether this transaction's commit waits for the disk, and how long its holder may fall silent.

    A host that freezes or vanishes inside a transaction keeps its row locks, the lease's and the head's
    among them: the server ends what stays idle so long, and a standby goes on.
    """
    commit = "on" if durable else "off"
    conn.exec_driver_sql(
        "SELECT set_config('idle_in_transaction_session_timeout', %s, true),"
        " set_config('synchronous_commit', %s, true)",
        (f"{SILENCE_SECONDS}s", commit),
    )


def libpq_address(url: URL) -> str:
    """The URL as libpq understands it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
