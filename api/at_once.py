"""A page and how fresh it is, by one statement: one round trip instead of five.

In: the page's query, of the set that served last. Out: its rows, and the freshness of the same moment.
A second look is taken only where another set serves by now, or where nothing was found.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from projections.freshness import Freshness, Standing, freshness, told, with_standing
from projections.sets import FIRST, LastServing, SetName, active_set
from store.query import Query

_BESIDE: Final = len(Standing._fields)


class Found(NamedTuple):
    """`rows`: begin with the page's own columns. `freshness`: never newer than they are."""

    name: SetName
    rows: Sequence[Row[Any]]
    freshness: Freshness


def found_at_once(
    conn: Connection,
    last: LastServing,
    contract_ids: Collection[str],
    page: Callable[[SetName], Query],
) -> Found:
    """Ask for a page that is about these contracts; right outside of a transaction, too."""
    asked = set(contract_ids)
    while True:
        name, query = last.name, page(last.name)
        values = query.values | {"contract_ids": list(asked)}
        rows = conn.execute(with_standing(query.statement, name), values).all()
        if not rows:
            last.name = active_set(conn)
            fresh = freshness(
                conn, last.name, asked
            )  # before the last look: it must not claim more
            if conn.execute(*page(last.name)).first() is None:
                return Found(last.name, (), fresh)
            continue
        standing = Standing(*rows[0][-_BESIDE:])
        last.name = standing.active or FIRST
        if last.name == name:
            return Found(name, rows, told(conn, standing, asked))
