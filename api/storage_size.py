"""How much disk the database takes: by table on PostgreSQL, as a whole on SQLite.

SQLite could tell by table (dbstat), but reads the whole file for it: 0.6 s per GB.
"""

from typing import Final

from sqlalchemy import Connection, text

WHOLE: Final = "database"
_BY_TABLE: Final = text(
    "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname"
)
_PAGES: Final = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")


def storage_bytes(conn: Connection) -> dict[str, int]:
    """Bytes by table, indexes and long values included."""
    if conn.dialect.name == "sqlite":
        return {WHOLE: conn.execute(_PAGES).scalar_one()}
    return {row.relname: row.bytes for row in conn.execute(_BY_TABLE)}
