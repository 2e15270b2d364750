"""Whether we can serve, whether we follow completely, and how far behind we are: one look, many users.

Readiness, public status and metrics all ask here, inside a read transaction of their own.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, inspect, select

from api.lag import lag_ledgers
from api.schemas import Completeness
from projections.contracts import GAP_TABLES
from projections.freshness import freshness
from projections.sets import SetName, active_set
from store import log
from store.clock import now_micros
from store.schema import metadata

_MOST_GAPS: Final = 100


class Health(NamedTuple):
    """How following the chain is going. `open_gaps`: in words, at most 100."""

    head_position: int
    fresh_to_ledger: int | None
    completeness: Completeness
    lag_ledgers: int | None
    open_gaps: list[str]


def observe(conn: Connection, contracts: Sequence[str]) -> Health:
    """Look at the log, the scanned ranges and the gaps."""
    name = active_set(conn)
    fresh = freshness(conn, name, contracts)
    gaps = conn.execute(_open_gaps(name)).all()
    return Health(
        head_position=log.head(conn),
        fresh_to_ledger=fresh.fresh_to_ledger,
        completeness=fresh.completeness,
        lag_ledgers=lag_ledgers(conn, fresh.fresh_to_ledger, now_micros()),
        open_gaps=[f"{gap.contract_id} ledgers {gap.from_ledger}-{gap.to_ledger}" for gap in gaps],
    )


def following_faults(health: Health, limit: int) -> list[str]:
    """What keeps us from following completely and closely, in words; empty when nothing does."""
    reasons = [f"gap open: {gap}" for gap in health.open_gaps]
    if health.lag_ledgers is None:
        reasons.append("lag: nothing was scanned yet")
    elif health.lag_ledgers > limit:
        reasons.append(f"lag: {health.lag_ledgers} ledgers behind, {limit} are allowed")
    return reasons


def missing_tables(conn: Connection) -> list[str]:
    """Tables that this version needs and the database lacks, in order of name."""
    return sorted(set(metadata.tables) - set(inspect(conn).get_table_names()))


def _open_gaps(name: SetName) -> Select[Any]:
    table = GAP_TABLES[name]
    return (
        select(table)
        .where(table.c.healed_by.is_(None))
        .order_by(table.c.contract_id, table.c.from_ledger)
        .limit(_MOST_GAPS)
    )
