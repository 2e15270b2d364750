"""Sources: which contracts are followed together, and where each source begins.

A source is up to 25 contracts, the most that one request's filters take. Who belongs to a source is
stored: a contract added later begins a source of its own, which is joined with others once it has come
close to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, Text, bindparam, delete, func, insert, select, update

from ingest import coverage
from ingest.cursors import is_window_end, needed_ledger, window_end
from ingest.errors import CursorMoved
from store.clock import now_micros
from store.schema import ingest_position, ingest_source

CONTRACTS_PER_SOURCE = 25
JOIN_WITHIN_LEDGERS = 120  # ten minutes of the public network


_MOVE: Final = (
    update(ingest_position)
    .where(
        ingest_position.c.source == bindparam("name"),
        ingest_position.c.cursor == bindparam("cursor_before"),
        ingest_position.c.through.is_not_distinct_from(bindparam("through_before", type_=Text)),
    )
    .values(
        cursor=bindparam("cursor_after"),
        through=bindparam("through_after"),
        updated_at=bindparam("now"),
    )
)


class _Standing(NamedTuple):
    """Where a source stands, and how many contracts it has."""

    needed_ledger: int
    members: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """Contracts read by one request; `name` keys the stored position."""

    name: str
    contract_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a source stands.

    `cursor`: the RPC's paging token before the page being worked off. `through`: the last event id
    recorded of that page while it is worked off in slices.
    """

    source: str
    cursor: str
    through: str | None = None


def arrange(conn: Connection, start_ledgers: Mapping[str, int], now: int) -> list[Source]:
    """Bring the stored sources in line with the contracts that are to be followed.

    `start_ledgers`: the first ledger wanted of each contract. A contract that was followed before
    goes on after what was scanned. Contracts no longer wanted leave their source.
    """
    stored = {row.contract_id: row.source for row in conn.execute(select(ingest_source))}
    gone = [contract_id for contract_id in stored if contract_id not in start_ledgers]
    if gone:
        conn.execute(delete(ingest_source).where(ingest_source.c.contract_id.in_(gone)))
    new = [contract_id for contract_id in start_ledgers if contract_id not in stored]
    for first in range(0, len(new), CONTRACTS_PER_SOURCE):
        group = new[first : first + CONTRACTS_PER_SOURCE]
        _begin(conn, group, start_ledgers, now)
    _join(conn)
    return _stored_sources(conn)


def _join(conn: Connection) -> None:
    """Put sources that stand close to each other together, as many as one request takes.

    Joined, they go on where the last of them stood. What the others read again is taken out as known, so
    that they may stand some ledgers apart; who is within a page, or beyond, stays alone.
    """
    standing = _standing(conn)
    while standing:
        name, first = standing.pop(0)
        members = first.members
        for other, each in list(standing):
            near = each.needed_ledger - first.needed_ledger <= JOIN_WITHIN_LEDGERS
            if near and members + each.members <= CONTRACTS_PER_SOURCE:
                conn.execute(
                    update(ingest_source).where(ingest_source.c.source == other).values(source=name)
                )
                members += each.members
                standing.remove((other, each))


def _standing(conn: Connection) -> list[tuple[str, "_Standing"]]:
    """The live sources between two pages, the one furthest behind first."""
    query = (
        select(ingest_position.c.source, ingest_position.c.cursor, func.count())
        .join(ingest_source, ingest_source.c.source == ingest_position.c.source)
        .where(ingest_position.c.through.is_(None))
        .group_by(ingest_position.c.source, ingest_position.c.cursor)
    )
    found = [
        (name, _Standing(needed_ledger(cursor), members))
        for name, cursor, members in conn.execute(query)
        if is_window_end(cursor)
    ]
    return sorted(found, key=lambda each: (each[1].needed_ledger, -each[1].members, each[0]))


def _begin(
    conn: Connection, group: Sequence[str], start_ledgers: Mapping[str, int], now: int
) -> None:
    begins = [
        _first_unscanned(conn, contract_id, start_ledgers[contract_id]) for contract_id in group
    ]
    name = f"live-{_sources_so_far(conn) + 1}"
    conn.execute(
        insert(ingest_position).values(
            source=name, cursor=window_end(min(begins) - 1), through=None, updated_at=now
        )
    )
    rows = [{"contract_id": contract_id, "source": name} for contract_id in group]
    conn.execute(insert(ingest_source), rows)


def _sources_so_far(conn: Connection) -> int:
    """Positions are never deleted, so this number names a source that has never been."""
    return conn.scalars(
        select(func.count()).where(ingest_position.c.source.startswith("live-"))
    ).one()


def _first_unscanned(conn: Connection, contract_id: str, start_ledger: int) -> int:
    """The ledger after what was scanned from the start on; beyond a hole it is scanned again."""
    for row in conn.execute(coverage.ranges(contract_id)):
        if row.from_ledger <= start_ledger <= row.to_ledger:
            return int(row.to_ledger) + 1
    return start_ledger


def _stored_sources(conn: Connection) -> list[Source]:
    members: dict[str, list[str]] = {}
    query = select(ingest_source).order_by(ingest_source.c.source, ingest_source.c.contract_id)
    for row in conn.execute(query):
        members.setdefault(row.source, []).append(row.contract_id)
    return [Source(name=name, contract_ids=tuple(ids)) for name, ids in members.items()]


def move(conn: Connection, before: Position, after: Position) -> None:
    """Compare and set the position. Raises CursorMoved when it is not where the page began."""
    move_all(conn, [(before, after)])


def move_all(conn: Connection, moves: Sequence[tuple[Position, Position]]) -> None:
    """The same for several sources (before, after). Raises CursorMoved, which names the first."""
    now = now_micros()
    values = [
        {
            "name": before.source,
            "cursor_before": before.cursor,
            "through_before": before.through,
            "cursor_after": after.cursor,
            "through_after": after.through,
            "now": now,
        }
        for before, after in moves
    ]
    if conn.execute(_MOVE, values).rowcount != len(moves):
        before, _ = moves[0]
        raise CursorMoved(before.source, before.cursor)


def position(conn: Connection, source: str) -> Position:
    """Where a source stands now."""
    row = conn.execute(select(ingest_position).where(ingest_position.c.source == source)).one()
    return Position(source=source, cursor=row.cursor, through=row.through)


def passed(conn: Connection, contract_id: str) -> int | None:
    """The last ledger that live following of a contract has wholly passed; None before it begins."""
    source = conn.scalar(
        select(ingest_source.c.source).where(ingest_source.c.contract_id == contract_id)
    )
    return None if source is None else needed_ledger(position(conn, source).cursor) - 1
