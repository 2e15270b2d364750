"""Bulk writes give the same rows on both databases, whatever the types and however many."""

from uuid import UUID

import pytest
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text, Uuid, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from store.bulk import insert_many, select_many, upsert_many
from store.columns import I128, U64
from store.engine import Database
from store.schema import key_text, tracking

things = Table(
    "bulk_thing",
    MetaData(),
    Column("name", key_text(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("stream_id", U64),
    Column("amount", I128),
    Column("raw", LargeBinary),
    Column("flag", Boolean),
    Column("note", Text),
)
pairs = Table(
    "bulk_pair",
    things.metadata,
    Column("name", key_text(), primary_key=True),
    Column("number", Integer, primary_key=True),
)
COLUMNS = tuple(column.name for column in things.columns)


def thing(number: int, note: str | None = "ä 'quoted' \\ \x01") -> tuple:
    return (
        f"n{number:05d}",
        number,
        UUID(int=number),
        2**64 - 1 - number,
        -(2**127) + number,
        bytes([number % 256, 0, 255]),
        number % 2 == 0,
        note,
    )


def empty(number: int) -> tuple:
    return (f"n{number:05d}", number, UUID(int=number), None, None, None, None, None)


def stored(conn) -> list[tuple]:
    return [tuple(row) for row in conn.execute(select(things).order_by(things.c.name))]


@pytest.fixture
def conn(database):
    with database.begin() as conn:
        things.metadata.create_all(conn)
        yield conn


@pytest.mark.parametrize("count", [1, 15, 16, 1000])
@pytest.mark.parametrize("make", [thing, empty])
@pytest.mark.parametrize("on_conflict", ["error", "nothing"])
def test_inserted_rows_come_back_as_they_were(conn, count, make, on_conflict):
    rows = [make(number) for number in range(count)]
    assert insert_many(conn, things, COLUMNS, rows, on_conflict=on_conflict) == count
    assert stored(conn) == rows


def test_no_rows_are_no_statement(conn):
    assert insert_many(conn, things, COLUMNS, [], on_conflict="error") == 0
    assert upsert_many(conn, things, ("name", "number"), COLUMNS, []) == 0


@pytest.mark.parametrize("count", [2, 40])
def test_a_row_that_exists_is_an_error_where_asked_for(conn, count):
    insert_many(conn, things, COLUMNS, [thing(1)], on_conflict="error")
    rows = [thing(number) for number in range(count)]
    with pytest.raises(IntegrityError), conn.begin_nested():
        insert_many(conn, things, COLUMNS, rows, on_conflict="error")
    assert stored(conn) == [thing(1)]


@pytest.mark.postgres
@pytest.mark.parametrize("count", [2, 40])
def test_a_text_that_postgresql_refuses_is_sqlalchemys_error(postgres_url, count):
    rows = [(f"n\x00{number}", number) for number in range(count)]
    database = Database.open(postgres_url)
    with pytest.raises(DBAPIError), database.begin() as conn:
        insert_many(conn, tracking, ("name", "position"), rows, on_conflict="error")
    database.close()


def test_rows_that_exist_are_left_alone_where_asked_for(conn):
    insert_many(conn, things, COLUMNS, [thing(1, "old")], on_conflict="error")
    rows = [thing(0, "new"), thing(1, "new"), thing(2, "new")]
    assert insert_many(conn, things, COLUMNS, rows, on_conflict="nothing") == 2
    assert stored(conn) == [thing(0, "new"), thing(1, "old"), thing(2, "new")]


@pytest.mark.parametrize("count", [3, 300])
def test_an_upsert_replaces_and_adds(conn, count):
    insert_many(conn, things, COLUMNS, [thing(n, "old") for n in range(2)], on_conflict="error")
    rows = [thing(number, "new") for number in range(1, count)]
    upsert_many(conn, things, ("name", "number"), COLUMNS, rows)
    assert stored(conn) == [thing(0, "old"), *rows]


def test_an_upsert_of_nothing_but_keys_adds_what_is_missing(conn):
    key = ("name", "number")
    insert_many(conn, pairs, key, [("a", 1)], on_conflict="error")
    upsert_many(conn, pairs, key, key, [("a", 1), ("b", 2)])
    assert [tuple(row) for row in conn.execute(select(pairs).order_by(pairs.c.name))] == [
        ("a", 1),
        ("b", 2),
    ]


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1700])
@pytest.mark.parametrize("key", ["name", "id", "stream_id", "amount", "number"])
def test_rows_are_found_by_any_kind_of_key(conn, count, key):
    rows = [thing(number) for number in range(2000)]
    insert_many(conn, things, COLUMNS, rows, on_conflict="error")
    at = COLUMNS.index(key)
    wanted = [row[at] for row in rows[:count]] + [thing(5000)[at]]
    found = select_many(conn, list(things.c), things.c[key], wanted)
    assert sorted(found) == rows[:count]


def test_no_keys_find_nothing(conn):
    insert_many(conn, things, COLUMNS, [thing(1)], on_conflict="error")
    assert select_many(conn, [things.c.note], things.c.name, []) == []


def test_found_values_may_be_null(conn):
    insert_many(conn, things, COLUMNS, [empty(1)], on_conflict="error")
    assert select_many(conn, list(things.c), things.c.number, [1]) == [empty(1)]
