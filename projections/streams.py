"""Read model of streams (step 7): each payment stream, as it stands now.

In:   the folds that a chunk touched (chunk.py).
Out:  rows of `stream_view_a|b` and `stream_list_a|b`.
Next: the API's stream routes.

`stream_view` holds the fold of a stream and is written with every chunk that has facts of it;
`stream_list` holds what streams are searched and sorted by, and is written only when that changes:
its four indexes were half of what a write cost on PostgreSQL. Lists are ordered by (contract_id,
stream_id); `after` is that pair of the last row seen; `entry` turns a row into a StreamRow. There,
times are unix seconds of ledger close and `rate` is in base units per second; `paused_since` stands
only while paused and where the start is known; `status_*` and `last_*` name the events that made the
present status and that came last in chain order; `anomalies` counts refused facts; `version` and
`position` tell of the recorded event that last shaped the stream. `status` is `unknown` where no
event has told it.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Select,
    Table,
    Uuid,
    bindparam,
    false,
    or_,
    select,
)

from domain.state import PAUSED
from domain.stream import StreamState
from projections import fold as folds
from projections.by_aggregate import load_folds
from projections.fold import Fold
from projections.reach import EVERYTHING, PARTIES, Reach
from projections.sets import SetName, both
from store.bulk import upsert_many
from store.columns import U64
from store.query import Query
from store.schema import key_text, metadata


def _folds(name: SetName) -> Table:
    return Table(
        f"stream_view_{name}",
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("folded", LargeBinary, nullable=False),
    )


def _list(name: SetName) -> Table:
    table = f"stream_list_{name}"
    return Table(
        table,
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("contract_id", key_text(), nullable=False),
        Column("stream_id", U64, nullable=False),
        Column("status", key_text(), nullable=False),
        Column("employer", key_text()),
        Column("employee", key_text()),
        Index(f"ix_{table}_contract_id_stream_id", "contract_id", "stream_id", unique=True),
        Index(f"ix_{table}_employer", "employer", "contract_id", "stream_id"),
        Index(f"ix_{table}_employee", "employee", "contract_id", "stream_id"),
        Index(f"ix_{table}_status", "status", "contract_id", "stream_id"),
    )


TABLES = both(_folds)
LISTS = both(_list)
ARRIVAL = ("version", "position")  # what tells of arrival, not of the chain
_LISTED = ("originator_id", "contract_id", "stream_id", "status", "employer", "employee")


class StreamRow(NamedTuple):
    """A stream as it stands."""

    originator_id: UUID
    contract_id: str
    stream_id: int
    status: str
    employer: str | None
    employee: str | None
    proposed_employer: str | None
    delegate: str | None
    rate: int | None
    status_at: int | None
    paused_since: int | None
    status_event_id: str | None
    status_ledger: int | None
    status_tx_hash: str | None
    paused_by: str | None
    paused_by_role: str | None
    pause_count: int
    total_paused_seconds: int
    anomalies: int
    created_at: int | None
    last_event_id: str
    last_ledger: int
    last_closed_at: int
    version: int
    position: int


def row_of(fold: Fold[StreamState]) -> StreamRow:
    """A stream as its fold says it stands."""
    state, entered, last = fold.state, fold.entered, fold.last
    paused = state.status == PAUSED and state.status_start_known
    return StreamRow(
        originator_id=fold.originator_id,
        contract_id=fold.contract_id,
        stream_id=fold.stream_id or 0,
        status=state.status,
        employer=state.employer,
        employee=state.employee,
        proposed_employer=state.proposed_employer,
        delegate=state.delegate,
        rate=state.rate,
        status_at=state.status_at,
        paused_since=state.status_at if paused else None,
        status_event_id=state.status_event_id,
        status_ledger=None if entered is None else entered.ledger,
        status_tx_hash=None if entered is None else entered.tx_hash,
        paused_by=fold.paused_by,
        paused_by_role=fold.paused_by_role,
        pause_count=state.pause_count,
        total_paused_seconds=state.paused_seconds,
        anomalies=fold.anomalies,
        created_at=fold.created_at,
        last_event_id=last.event_id,
        last_ledger=last.ledger,
        last_closed_at=last.closed_at,
        version=fold.version,
        position=fold.position,
    )


def entry(row: Any) -> StreamRow:
    """What a row of the queries below says."""
    return row_of(folds.STREAM_DECODER.decode(row.folded))


def load(conn: Connection, name: SetName, ids: Iterable[UUID]) -> dict[UUID, Fold[StreamState]]:
    """The folds of those streams that have a row."""
    return load_folds(conn, TABLES[name], folds.STREAM_DECODER, ids)


def write(conn: Connection, name: SetName, changed: Sequence[Fold[StreamState]]) -> None:
    """Set the rows of streams to what their folds say."""
    moved = []
    for fold in changed:
        state = fold.state
        listed = state.status, state.employer, state.employee
        if fold.listed != listed:
            fold.listed = listed
            moved.append((fold.originator_id, fold.contract_id, fold.stream_id, *listed))
    rows = [(fold.originator_id, folds.encode(fold)) for fold in changed]
    upsert_many(conn, TABLES[name], ("originator_id",), ("originator_id", "folded"), rows)
    upsert_many(conn, LISTS[name], ("originator_id",), _LISTED, moved)


def one(name: SetName, contract_id: str, stream_id: int, reach: Reach = EVERYTHING) -> Query:
    """The row of one stream, if it is within reach; it goes through `entry`."""
    query = _one(name, of_account=reach.account is not None)
    if not reach.may_hold(contract_id):
        query = query.where(false())
    return Query(
        query, {"contract_id": contract_id, "stream_id": stream_id, "account": reach.account}
    )


@cache
def _one(name: SetName, *, of_account: bool) -> Select[Any]:
    listed = LISTS[name]
    query = rows(name).where(
        listed.c.contract_id == bindparam("contract_id"),
        listed.c.stream_id == bindparam("stream_id"),
    )
    if not of_account:
        return query
    return query.where(or_(*(listed.c[party] == bindparam("account") for party in PARTIES)))


def everything(name: SetName) -> Select[Any]:
    """All streams, by contract and stream id."""
    listed = LISTS[name]
    return rows(name).order_by(listed.c.contract_id, listed.c.stream_id)


def rows(name: SetName) -> Select[Any]:
    """All streams, in no order: what the queries here and of stream_pages.py begin with."""
    table, listed = TABLES[name], LISTS[name]
    return select(table.c.folded).join(listed, listed.c.originator_id == table.c.originator_id)
