"""Read model of pauses (step 7): one row per pause interval, of streams and of whole contracts.

In:   the pauses that a chunk opened, closed or rewrote (chunk.py).
Out:  rows of `pause_view_a` or `pause_view_b`.
Next: the API's pauses and contract routes.

`stream_id` is NULL where the whole contract was paused; `originator_id` is the aggregate's id
(domain.values.stream_uuid, contract_uuid). (`chain_at`, `place`) orders the pauses of one aggregate as
they happened: where the fact stands that gave the interval its `id` (its start, or its end where the
start is unknown). Times are unix seconds of ledger close. `start_cause_id`, `end_cause_id`: the cause
of notices about this end; differs from the event's id where storage told of it first. `paused_by`: who
began it, `paused_by_role`: as what (domain/actors.py), NULL while only the event names them.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    select,
    text,
    tuple_,
)

from projections.by_aggregate import remove
from projections.fold import AnyFold, Pause
from projections.sets import SetName, both
from store.bulk import upsert_many
from store.columns import U64
from store.query import Query
from store.schema import key_text, metadata

_BY_STRANGER = text("paused_by_role = 'stranger'")


def _table(name: SetName) -> Table:
    table = f"pause_view_{name}"
    return Table(
        table,
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("chain_at", BigInteger, primary_key=True, autoincrement=False),
        Column("place", key_text(), primary_key=True),
        Column("contract_id", key_text(), nullable=False),
        Column("stream_id", U64),
        Column("id", Text, nullable=False),
        Column("start_known", Boolean, nullable=False),
        Column("paused_at", BigInteger),
        Column("start_ledger", BigInteger),
        Column("start_tx_hash", Text),
        Column("start_event_id", Text),
        Column("resumed_at", BigInteger),
        Column("end_ledger", BigInteger),
        Column("end_tx_hash", Text),
        Column("end_event_id", Text),
        Column("ended_by", Text),
        Column("start_cause_id", Text),
        Column("end_cause_id", Text),
        Column("paused_by", Text),
        Column("paused_by_role", Text),
        Index(
            f"ix_{table}_stranger",
            "paused_by_role",
            postgresql_where=_BY_STRANGER,
            sqlite_where=_BY_STRANGER,
        ),
    )


TABLES = both(_table)
KEY = ("originator_id", "chain_at", "place")
ARRIVAL = ("start_cause_id", "end_cause_id")  # what tells of arrival, not of the chain

PauseKey = tuple[UUID, int, str]


class PauseRow(NamedTuple):
    """A row of the read model, in the order of its columns."""

    originator_id: UUID
    chain_at: int
    place: str
    contract_id: str
    stream_id: int | None
    id: str
    start_known: bool
    paused_at: int | None
    start_ledger: int | None
    start_tx_hash: str | None
    start_event_id: str | None
    resumed_at: int | None
    end_ledger: int | None
    end_tx_hash: str | None
    end_event_id: str | None
    ended_by: str | None
    start_cause_id: str | None
    end_cause_id: str | None
    paused_by: str | None = None
    paused_by_role: str | None = None


def duration_seconds(row: Any) -> int | None:
    """Seconds from start to end of a row; None while open or where the start is unknown."""
    if row.paused_at is None or row.resumed_at is None:
        return None
    seconds: int = row.resumed_at - row.paused_at
    return seconds


def row_of(fold: AnyFold, pause: Pause) -> PauseRow:
    """A pause of the aggregate whose fold is given."""
    interval = pause.interval
    return PauseRow(
        fold.originator_id,
        pause.chain_at,
        pause.place,
        fold.contract_id,
        fold.stream_id,
        interval.id,
        interval.start_known,
        interval.paused_at,
        interval.start_ledger,
        interval.start_tx_hash,
        interval.start_event_id,
        interval.resumed_at,
        interval.end_ledger,
        interval.end_tx_hash,
        interval.end_event_id,
        interval.ended_by,
        pause.start_cause,
        pause.end_cause,
        pause.paused_by,
        pause.paused_by_role,
    )


def write(
    conn: Connection,
    name: SetName,
    rows: Mapping[PauseKey, PauseRow],
    *,
    rewritten: Iterable[UUID],
) -> None:
    """Set rows to what the chunk made of them; of rewritten aggregates nothing else stays."""
    table = TABLES[name]
    remove(conn, table, rewritten)
    upsert_many(conn, table, KEY, PauseRow._fields, list(rows.values()))


def page(
    name: SetName,
    originator_id: UUID,
    *,
    limit: int,
    newest_first: bool = True,
    after: tuple[int, str] | None = None,
) -> Query:
    """Pauses of one stream or contract in chain order (columns of PauseRow).

    `after`: (chain_at, place) of the last row seen.
    """
    values: dict[str, Any] = {"originator_id": originator_id, "limit": limit}
    if after is not None:
        values["after_at"], values["after_place"] = after
    return Query(_page(name, newest_first=newest_first, goes_on=after is not None), values)


@cache
def _page(name: SetName, *, newest_first: bool, goes_on: bool) -> Select[Any]:
    table = TABLES[name]
    order = (table.c.chain_at, table.c.place)
    query = (
        select(table)
        .where(table.c.originator_id == bindparam("originator_id"))
        .order_by(*(column.desc() if newest_first else column for column in order))
        .limit(bindparam("limit"))
    )
    if not goes_on:
        return query
    place, after = tuple_(*order), tuple_(bindparam("after_at"), bindparam("after_place"))
    return query.where(place < after if newest_first else place > after)


def by_strangers(name: SetName) -> Select[int]:
    """How many pauses were begun by a stranger, as known now."""
    return select(func.count()).select_from(TABLES[name]).where(_BY_STRANGER)


def everything(name: SetName) -> Select[Any]:
    """All pauses, by aggregate and in chain order."""
    table = TABLES[name]
    return select(table).order_by(*(table.c[column] for column in KEY))
