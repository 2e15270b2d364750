"""Rows of some aggregates: read their stored folds, or remove them, a few hundred ids at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Table, delete

from domain.state import S
from projections.fold import Fold
from store import bulk

_IDS_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds


def load_folds(
    conn: Connection,
    table: Table,
    decoder: msgspec.msgpack.Decoder[Fold[S]],
    ids: Iterable[UUID],
) -> dict[UUID, Fold[S]]:
    """The folds that rows of `table` carry; ids without a row are left out."""
    found: dict[UUID, Fold[S]] = {}
    for (raw,) in bulk.select_many(conn, (table.c.folded,), table.c.originator_id, list(ids)):
        fold = decoder.decode(raw)
        found[fold.originator_id] = fold
    return found


def remove(conn: Connection, table: Table, ids: Iterable[UUID]) -> None:
    """Delete every row of these aggregates."""
    for some in _groups(ids):
        conn.execute(delete(table).where(table.c.originator_id.in_(some)))


def _groups(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while some := list(islice(rest, _IDS_AT_ONCE)):
        yield some
