"""Coverage: which ledgers of a contract are known to be wholly scanned.

Ranges include both ends, never overlap, and touching ones are joined, so that one row per contract
means "everything seen since then". Rows change only inside T1, together with what the ledgers held.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, insert, select, update

from store.schema import ledger_close, scanned_range


class LedgerRange(NamedTuple):
    """Ledgers from the first to the last, both included."""

    from_ledger: int
    to_ledger: int


def ranges(contract_id: str) -> Select[tuple[int, int]]:
    """The scanned ranges of a contract, in ledger order."""
    return (
        select(scanned_range.c.from_ledger, scanned_range.c.to_ledger)
        .where(scanned_range.c.contract_id == contract_id)
        .order_by(scanned_range.c.from_ledger)
    )


def extend(conn: Connection, contract_ids: Sequence[str], scanned: LedgerRange) -> None:
    """Add a scanned range to each contract, joined with what it touches. Twice is the same as once."""
    if scanned.to_ledger < scanned.from_ledger:
        return
    for contract_id in _not_grown(conn, contract_ids, scanned):
        _extend_one(conn, contract_id, scanned)


def _not_grown(conn: Connection, contract_ids: Sequence[str], scanned: LedgerRange) -> list[str]:
    """Let the one range that a contract's scan goes on from grow; who is left has more to join.

    Two statements for a source of 25 contracts, where one by one it was three each.
    """
    touching: dict[str, list[LedgerRange]] = {contract_id: [] for contract_id in contract_ids}
    query = select(scanned_range).where(
        scanned_range.c.contract_id.in_(contract_ids),
        scanned_range.c.from_ledger <= scanned.to_ledger + 1,
        scanned_range.c.to_ledger >= scanned.from_ledger - 1,
    )
    for row in conn.execute(query):
        touching[row.contract_id].append(LedgerRange(row.from_ledger, row.to_ledger))
    simple = [
        contract_id
        for contract_id, ranges_ in touching.items()
        if len(ranges_) == 1 and ranges_[0].from_ledger <= scanned.from_ledger
    ]
    conn.execute(
        update(scanned_range)
        .where(
            scanned_range.c.contract_id.in_(simple),
            scanned_range.c.from_ledger <= scanned.from_ledger,
            scanned_range.c.to_ledger.between(scanned.from_ledger - 1, scanned.to_ledger),
        )
        .values(to_ledger=scanned.to_ledger)
    )
    return [contract_id for contract_id in contract_ids if contract_id not in set(simple)]


def _extend_one(conn: Connection, contract_id: str, scanned: LedgerRange) -> None:
    touching = [
        LedgerRange(row.from_ledger, row.to_ledger)
        for row in conn.execute(ranges(contract_id))
        if row.from_ledger <= scanned.to_ledger + 1 and row.to_ledger >= scanned.from_ledger - 1
    ]
    joined = LedgerRange(
        min(scanned.from_ledger, *(each.from_ledger for each in touching), scanned.from_ledger),
        max(scanned.to_ledger, *(each.to_ledger for each in touching), scanned.to_ledger),
    )
    if touching == [joined]:
        return
    conn.execute(
        delete(scanned_range).where(
            scanned_range.c.contract_id == contract_id,
            scanned_range.c.from_ledger.in_([each.from_ledger for each in touching]),
        )
    )
    conn.execute(
        insert(scanned_range).values(
            contract_id=contract_id, from_ledger=joined.from_ledger, to_ledger=joined.to_ledger
        )
    )


def missing(scanned: Sequence[LedgerRange], wanted: LedgerRange) -> list[LedgerRange]:
    """The parts of a wanted range that no scanned range (in ledger order) covers."""
    gaps: list[LedgerRange] = []
    next_ledger = wanted.from_ledger
    for each in scanned:
        if each.from_ledger > wanted.to_ledger:
            break
        if each.from_ledger > next_ledger:
            gaps.append(LedgerRange(next_ledger, each.from_ledger - 1))
        next_ledger = max(next_ledger, each.to_ledger + 1)
    if next_ledger <= wanted.to_ledger:
        gaps.append(LedgerRange(next_ledger, wanted.to_ledger))
    return gaps


def remember_closes(conn: Connection, closes: Mapping[int, int]) -> None:
    """Store the close times (unix seconds) of ledgers; those known already stay as they are."""
    if not closes:
        return
    known = set(
        conn.scalars(select(ledger_close.c.ledger).where(ledger_close.c.ledger.in_(list(closes))))
    )
    rows = [
        {"ledger": ledger, "closed_at": closed_at}
        for ledger, closed_at in closes.items()
        if ledger not in known
    ]
    if rows:
        conn.execute(insert(ledger_close), rows)
