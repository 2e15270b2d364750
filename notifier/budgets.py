"""How much of a budget was used in a period: a row that is counted up, and locked while it is.

In: what some scopes want of it. Out: what each may have. Used by the storm brake (8g
storm.py) and by what a day may cost (11b spending.py).
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Table, delete, select, tuple_, update

from store import bulk
from store.schema import key_text, metadata

# `scope`: what is counted, and for whom, as a keyless hash. `period`: a number of its kind of period.
budget = Table(
    "budget",
    metadata,
    Column("scope", key_text(), primary_key=True),
    Column("period", BigInteger, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
)
_COLUMNS = ("scope", "period", "used")
_KEY = ("scope", "period")


class Scope(NamedTuple):
    """A budget's name and the period that is being used up."""

    name: str
    period: int


def used(conn: Connection, scopes: Mapping[Scope, int]) -> dict[Scope, int]:
    """What was used of each, locked until the transaction ends, in the order of names."""
    wanted = sorted(scopes)
    bulk.insert_many(conn, budget, _COLUMNS, [(*each, 0) for each in wanted], on_conflict="nothing")
    rows = conn.execute(
        select(budget)
        .where(tuple_(budget.c.scope, budget.c.period).in_([tuple(each) for each in wanted]))
        .order_by(budget.c.scope, budget.c.period)
        .with_for_update()
    )
    return {Scope(row.scope, row.period): row.used for row in rows}


def use(conn: Connection, spent: Mapping[Scope, int]) -> None:
    """Write down how much is used by now."""
    rows = [(*scope, amount) for scope, amount in sorted(spent.items())]
    bulk.upsert_many(conn, budget, _KEY, _COLUMNS, rows)


def take(conn: Connection, scope: Scope, amount: int, limit: int | None) -> bool:
    """Use so much more of a budget where that stays within the limit; None: whatever it comes to.

    One conditional update: the row stays locked until the transaction ends, and nobody takes the same.
    """
    mine = (budget.c.scope == scope.name, budget.c.period == scope.period)
    room = () if limit is None else (budget.c.used + amount <= limit,)
    taking = update(budget).where(*mine, *room).values(used=budget.c.used + amount)
    if conn.execute(taking).rowcount:
        return True
    if not bulk.insert_many(conn, budget, _COLUMNS, [(*scope, 0)], on_conflict="nothing"):
        return False
    return bool(conn.execute(taking).rowcount)


def give_back(conn: Connection, scope: Scope, amount: int) -> None:
    """What was taken and not used."""
    mine = (budget.c.scope == scope.name, budget.c.period == scope.period)
    conn.execute(update(budget).where(*mine).values(used=budget.c.used - amount))


def by_period(conn: Connection, kind: str) -> dict[Scope, int]:
    """What was used of scopes whose names begin so; locks nothing."""
    rows = conn.execute(select(budget).where(budget.c.scope.startswith(kind, autoescape=True)))
    return {Scope(row.scope, row.period): row.used for row in rows}


def seen(conn: Connection, kind: str, period: int) -> dict[str, int]:
    """The same of one period, by name."""
    found = by_period(conn, kind)
    return {scope.name: used for scope, used in found.items() if scope.period == period}


def forget(conn: Connection, kind: str, before: int) -> int:
    """Delete what was used in earlier periods of scopes whose names begin so; returns how many rows."""
    old = (budget.c.scope.startswith(kind, autoescape=True), budget.c.period < before)
    return conn.execute(delete(budget).where(*old)).rowcount
