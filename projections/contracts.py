"""Read model of contracts (step 7): the contract-wide pause as it stands, upgrades, and gaps.

In:   the folds of contracts that a chunk touched, and its gap events (chunk.py).
Out:  rows of `contract_view_a|b` and `contract_gap_a|b`.
Next: the API's contract route; freshness.py.

The contract-wide pauses themselves are rows of pauses.py. A contract with no contract-wide event has
no row. ContractRow reads as StreamRow does; `status` is active, paused or unknown. A gap row is a range of
ledgers (both included) that was never scanned: `healed_by` NULL while open, `storage` where only the
pauses are known, else what filled it; `opened_at`, `healed_at` unix seconds. Gaps tell of us, not of
the chain: they are not in the state digest.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    select,
)

from domain.contract import ContractState, GapHealed, GapOpened
from domain.state import PAUSED
from projections import fold as folds
from projections.by_aggregate import load_folds
from projections.fold import Fold
from projections.sets import SetName, both
from store.bulk import insert_many, upsert_many
from store.query import Query
from store.schema import key_text, metadata

STORAGE = "storage"


def _folds(name: SetName) -> Table:
    return Table(
        f"contract_view_{name}",
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("contract_id", key_text(), nullable=False, unique=True),
        Column("folded", LargeBinary, nullable=False),
    )


def _gaps(name: SetName) -> Table:
    return Table(
        f"contract_gap_{name}",
        metadata,
        Column("contract_id", key_text(), primary_key=True),
        Column("from_ledger", BigInteger, primary_key=True, autoincrement=False),
        Column("to_ledger", BigInteger, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("healed_by", Text),
        Column("healed_at", BigInteger),
    )


TABLES = both(_folds)
GAP_TABLES = both(_gaps)
ARRIVAL = ("version", "position")  # what tells of arrival, not of the chain


class ContractRow(NamedTuple):
    """A contract as it stands."""

    originator_id: UUID
    contract_id: str
    status: str
    status_at: int | None
    paused_since: int | None
    status_event_id: str | None
    status_ledger: int | None
    status_tx_hash: str | None
    paused_by: str | None
    paused_by_role: str | None
    pause_count: int
    total_paused_seconds: int
    wasm: str | None
    last_event_id: str
    last_ledger: int
    last_closed_at: int
    version: int
    position: int


class GapRow(NamedTuple):
    """A range of ledgers that was never scanned, in the order of the columns."""

    contract_id: str
    from_ledger: int
    to_ledger: int
    opened_at: int
    healed_by: str | None
    healed_at: int | None


def row_of(fold: Fold[ContractState]) -> ContractRow:
    """A contract as its fold says it stands."""
    state, entered, last = fold.state, fold.entered, fold.last
    paused = state.status == PAUSED and state.status_start_known
    return ContractRow(
        originator_id=fold.originator_id,
        contract_id=fold.contract_id,
        status=state.status,
        status_at=state.status_at,
        paused_since=state.status_at if paused else None,
        status_event_id=state.status_event_id,
        status_ledger=None if entered is None else entered.ledger,
        status_tx_hash=None if entered is None else entered.tx_hash,
        paused_by=fold.paused_by,
        paused_by_role=fold.paused_by_role,
        pause_count=state.pause_count,
        total_paused_seconds=state.paused_seconds,
        wasm=state.wasm,
        last_event_id=last.event_id,
        last_ledger=last.ledger,
        last_closed_at=last.closed_at,
        version=fold.version,
        position=fold.position,
    )


def entry(row: Any) -> ContractRow:
    """What a row of `one` says."""
    return unfolded(row.folded)


def unfolded(folded: bytes) -> ContractRow:
    """What the column `folded` says."""
    return row_of(folds.CONTRACT_DECODER.decode(folded))


def load(conn: Connection, name: SetName, ids: Iterable[UUID]) -> dict[UUID, Fold[ContractState]]:
    """The folds of those contracts that have a row."""
    return load_folds(conn, TABLES[name], folds.CONTRACT_DECODER, ids)


def write(conn: Connection, name: SetName, changed: Sequence[Fold[ContractState]]) -> None:
    """Set the rows of contracts to what their folds say."""
    rows = [(fold.originator_id, fold.contract_id, folds.encode(fold)) for fold in changed]
    columns = ("originator_id", "contract_id", "folded")
    upsert_many(conn, TABLES[name], ("originator_id",), columns, rows)


def write_gaps(conn: Connection, name: SetName, events: Sequence[GapOpened | GapHealed]) -> None:
    """Take gap events in, in the order in which we learned."""
    table = GAP_TABLES[name]
    for contract_id in dict.fromkeys(event.contract_id for event in events):
        known = [GapRow(*row) for row in conn.execute(gaps(name, contract_id))]
        for event in events:
            if event.contract_id == contract_id:
                known = _with_gap(known, event)
        conn.execute(delete(table).where(table.c.contract_id == contract_id))
        insert_many(conn, table, GapRow._fields, known, on_conflict="error")


def _with_gap(known: list[GapRow], event: GapOpened | GapHealed) -> list[GapRow]:
    """Ranges after one more event: what it covers is cut out of what it overlaps."""
    first, last = event.from_ledger, event.to_ledger
    left: list[GapRow] = []
    for gap in known:
        low, high = max(gap.from_ledger, first), min(gap.to_ledger, last)
        if low > high:
            left.append(gap)
            continue
        if gap.from_ledger < low:
            left.append(gap._replace(to_ledger=low - 1))
        if isinstance(event, GapHealed):
            left.append(_healed(gap._replace(from_ledger=low, to_ledger=high), event))
        if high < gap.to_ledger:
            left.append(gap._replace(from_ledger=high + 1))
    if isinstance(event, GapOpened):
        left.append(GapRow(event.contract_id, first, last, event.noticed_at, None, None))
    return left


def _healed(gap: GapRow, event: GapHealed) -> GapRow:
    """What filled a range whole counts for good; storage counts until then."""
    if gap.healed_by not in (None, STORAGE):
        return gap
    return gap._replace(healed_by=event.healed_by, healed_at=event.noticed_at)


def one(name: SetName, contract_id: str) -> Query:
    """The row of one contract; it goes through `entry`."""
    return Query(_one(name), {"contract_id": contract_id})


@cache
def _one(name: SetName) -> Select[Any]:
    table = TABLES[name]
    return select(table.c.folded).where(table.c.contract_id == bindparam("contract_id"))


def gaps(name: SetName, contract_id: str) -> Select[Any]:
    """All gaps of one contract, open and healed, by ledger (columns of GapRow)."""
    table = GAP_TABLES[name]
    return select(table).where(table.c.contract_id == contract_id).order_by(table.c.from_ledger)


def everything(name: SetName) -> Select[Any]:
    """All contracts with a row, by id; each goes through `entry`."""
    table = TABLES[name]
    return select(table.c.folded).order_by(table.c.contract_id)


def all_gaps(name: SetName) -> Select[Any]:
    """All gaps, by contract and ledger (columns of GapRow)."""
    table = GAP_TABLES[name]
    return select(table).order_by(table.c.contract_id, table.c.from_ledger)
