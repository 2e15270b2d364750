"""What a database does for a request: every SELECT that is sent, explained with its values.

PostgreSQL counts the rows that each step really touched; it is told to walk through a table only where
nothing else is possible, as it would with more rows. SQLite says what it walks through and what it sorts.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import event

from store.engine import SQLITE, Database


class Sent(NamedTuple):
    """A statement as it was sent."""

    statement: str
    parameters: Any


class Plan(NamedTuple):
    """How a statement is answered. `touched`: rows read or thrown away, 0 where not counted."""

    statement: str
    text: str
    touched: int


@contextmanager
def heard(database: Database) -> Iterator[list[Sent]]:
    """The SELECTs that are sent meanwhile."""
    sent: list[Sent] = []
    engines = [database._reader]
    if database.dialect != SQLITE:
        engines.append(database.async_engine().sync_engine)

    def note(conn, cursor, statement, parameters, context, executemany):
        if statement.lstrip().startswith(("SELECT", "WITH")):
            sent.append(Sent(statement, parameters))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def plans_of(database: Database, sent: list[Sent]) -> list[Plan]:
    """The plan of each."""
    explained = _of_sqlite if database.dialect == SQLITE else _of_postgresql
    with database.read() as conn:
        return [explained(conn, each) for each in sent]


def _of_sqlite(conn: Any, sent: Sent) -> Plan:
    rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.statement}", sent.parameters)
    return Plan(sent.statement, "\n".join(row[-1] for row in rows), 0)


def _of_postgresql(conn: Any, sent: Sent) -> Plan:
    conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
    asked = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sent.statement}"
    [[found]] = conn.exec_driver_sql(asked, sent.parameters)
    tree = found if isinstance(found, list) else json.loads(found)
    nodes = list(_nodes(tree[0]["Plan"]))
    text = "\n".join(
        " ".join(str(node.get(name, "")) for name in ("Node Type", "Relation Name", "Index Name"))
        for node in nodes
    )
    return Plan(sent.statement, text, sum(_touched(node) for node in nodes))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _touched(node: dict[str, Any]) -> int:
    """Rows that a step took out of a table or index, or put in order."""
    if not any(word in node["Node Type"] for word in ("Scan", "Sort")):
        return 0
    gone = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + gone) * node["Actual Loops"])
