"""Answers about contracts: the contract-wide pause as it stands and was, coverage and gaps."""

from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, select

from api import chain_rows
from api.contract_schemas import ContractAnswer, ContractPausesPage, LedgerRange
from api.dependencies import ApiDependencies
from api.pages import page
from api.problems import NOT_FOUND, Problem
from api.reading import Listing
from api.shown import from_seconds
from api.stream_answers import PAUSES
from domain.state import PAUSED
from domain.values import contract_uuid
from projections import contracts, pauses
from projections.contracts import GAP_TABLES, GapRow
from projections.freshness import freshness
from projections.pauses import PauseRow
from projections.reach import Reach
from projections.reached import reaches_contract
from projections.sets import SetName, active_set
from store.schema import scanned_range

_MOST_RANGES: Final = 200
_PAUSES_SHOWN: Final = 50
_NEVER_PAUSED: Final = {
    "paused": False,
    "paused_since": None,
    "paused_by": None,
    "paused_by_role": None,
    "pause_count": 0,
    "total_paused_seconds": 0,
    "wasm": None,
}
_COVERAGE: Final = (
    select(scanned_range.c.from_ledger, scanned_range.c.to_ledger)
    .where(scanned_range.c.contract_id == bindparam("contract_id"))
    .order_by(scanned_range.c.from_ledger.desc())
    .limit(_MOST_RANGES)
)


def contract_answer(
    given: ApiDependencies, conn: Connection, reach: Reach, contract_id: str
) -> ContractAnswer:
    """One contract. Raises Problem where it is not followed and never was."""
    name = active_set(conn)
    coverage = conn.execute(_COVERAGE, {"contract_id": contract_id}).all()
    known = bool(coverage) or contract_id in given.contracts
    if not (known and reaches_contract(conn, name, contract_id, reach)):
        raise _unknown(contract_id)
    gaps = conn.execute(_newest_gaps(name), {"contract_id": contract_id}).all()
    own = pauses.page(name, contract_uuid(given.network, contract_id), limit=_PAUSES_SHOWN)
    return ContractAnswer(
        **_standing(conn, name, contract_id),
        coverage=[
            LedgerRange(from_ledger=first, to_ledger=last) for first, last in reversed(coverage)
        ],
        gaps=[chain_rows.gap(GapRow(*each)) for each in reversed(gaps)],
        pauses=[chain_rows.pause(PauseRow(*each)) for each in conn.execute(*own)],
        **freshness(conn, name, (contract_id,))._asdict(),
    )


def contract_pauses(
    given: ApiDependencies,
    conn: Connection,
    reach: Reach,
    contract_id: str,
    listed: Listing,
    order: str,
) -> ContractPausesPage:
    """A page of the contract-wide pauses. Raises Problem for a contract that is not followed."""
    name = active_set(conn)
    if not reaches_contract(conn, name, contract_id, reach):
        raise _unknown(contract_id)
    query = pauses.page(
        name,
        contract_uuid(given.network, contract_id),
        limit=listed.limit + 1,
        newest_first=order == "desc",
        after=PAUSES[order].after(listed.cursor),
    )
    rows, next_cursor = page(
        [PauseRow(*row) for row in conn.execute(*query)],
        listed.limit,
        PAUSES[order],
        lambda row: (row.chain_at, row.place),
    )
    if not rows and contract_id not in given.contracts:
        raise _unknown(contract_id)
    return ContractPausesPage(
        items=[chain_rows.pause(row) for row in rows],
        next_cursor=next_cursor,
        **freshness(conn, name, (contract_id,))._asdict(),
    )


def _standing(conn: Connection, name: SetName, contract_id: str) -> dict[str, Any]:
    """The contract-wide pause as it stands; without contract-wide events there never was one."""
    stored = conn.execute(*contracts.one(name, contract_id)).first()
    if stored is None:
        return {"contract_id": contract_id, **_NEVER_PAUSED}
    row = contracts.entry(stored)
    return {
        "contract_id": contract_id,
        "paused": row.status == PAUSED,
        "paused_since": from_seconds(row.paused_since),
        "paused_by": row.paused_by,
        "paused_by_role": row.paused_by_role,
        "pause_count": row.pause_count,
        "total_paused_seconds": row.total_paused_seconds,
        "wasm": row.wasm,
    }


@cache
def _newest_gaps(name: SetName) -> Select[Any]:
    table = GAP_TABLES[name]
    return (
        select(table)
        .where(table.c.contract_id == bindparam("contract_id"))
        .order_by(table.c.from_ledger.desc())
        .limit(_MOST_RANGES)
    )


def _unknown(contract_id: str) -> Problem:
    return Problem(NOT_FOUND, f"the contract {contract_id} is not followed here")
