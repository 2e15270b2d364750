"""Migrations: the whole way from one schema to another in one transaction, or nothing.

The revisions in store/migrations are written by hand and import nothing of ours: they tell what a
database was made of at their time, whatever the code says today. Alembic is loaded when there is something
to do: a process that starts on a database that is up to date needs none of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text

from store.engine import POSTGRESQL, Database
from store.killpoint import reached

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
HEAD = "head"
IN_MIGRATION = "in_migration"
_LOCK = 0x70617573  # any number, the same in every process: "paus"


def upgrade(url: str, revision: str = HEAD) -> None:
    """Bring the database to a revision; several processes may try at once. Raises StoreError kinds."""
    from alembic import command

    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision (`base`: empty). Raises StoreError kinds."""
    from alembic import command

    _run(url, lambda config: command.downgrade(config, revision))


def is_behind(database: Database) -> bool:
    """Whether the database is to be brought up to date. Raises StoreError kinds."""
    return _revision(database) != newest()


def current(url: str) -> str | None:
    """The revision of the database; None where it is empty. Raises StoreError kinds."""
    with _opened(url) as database:
        return _revision(database)


def _revision(database: Database) -> str | None:
    with database.read() as conn:
        if not inspect(conn).has_table("alembic_version"):
            return None
        found: str | None = conn.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def newest() -> str:
    """The revision that this version of the program brings: its file's name begins with it."""
    return max(path.name[1:].partition("_")[0] for path in (FOLDER / "versions").glob("v*.py"))


def _run(url: str, work: "Callable[[Config], None]") -> None:
    with _opened(url) as database, database.begin() as conn:
        if database.dialect == POSTGRESQL:
            # Until commit: whoever comes second finds the work done. SQLite's BEGIN IMMEDIATE is the same.
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        work(_config(conn))


def _config(conn: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = conn
    config.attributes["on_version_apply"] = _on_version_apply
    return config


def _on_version_apply(**_: Any) -> None:
    reached(IN_MIGRATION)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database.open(url, pool_size=1)
    try:
        yield database
    finally:
        database.close()
