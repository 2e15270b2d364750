"""Digests of the read models: two sets of tables that say the same have the same sha256.

`state` covers what the chain said: equal on any database and in any order of arrival, once the same
events are known. `full` adds what tells of us (positions, versions, lateness, causes, gaps): equal
for the same log. Rows go by their natural keys, each as one line of canonical JSON (an array that
begins with the read model's name), numbers of 64 bits and more as decimal strings. Rows are streamed:
memory does not grow with the tables.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Select, select

from projections import contracts, pauses, streams, timeline
from projections.sets import SetName

_ROWS_AT_ONCE = 1_000
_WIDE = ("stream_id", "rate")  # u64 and i128

Line = list[Any]


class Digests(NamedTuple):
    """Hex sha256; `position`: of the log, which the tables have followed."""

    position: int
    state: str
    full: str


def digests(conn: Connection, name: SetName, position: int) -> Digests:
    """Digests of one table set, which has followed the log up to `position`.

    Use one read transaction for the position and this, or the tables may move on in between.
    """
    state, full = hashlib.sha256(), hashlib.sha256()
    for chain, ours in _lines(conn, name, position):
        if chain:
            state.update(msgspec.json.encode(chain) + b"\n")
        full.update(msgspec.json.encode(chain + ours) + b"\n")
    return Digests(position, state.hexdigest(), full.hexdigest())


def _lines(conn: Connection, name: SetName, position: int) -> Iterator[tuple[Line, Line]]:
    """Each row as what the chain said of it, and what tells of us."""
    for row in _rows(conn, streams.everything(name)):
        yield _split("stream", streams.entry(row)._asdict(), streams.ARRIVAL)
    for row in _rows(conn, _searched(name)):
        yield _split("listed", row._asdict(), ())
    for row in _rows(conn, pauses.everything(name)):
        yield _split("pause", row._asdict(), pauses.ARRIVAL)
    for row in _rows(conn, contracts.everything(name)):
        yield _split("contract", contracts.entry(row)._asdict(), contracts.ARRIVAL)
    halves = (timeline.all_on_time(name, position), timeline.all_moved(name))
    in_order = attrgetter("originator_id", "rank")
    for row in heapq.merge(*(_rows(conn, half) for half in halves), key=in_order):
        fact = {"originator_id": row.originator_id, **timeline.entry(row)._asdict()}
        yield _split("fact", fact, timeline.ARRIVAL)
    for row in _rows(conn, contracts.all_gaps(name)):
        yield [], ["gap", *row]


def _searched(name: SetName) -> Select[Any]:
    """What people search streams by: written beside the folds, so it could differ from them."""
    table = streams.LISTS[name]
    return select(table).order_by(table.c.contract_id, table.c.stream_id)


def _split(model: str, fields: dict[str, Any], arrival: Iterable[str]) -> tuple[Line, Line]:
    ours = [fields.pop(name) for name in arrival]
    for name in _WIDE:
        if fields.get(name) is not None:
            fields[name] = str(int(fields[name]))
    return [model, *fields.values()], ours


def _rows(conn: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """Rows a thousand at a time; on PostgreSQL from a cursor of the server."""
    with conn.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)) as result:
        yield from result
