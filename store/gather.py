"""A crowd's transaction: what many do in it alike is done once, for all of them, at its end.

Several deliveries share one transaction (group commit). Each adds rows that nobody reads before the
commit, and asks the same question of one row: by itself that is a statement each, which on PostgreSQL is
a round trip and a plan. Outside of `gathering` everything happens at once, as if this were not here.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Executable, Table

from store.bulk import Row, insert_many

T = TypeVar("T")
_KEY = "pausewire_gathered"


@dataclass
class _Gathered:
    rows: dict[tuple[Table, tuple[str, ...]], list[Row]] = field(default_factory=dict)
    changes: dict[Executable, dict[Hashable, Mapping[str, Any]]] = field(default_factory=dict)
    answers: dict[Callable[[Connection], Any], Any] = field(default_factory=dict)


@contextmanager
def gathering(conn: Connection) -> Iterator[None]:
    """Put off to the block's end what may wait; if the block fails, nothing of it is done."""
    gathered = conn.info[_KEY] = _Gathered()
    try:
        yield
    finally:
        del conn.info[_KEY]
    for (table, columns), rows in gathered.rows.items():
        insert_many(conn, table, columns, rows, on_conflict="error")
    for statement, values in gathered.changes.items():
        conn.execute(statement, list(values.values()))


def insert_later(conn: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Insert rows that nobody reads before the commit. Raises IntegrityError, then or now."""
    gathered = _of(conn)
    if gathered is None:
        insert_many(conn, table, columns, rows, on_conflict="error")
    else:
        gathered.rows.setdefault((table, tuple(columns)), []).extend(rows)


def change_later(
    conn: Connection, statement: Executable, key: Hashable, values: Mapping[str, Any]
) -> None:
    """Run a statement whose result nobody needs; of changes with one key the last one counts."""
    gathered = _of(conn)
    if gathered is None:
        conn.execute(statement, values)
        return
    gathered.changes.setdefault(statement, {})[key] = values


def ask_once(conn: Connection, question: Callable[[Connection], T]) -> T:
    """The answer as it was the first time that somebody in this crowd asked."""
    gathered = _of(conn)
    if gathered is None:
        return question(conn)
    if question not in gathered.answers:
        gathered.answers[question] = question(conn)
    return cast("T", gathered.answers[question])


def _of(conn: Connection) -> _Gathered | None:
    return conn.info.get(_KEY)
