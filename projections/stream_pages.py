"""Pages of the list of streams: filters add up, and an account's reach is found by index.

In:   what was asked for, and the set that serves.
Out:  a query whose rows go through `streams.entry`.
Next: the API's list of streams.
"""

from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, select, tuple_

from projections.reach import EVERYTHING, Reach, first
from projections.sets import SetName
from projections.stream_filters import Filters
from projections.streams import LISTS, TABLES, rows
from store.query import Query

_AFTER: Final = ("after_contract", "after_stream")


def page(  # noqa: PLR0913 # the filters of the interface, each by name
    name: SetName,
    *,
    limit: int,
    after: tuple[str, int] | None = None,
    contract_id: str | None = None,
    employer: str | None = None,
    employee: str | None = None,
    status: str | None = None,
    q: str | None = None,
    reach: Reach = EVERYTHING,
) -> Query:
    """Streams by (contract_id, stream_id), at most `limit`, beyond `after`; filters add up.

    Rows go through `entry`. `q`: how a stream id (digits) or a party's account id begins.
    """
    wanted = Filters(contract_id, employer, employee, status, q)
    if reach.bounded or q is not None:
        return Query(_searched(name, wanted, reach, after=after, limit=limit), {})
    values: dict[str, Any] = {**wanted.values, "limit": limit}
    if after is not None:
        values |= zip(_AFTER, after, strict=True)
    return Query(_page(name, frozenset(wanted.values), goes_on=after is not None), values)


@cache
def _page(name: SetName, filtered: frozenset[str], *, goes_on: bool) -> Select[Any]:
    listed = LISTS[name]
    order = (listed.c.contract_id, listed.c.stream_id)
    query = rows(name).order_by(*order).limit(bindparam("limit"))
    query = query.where(*(listed.c[column] == bindparam(column) for column in sorted(filtered)))
    if not goes_on:
        return query
    types = (column.type for column in order)
    after = (bindparam(key, type_=kind) for key, kind in zip(_AFTER, types, strict=True))
    return query.where(tuple_(*order) > tuple_(*after))


def _searched(
    name: SetName, wanted: Filters, reach: Reach, *, after: tuple[str, int] | None, limit: int
) -> Select[Any]:
    table, listed = TABLES[name], LISTS[name]
    if reach.bounded:
        found = first(listed, wanted, reach, after=after, limit=limit).subquery()
        return (
            select(table.c.folded)
            .join(found, found.c.originator_id == table.c.originator_id)
            .order_by(found.c.contract_id, found.c.stream_id)
        )
    query = rows(name).order_by(listed.c.contract_id, listed.c.stream_id).limit(limit)
    query = query.where(*wanted.conditions(listed))
    if after is not None:
        query = query.where(tuple_(listed.c.contract_id, listed.c.stream_id) > after)
    return query
