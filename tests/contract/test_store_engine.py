"""Transactions of both databases: all or nothing, one line of writers, readers that never wait."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from store import postgresql, schema, sqlite
from store.engine import Database
from store.errors import DatabaseLocked, SchemaBehind, Transient, UnusableDatabase

tracking = schema.tracking


def put(conn, name: str, position: int = 1) -> None:
    conn.execute(insert(tracking).values(name=name, position=position))


def put_and_fail(database: Database, name: str) -> None:
    with database.begin() as conn:
        put(conn, name)
        raise ZeroDivisionError


def names(database: Database) -> list[str]:
    with database.read() as conn:
        return list(conn.execute(select(tracking.c.name).order_by(tracking.c.name)).scalars())


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_is_committed_at_its_end(database, durable):
    with database.begin(durable=durable) as conn:
        put(conn, "a")
    assert names(database) == ["a"]


def test_an_error_rolls_everything_back_and_passes_through(database):
    with pytest.raises(ZeroDivisionError):
        put_and_fail(database, "a")
    assert names(database) == []


def test_a_savepoint_can_fail_alone(database):
    with database.begin() as conn:
        put(conn, "a")
        with pytest.raises(IntegrityError), conn.begin_nested():
            conn.execute(insert(tracking), [{"name": n, "position": 1} for n in ("b", "a")])
        put(conn, "c")
    assert names(database) == ["a", "c"]


def test_a_read_transaction_sees_one_state(database):
    with database.read() as conn:
        first = conn.execute(select(tracking.c.name)).all()
        with database.begin() as writing:
            put(writing, "a")
        assert conn.execute(select(tracking.c.name)).all() == first == []
    assert names(database) == ["a"]


def test_a_read_transaction_cannot_write(database):
    refused = (DBAPIError, UnusableDatabase)
    with pytest.raises(refused, match=r"read-?only"), database.read() as conn:
        put(conn, "a")


def test_a_missing_table_says_that_the_schema_is_behind(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(SchemaBehind), database.read() as conn:
        conn.execute(select(tracking))
    database.close()


@pytest.mark.postgres
def test_a_missing_table_of_postgresql_says_so_too(empty_postgres_url):
    database = Database.open(empty_postgres_url)
    with pytest.raises(SchemaBehind), database.begin() as conn:
        conn.execute(select(tracking))
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://localhost/x",
        "postgresql+asyncpg://localhost/x",
        "sqlite:////proc/no/such/folder/x.db",
    ],
)
def test_a_database_that_cannot_be_described_is_refused_at_once(url):
    with pytest.raises(UnusableDatabase):
        Database.open(url)


def test_the_folder_of_a_sqlite_file_is_made(tmp_path):
    path = tmp_path / "var" / "deep" / "pausewire.db"
    database = Database.open(f"sqlite:///{path}")
    with database.begin() as conn:
        conn.execute(text("CREATE TABLE t (x)"))
    database.close()
    assert path.exists()


def test_a_file_that_is_no_database_is_unusable(tmp_path):
    path = tmp_path / "letter.db"
    path.write_text("Dear database, " * 100)
    database = Database.open(f"sqlite:///{path}")
    with pytest.raises(UnusableDatabase), database.begin():
        pass
    database.close()


def test_a_server_that_is_not_there_is_transient():
    database = Database.open("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Transient), database.begin():
        pass
    database.close()


def journal(path: Path, pragma: str) -> str:
    with sqlite3.connect(path) as conn:
        return str(conn.execute(f"PRAGMA {pragma}").fetchone()[0])


def test_sqlite_keeps_a_write_ahead_log(sqlite_database):
    with sqlite_database.begin() as conn:
        put(conn, "a")
    assert journal(Path(sqlite_database.url.removeprefix("sqlite:///")), "journal_mode") == "wal"


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_sqlite_waits_for_the_disk_only_where_it_must(sqlite_database, durable, level):
    for _ in range(2):  # the level of the transaction before does not stay
        with sqlite_database.begin(durable=not durable):
            pass
        with sqlite_database.begin(durable=durable) as conn:
            assert conn.execute(text("PRAGMA synchronous")).scalar() == level


@pytest.mark.postgres
@pytest.mark.parametrize(("durable", "setting"), [(True, "on"), (False, "off")])
def test_postgresql_waits_for_the_disk_only_where_it_must(postgres_url, durable, setting):
    database = Database.open(postgres_url)
    with database.begin(durable=durable) as conn:
        assert conn.execute(text("SHOW synchronous_commit")).scalar() == setting
    with database.begin() as conn:
        assert conn.execute(text("SHOW synchronous_commit")).scalar() == "on"
    database.close()


@pytest.mark.postgres
def test_postgresql_compiles_no_plan_of_ours(postgres_url):
    database = Database.open(postgres_url)
    for begun in (database.begin, database.read):
        with begun() as conn:
            assert conn.execute(text("SHOW jit")).scalar() == "off"
    with database.read() as conn:
        assert conn.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
        with pytest.raises(DBAPIError, match="read-only transaction"):
            conn.execute(text("CREATE TABLE none_such (a int)"))
    database.close()


def test_writers_of_one_process_take_turns(database):
    """Read, think, write: no update is lost, because each transaction is alone or locks its row."""
    with database.begin() as conn:
        put(conn, "n", 0)

    def count() -> None:
        for _ in range(20):
            with database.begin(durable=False) as conn:
                row = select(tracking.c.position).where(tracking.c.name == "n").with_for_update()
                seen = conn.execute(row).scalar_one()
                conn.execute(tracking.update().values(position=seen + 1))

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with database.read() as conn:
        assert conn.execute(select(tracking.c.position)).scalar_one() == 100


def test_a_write_inside_a_write_is_a_defect_on_sqlite(sqlite_database):
    with (
        pytest.raises(RuntimeError, match="inside a write transaction"),
        sqlite_database.begin(),
        sqlite_database.begin(),
    ):
        pass
    with sqlite_database.begin() as conn:
        put(conn, "a")


def test_another_process_that_keeps_the_write_lock_is_transient(sqlite_url, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    mine, theirs = Database.open(sqlite_url), Database.open(sqlite_url)
    with theirs.begin() as conn:
        put(conn, "a")
        started = time.monotonic()
        with pytest.raises(DatabaseLocked), mine.begin():
            pass
        assert time.monotonic() - started < 2
    with mine.begin() as conn:
        put(conn, "b")
    assert names(mine) == ["a", "b"]
    mine.close()
    theirs.close()


def put_and_lose_the_connection(database: Database, name: str) -> None:
    with database.begin() as conn:
        put(conn, name)
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.postgres
def test_a_killed_connection_is_transient_and_the_next_transaction_works(postgres_url):
    database = Database.open(postgres_url)
    with pytest.raises(Transient):
        put_and_lose_the_connection(database, "a")
    with database.begin() as conn:
        put(conn, "b")
    assert names(database) == ["b"]
    database.close()


@pytest.mark.postgres
def test_a_reading_connection_that_died_while_idle_is_replaced_unnoticed(postgres_url, monkeypatch):
    database = Database.open(postgres_url)
    assert names(database) == []
    with database.begin() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 0.0)
    assert names(database) == []
    database.close()


@pytest.mark.postgres
def test_a_reading_connection_that_died_as_it_was_used_is_transient_once(postgres_url):
    database = Database.open(postgres_url)
    with pytest.raises(Transient), database.read() as conn:
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert names(database) == []
    database.close()
