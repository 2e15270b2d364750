"""Every error of SQLite, PostgreSQL and SQLAlchemy is either mapped or listed here as a defect."""

import inspect
import sqlite3

import psycopg.errors
import pytest
from sqlalchemy import exc

from store import errors
from store.errors import (
    POSTGRES_KINDS,
    SQLITE_KINDS,
    ConnectionLost,
    DatabaseLocked,
    DiskFull,
    SchemaBehind,
    StoreError,
    Transient,
    UnusableDatabase,
    translate,
)

# What follows from a mistake of ours, not from the state of the world: it ends the role.
SQLITE_DEFECTS = {
    "SQLITE_ABORT",
    "SQLITE_AUTH",
    "SQLITE_CONSTRAINT",
    "SQLITE_EMPTY",
    "SQLITE_ERROR",
    "SQLITE_FORMAT",
    "SQLITE_INTERNAL",
    "SQLITE_INTERRUPT",
    "SQLITE_MISMATCH",
    "SQLITE_MISUSE",
    "SQLITE_NOLFS",
    "SQLITE_NOMEM",
    "SQLITE_NOTFOUND",
    "SQLITE_NOTICE",
    "SQLITE_PERM",
    "SQLITE_PROTOCOL",
    "SQLITE_RANGE",
    "SQLITE_ROW",
    "SQLITE_SCHEMA",
    "SQLITE_TOOBIG",
    "SQLITE_WARNING",
}
POSTGRES_DEFECT_CLASSES = {
    "02", "03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25",
    "26", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "42", "44", "54", "55", "72",
    "F0", "HV", "P0", "XX",
}  # fmt: skip


def sqlite_error(code: int, words: str = "words") -> sqlite3.Error:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


def wrapped(cause: Exception, *, invalidated: bool = False) -> exc.DBAPIError:
    return exc.DBAPIError("SELECT 1", None, cause, connection_invalidated=invalidated)


def test_every_sqlite_code_is_mapped_or_a_listed_defect():
    codes = {
        name: code
        for name, code in inspect.getmembers(sqlite3)
        if name.startswith("SQLITE_") and name in SQLITE_PRIMARY
    }
    assert len(codes) > 20
    for name, code in codes.items():
        assert (code in SQLITE_KINDS) != (name in SQLITE_DEFECTS), name


SQLITE_PRIMARY = SQLITE_DEFECTS | {
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_NOTADB",
    "SQLITE_READONLY",
}


def test_every_postgresql_class_is_mapped_or_a_listed_defect():
    states = {
        kind.sqlstate
        for _, kind in inspect.getmembers(psycopg.errors, inspect.isclass)
        if isinstance(getattr(kind, "sqlstate", None), str)
    }
    assert len(states) > 200
    for state in states:
        mapped = state in POSTGRES_KINDS or state[:2] in POSTGRES_KINDS
        if not mapped:
            assert state[:2] in POSTGRES_DEFECT_CLASSES, state


def test_no_class_is_both_mapped_and_listed_as_a_defect():
    assert POSTGRES_DEFECT_CLASSES.isdisjoint(POSTGRES_KINDS)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, DatabaseLocked),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseLocked),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, DatabaseLocked),
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_IOERR_WRITE, DiskFull),
        (sqlite3.SQLITE_CANTOPEN, UnusableDatabase),
        (sqlite3.SQLITE_NOTADB, UnusableDatabase),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, None),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_sqlite_errors_map_to_what_to_do_about_them(code, kind):
    for error in (sqlite_error(code), wrapped(sqlite_error(code))):
        found = translate(error)
        assert (None if found is None else type(found)) is kind


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (psycopg.OperationalError("connection refused"), ConnectionLost),
        (psycopg.errors.AdminShutdown("x"), ConnectionLost),
        (psycopg.errors.CannotConnectNow("x"), ConnectionLost),
        (psycopg.errors.TooManyConnections("x"), ConnectionLost),
        (psycopg.errors.DeadlockDetected("x"), DatabaseLocked),
        (psycopg.errors.SerializationFailure("x"), DatabaseLocked),
        (psycopg.errors.LockNotAvailable("x"), DatabaseLocked),
        (psycopg.errors.DiskFull("x"), DiskFull),
        (psycopg.errors.UndefinedTable("x"), SchemaBehind),
        (psycopg.errors.UndefinedColumn("x"), SchemaBehind),
        (psycopg.errors.InvalidPassword("x"), UnusableDatabase),
        (psycopg.errors.InvalidCatalogName("x"), UnusableDatabase),
        (psycopg.errors.InsufficientPrivilege("x"), UnusableDatabase),
        (psycopg.errors.UniqueViolation("x"), None),
        (psycopg.errors.SyntaxError("x"), None),
        (psycopg.ProgrammingError("no state"), None),
    ],
)
def test_postgresql_errors_map_to_what_to_do_about_them(cause, kind):
    for error in (cause, wrapped(cause)):
        found = translate(error)
        assert (None if found is None else type(found)) is kind


def test_a_missing_table_of_sqlite_means_the_schema_is_behind():
    assert isinstance(translate(sqlite_error(1, "no such table: lease")), SchemaBehind)
    assert isinstance(translate(sqlite_error(1, "no such column: x")), SchemaBehind)


def test_a_full_pool_is_a_lost_connection():
    assert isinstance(translate(exc.TimeoutError("QueuePool limit")), ConnectionLost)


def test_a_connection_that_sqlalchemy_gave_up_is_lost():
    cause = psycopg.ProgrammingError("no state")
    assert isinstance(translate(wrapped(cause, invalidated=True)), ConnectionLost)


def test_an_error_of_anything_else_is_a_defect():
    assert translate(ValueError("x")) is None


def test_only_the_first_line_of_a_drivers_words_is_kept():
    found = translate(psycopg.errors.DeadlockDetected("deadlock\nDETAIL: values of a row"))
    assert str(found) == "deadlock"


def test_every_leaf_is_either_transient_or_permanent_and_drawn_in_the_tree():
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, StoreError) and kind is not StoreError
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert issubclass(kind, (Transient, errors.Permanent))
        assert kind.__name__ in (errors.__doc__ or "")
