"""Values between column types and drivers, for statements that are written by hand.

Rows are tuples in the order of their columns, with the values that the column types take (UUID, int).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Dialect, LargeBinary, Table, TypeDecorator

Row = tuple[Any, ...]


def driver_rows(
    conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> list[Row]:
    """Rows as the driver takes them: only columns whose type asks for it are touched."""
    found = {index: change_of(table.c[name], conn.dialect) for index, name in enumerate(columns)}
    changes = {index: change for index, change in found.items() if change is not None}
    if not changes:
        return list(rows)
    by_column = [
        map(changes[index], column) if index in changes else column
        for index, column in enumerate(zip(*rows, strict=True))
    ]
    return list(zip(*by_column, strict=True))


def change_of(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a column's value one that the driver takes; None: it takes it as it is."""
    kind = column.type.dialect_impl(dialect)
    if isinstance(kind, TypeDecorator):
        return partial(kind.process_bind_param, dialect=dialect)
    if isinstance(kind, LargeBinary):
        return None  # SQLAlchemy would wrap the bytes; both drivers take them as they are
    return kind.bind_processor(dialect)


def reading_of(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """The way back."""
    kind = column.type.dialect_impl(dialect)
    if isinstance(kind, TypeDecorator):
        return partial(kind.process_result_value, dialect=dialect)
    if isinstance(kind, LargeBinary):
        return None
    return kind.result_processor(dialect, None)


def converted(rows: list[Row], changes: Sequence[Callable[[Any], Any] | None]) -> list[Row]:
    """Rows as they were read, each column by its way back."""
    if not any(changes):
        return rows
    by_column = [
        column if change is None else map(change, column)
        for change, column in zip(changes, zip(*rows, strict=True), strict=False)
    ]
    return list(zip(*by_column, strict=True))


def sql_type(conn: Connection, column: Column[Any]) -> str:
    """The type's name in SQL, for casts."""
    full: str = column.type.compile(conn.dialect)
    return full.partition(" COLLATE")[0]
