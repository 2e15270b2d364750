"""The migrations make what the packages' table definitions say, and can be taken back."""

import importlib
import os
import pkgutil
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DatabaseError

from store import schema
from store.engine import Database
from store.migrate import FOLDER, current, downgrade, is_behind, newest, upgrade

PACKAGES = ("ingest", "projections", "notifier", "api")
HEAD = max(file.name[1:5] for file in (Path(FOLDER) / "versions").glob("v[0-9]*.py"))
OURS = re.compile(
    r"^\s*(from|import) (domain|store|ingest|projections|notifier|wallets|api|config|cli|simulator)\b",
    re.MULTILINE,
)

POSTGRES_COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
POSTGRES_INDEXES = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
SQLITE_COLUMNS = """
    SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
    FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name <> 'alembic_version'
"""
SQLITE_INDEXES = """
    SELECT m.name, m.tbl_name, m.sql, group_concat(i.name)
    FROM sqlite_master m, pragma_index_info(m.name) i
    WHERE m.type = 'index' AND m.tbl_name <> 'alembic_version' GROUP BY m.name, m.tbl_name, m.sql
"""


def import_all_tables() -> None:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if "metadata" in Path(module.module_finder.find_spec(module.name).origin).read_text():
                importlib.import_module(module.name)


def catalogue(database: Database) -> set[tuple]:
    sqlite = database.dialect == "sqlite"
    queries = (SQLITE_COLUMNS, SQLITE_INDEXES) if sqlite else (POSTGRES_COLUMNS, POSTGRES_INDEXES)
    with database.read() as conn:
        return {tuple(row) for query in queries for row in conn.execute(text(query))}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


def test_an_upgraded_database_is_what_the_packages_define(empty_url):
    import_all_tables()
    upgrade(empty_url)
    database = Database.open(empty_url)
    migrated = catalogue(database)
    with database.begin() as conn:
        wipe(conn)
        schema.metadata.create_all(conn)
    defined = catalogue(database)
    database.close()
    assert len(defined) > 100
    assert migrated - defined == set()
    assert defined - migrated == set()


def wipe(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
        return
    names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
    for name in names.all():
        if not name.startswith("sqlite_"):
            conn.execute(text(f'DROP TABLE "{name}"'))


def test_what_is_up_to_date_is_known_without_the_tool(empty_url):
    database = Database.open(empty_url)
    assert current(empty_url) is None
    assert is_behind(database)
    upgrade(empty_url)
    assert current(empty_url) == newest() == HEAD
    assert not is_behind(database)
    downgrade(empty_url, "0001")
    assert current(empty_url) == "0001"
    assert is_behind(database)
    upgrade(empty_url)
    assert not is_behind(database)
    database.close()


def test_downgrading_leaves_nothing_and_upgrading_again_works(empty_url):
    upgrade(empty_url)
    downgrade(empty_url, "base")
    assert current(empty_url) is None
    database = Database.open(empty_url)
    assert catalogue(database) == set()
    database.close()
    upgrade(empty_url)
    assert current(empty_url) == HEAD


def test_every_revision_can_be_taken_back_alone(empty_url):
    upgrade(empty_url)
    for revision in ("0004", "0003", "0002", "0001"):
        downgrade(empty_url, revision)
        assert current(empty_url) == revision


def test_processes_that_upgrade_at_once_do_it_once(empty_url):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upgrade, [empty_url] * 3))
    assert current(empty_url) == HEAD
    database = Database.open(empty_url)
    with database.read() as conn:
        assert conn.execute(select(func.count()).select_from(schema.log_head)).scalar_one() == 1
    database.close()


def test_a_kill_in_the_middle_leaves_the_database_as_it_was(empty_url):
    upgrade(empty_url, "0001")
    killed = subprocess.run(
        [sys.executable, "-c", f"from store.migrate import upgrade; upgrade({empty_url!r})"],
        env=os.environ | {"PAUSEWIRE_TEST_KILL_AT": "in_migration:3"},
        check=False,
        timeout=150,
    )
    assert killed.returncode == -signal.SIGKILL
    assert current(empty_url) == "0001"
    upgrade(empty_url)
    assert current(empty_url) == HEAD


def test_revisions_import_nothing_of_ours():
    files = list(FOLDER.rglob("*.py"))
    assert len(files) > 5
    assert [file.name for file in files if OURS.search(file.read_text())] == []


EVENT = {
    "position": 1,
    "originator_id": UUID(int=1),
    "originator_version": 1,
    "topic": "t",
    "state": b"s",
    "recorded_at": 0,
}
EVIDENCE = {
    "event_id": "e",
    "contract_id": "c",
    "bytes": b"b",
    "sha256": b"h",
    "seen_at": 0,
    "source": "s",
}
OUTCOME = {"event_id": "e", "n": 1, "outcome": "applied"}


@pytest.mark.parametrize(
    ("table", "row"),
    [("recorded_event", EVENT), ("evidence", EVIDENCE), ("evidence_outcome", OUTCOME)],
)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_log_and_evidence_refuse_to_be_changed(database, table, row, change):
    with database.begin() as conn:
        conn.execute(insert(schema.metadata.tables[table]), row)
    column = next(iter(row))
    with (
        pytest.raises(DatabaseError, match=f"{table} is append-only"),
        database.begin() as conn,
    ):
        conn.execute(text(change.format(table, column, column)))
