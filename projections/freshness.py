"""How fresh and how complete an answer about some contracts is.

Fresh to ledger L: every contract event of those contracts up to L that was emitted is in the read
models. That is the last ledger which ingest has wholly scanned for all of them and, where the read
models are behind the log, less than the ledger of the lowest contract event still waiting there.
Complete: no gap is open for any of them (one whose pauses storage told does not count).

Nothing is kept between answers: one statement tells it (0.04 ms on SQLite, one round trip on PostgreSQL),
or the page's own one does (`with_standing`), and a second one while the read models are behind: it reads
what waits, 0.15 ms per 1,000 events.
"""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Select, bindparam, exists, func, select, true

from projections.contracts import GAP_TABLES
from projections.sets import ACTIVE, PROJECTIONS, SetName
from store.among import among, texts
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence_outcome, log_head, scanned_range, tracking

Completeness = Literal["complete", "gap"]

_LEDGER_DIGITS = 19  # an event id begins with a TOID (SEP-35): its upper 32 bits are the ledger


class Standing(NamedTuple):
    """What was scanned for how many contracts, where read models and log stand, and the set that serves."""

    scanned_to: int | None
    contracts: int
    followed: int | None
    head: int | None
    gap: bool
    active: SetName | None


class Freshness(NamedTuple):
    """`fresh_to_ledger` is None where nothing was scanned yet for one of the contracts."""

    fresh_to_ledger: int | None
    completeness: Completeness


def freshness(conn: Connection, name: SetName, contract_ids: Collection[str]) -> Freshness:
    """Of an answer about these contracts."""
    asked = set(contract_ids)
    return told(conn, standing(conn, name, asked), asked)


def standing(conn: Connection, name: SetName, asked: Collection[str]) -> Standing:
    """By itself, where no page tells it: of these contracts, no two of them the same."""
    return Standing(*conn.execute(_standing(name), {"contract_ids": list(asked)}).one())


def told(conn: Connection, standing: Standing, asked: Collection[str]) -> Freshness:
    """What a standing says about these contracts, no two of them the same.

    It may be older than what `conn` sees: what waits is then counted from where the read models stood.
    """
    completeness: Completeness = "gap" if standing.gap else "complete"
    if standing.contracts < len(asked) or standing.scanned_to is None:
        return Freshness(None, completeness)
    fresh: int = standing.scanned_to
    followed = standing.followed or 0
    if followed < (standing.head or 0):
        lowest: str | None = conn.scalar(_LOWEST_WAITING, {"followed": followed})
        if lowest is not None:
            fresh = min(fresh, (int(lowest[:_LEDGER_DIGITS]) >> 32) - 1)
    return Freshness(fresh, completeness)


@cache
def _standing(name: SetName) -> Select[Any]:
    """What was scanned for how many of the contracts, and where log and read models stand."""
    gaps = GAP_TABLES[name]
    contract_ids = texts("contract_ids")
    scanned = (
        select(func.max(scanned_range.c.to_ledger).label("to_ledger"))
        .where(among(scanned_range.c.contract_id, contract_ids))
        .group_by(scanned_range.c.contract_id)
        .subquery()
    )
    followed = select(tracking.c.position).where(tracking.c.name == PROJECTIONS)
    open_gap = exists().where(among(gaps.c.contract_id, contract_ids), gaps.c.healed_by.is_(None))
    return select(
        func.min(scanned.c.to_ledger).label("scanned_to"),
        func.count().label("contracts"),
        followed.scalar_subquery().label("followed"),
        select(log_head.c.position).scalar_subquery().label("head"),
        open_gap.label("gap"),
        ACTIVE.scalar_subquery().label("active"),
    ).select_from(scanned)


@lru_cache(maxsize=256)  # nearly all pages are made once, for few shapes
def with_standing(page: Select[Any], name: SetName) -> Select[Any]:
    """The page, each row of it followed by the standing. Binds `contract_ids` besides.

    A page without rows says nothing of the standing.
    """
    beside = _standing(name).subquery("standing")
    return page.outerjoin(beside, true()).add_columns(*beside.c)


# The lowest contract event that is recorded but not yet in the read models. An expression, since both
# databases would otherwise walk all of evidence in the order of its ids to find the first that waits.
_EVENT_ID = evidence_outcome.c.event_id.concat("")
_LOWEST_WAITING = select(func.min(_EVENT_ID)).where(
    evidence_outcome.c.position > bindparam("followed"), _EVENT_ID < BEHIND_EVENT_IDS
)
