"""A page and how fresh it is, by one statement: one round trip instead of five.

In: the page's query, of the set that served last. Out: its rows, and the freshness of the same moment.
A second look is taken only where another set serves by now, or where nothing was found.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from projections.freshness import Freshness, Standing, standing, told, with_standing
from projections.sets import FIRST, LastServing, SetName
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
    asked, name = set(contract_ids), last.name
    while True:
        query = page(name)
        values = query.values | {"contract_ids": list(asked)}
        rows = conn.execute(with_standing(query.statement, name), values).all()
        told_of = Standing(*rows[0][-_BESIDE:]) if rows else standing(conn, name, asked)
        last.name = serving = told_of.active or FIRST
        if serving != name:
            name = serving
            continue
        fresh = told(conn, told_of, asked)
        # An empty page is looked at again behind its standing, which must not claim more than it.
        if rows or conn.execute(*query).first() is None:
            return Found(name, rows, fresh)
