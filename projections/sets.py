"""The two table sets: every read model exists twice, and one of the two serves reads.

Whoever reads asks `active_set()` first, in the same transaction, and passes the answer to the queries; or
expects what served last (`LastServing`) and asks within the query whether it does (freshness.py).
A rebuild fills the other set and then swaps (rebuild.py).
"""

from collections.abc import Callable
from typing import Literal, TypeVar, cast

from sqlalchemy import Connection, Table, select

from store.schema import projection

SetName = Literal["a", "b"]
Tables = dict[SetName, Table]
T = TypeVar("T")

FIRST: SetName = "a"
PROJECTIONS = "projections"  # the row in `projection`, and the follower's name in `tracking`


def both(make: Callable[[SetName], T]) -> dict[SetName, T]:
    """The same table in both sets."""
    return {"a": make("a"), "b": make("b")}


def other(name: SetName) -> SetName:
    """The set that is not this one."""
    return "b" if name == "a" else "a"


ACTIVE = select(projection.c.active).where(projection.c.name == PROJECTIONS)


def active_set(conn: Connection) -> SetName:
    """Which set serves reads in this transaction; no row before the first swap, then it is FIRST."""
    return cast("SetName", conn.scalar(ACTIVE) or FIRST)


class LastServing:
    """The set that served when this process last looked; swaps are rare, so it most often still does."""

    def __init__(self) -> None:
        self.name: SetName = FIRST
