"""Rows changed by key, each to values of its own, and what became of each.

PostgreSQL: one UPDATE from `unnest` arrays, whatever the number of rows. SQLite: the one statement for
each row, which its driver compiles once.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, select

from store.driver_values import Row, change_of, converted, driver_rows, reading_of, sql_type


def update_many(  # noqa: PLR0913 # the rows, the condition, the change and what is told of it
    conn: Connection,
    table: Table,
    key_columns: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    returning: Sequence[Column[Any]],
    where: str = "true",
) -> list[Row | None]:
    """Set `columns` where `key_columns` and `where` (SQL) hold; `rows`: of each its keys, then its values.

    For each of them `returning` of the row as it is now, or None: there was none to change. A row that is
    asked for twice by one key changes once, as one of them says, and the other gets None or the same row.
    """
    if not rows:
        return []
    given = driver_rows(conn, table, (*key_columns, *columns), rows)
    told = ", ".join(f'"{table.name}"."{column.name}"' for column in returning)
    if conn.dialect.name == "sqlite":
        found = _one_by_one(conn, table, (key_columns, columns), given, (where, told))
    else:
        found = _together(conn, table, (key_columns, columns), given, (where, told))
    readings = [reading_of(column, conn.dialect) for column in returning]
    known = iter(converted([each for each in found if each is not None], readings))
    return [None if each is None else next(known) for each in found]


def lock_many(conn: Connection, key: Column[Any], keys: Collection[Any]) -> None:
    """Lock rows until the transaction ends, in the order of `key`. SQLite has one writer anyway."""
    if not keys or conn.dialect.name == "sqlite":
        return
    change = change_of(key, conn.dialect)
    wanted = list(keys) if change is None else [change(each) for each in keys]
    among = f'"{key.name}" = ANY(%b::{sql_type(conn, key)}[])'
    ending = f'ORDER BY "{key.name}" FOR NO KEY UPDATE'
    conn.exec_driver_sql(f'SELECT FROM "{key.table.name}" WHERE {among} {ending}', (wanted,))


def lock_all(conn: Connection, key: Column[Any], where: ColumnElement[bool]) -> None:
    """The same of all rows that meet a condition."""
    if conn.dialect.name != "sqlite":
        conn.execute(select(key).where(where).order_by(key).with_for_update())


_Names = tuple[Sequence[str], Sequence[str]]


def _one_by_one(
    conn: Connection, table: Table, names: _Names, rows: Sequence[Row], parts: tuple[str, str]
) -> list[Row | None]:
    (keys, columns), (where, told) = names, parts
    changes = ", ".join(f'"{name}" = ?' for name in columns)
    stands = " AND ".join((*(f'"{name}" = ?' for name in keys), where))
    statement = f'UPDATE "{table.name}" SET {changes} WHERE {stands} RETURNING {told}'  # noqa: S608 # our names
    found: list[Row | None] = []
    for row in rows:
        values = row[len(keys) :] + row[: len(keys)]
        changed = conn.exec_driver_sql(statement, values).fetchone()
        found.append(None if changed is None else tuple(changed))
    return found


def _together(
    conn: Connection, table: Table, names: _Names, rows: Sequence[Row], parts: tuple[str, str]
) -> list[Row | None]:
    (keys, columns), (where, told) = names, parts
    changes = ", ".join(f'"{name}" = given."to_{name}"' for name in columns)
    matches = (f'"{table.name}"."{name}" = given."is_{name}"' for name in keys)
    stands = " AND ".join((*matches, where))
    types = (sql_type(conn, table.c[name]) for name in (*keys, *columns))
    arrays = ", ".join(f"%b::{each}[]" for each in types)
    titles = ", ".join(
        f'"{name}"' for name in (*(f"is_{n}" for n in keys), *(f"to_{n}" for n in columns), "place")
    )
    statement = (
        f'UPDATE "{table.name}" SET {changes}'  # noqa: S608 # names of our tables
        f" FROM unnest({arrays}) WITH ORDINALITY AS given ({titles})"
        f" WHERE {stands} RETURNING given.place, {told}"
    )
    found: list[Row | None] = [None] * len(rows)
    by_column = tuple(list(column) for column in zip(*rows, strict=True))
    for place, *row in conn.exec_driver_sql(statement, by_column):
        found[place - 1] = tuple(row)
    return found
