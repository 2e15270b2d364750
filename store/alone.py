"""What one transaction at a time may do, whatever rows it touches, and in whatever order."""

from sqlalchemy import Connection, func, select


def alone(conn: Connection, what: str) -> None:
    """Wait for whoever does it too, and keep others waiting until this transaction ends.

    SQLite has one writer anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))
