"""How much of what contracts keep we know: streams equal to their contracts' storage, at the last look.

In: the last reconciliation of each followed contract. Out: how many are equal, of how many.
"""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ingest.reconcile.report import reconciliation
from store.schema import ingest_source


class Captured(NamedTuple):
    """Streams compared, and those of them that are as the contract keeps them."""

    equal: int
    compared: int


def captured(conn: Connection) -> Captured:
    """Over the contracts that are followed and were compared."""
    row = conn.execute(
        select(
            func.coalesce(func.sum(reconciliation.c.equal), 0),
            func.coalesce(func.sum(reconciliation.c.streams), 0),
        ).where(
            reconciliation.c.finished_at.is_not(None),
            reconciliation.c.contract_id.in_(select(ingest_source.c.contract_id)),
        )
    ).one()
    return Captured(int(row[0]), int(row[1]))
