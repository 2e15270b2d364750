"""Which contracts are within reach: those that it names, in which its account has a stream."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select, true

from projections.reach import PARTIES, Reach
from projections.sets import SetName
from projections.streams import LISTS


def contract_reached(
    name: SetName, contract_id: ColumnElement[str], reach: Reach
) -> ColumnElement[bool]:
    """Whether a contract is within reach, as a condition: one probe of an index for each party."""
    listed = LISTS[name]
    found: list[ColumnElement[bool]] = [true()]
    if reach.contracts is not None:
        found.append(contract_id.in_(reach.contracts))
    if reach.account is not None:
        probes = (
            select(literal(1))
            .where(listed.c[party] == reach.account, listed.c.contract_id == contract_id)
            .exists()
            for party in PARTIES
        )
        found.append(or_(*probes))
    return and_(*found)


def reaches_contract(conn: Connection, name: SetName, contract_id: str, reach: Reach) -> bool:
    """Whether a contract is within reach."""
    if not reach.bounded:
        return True
    return bool(conn.scalar(select(contract_reached(name, literal(contract_id), reach))))


def contracts_within(conn: Connection, name: SetName, reach: Reach) -> set[str]:
    """Every contract within a reach that is bounded.

    An account's are found by one probe for each contract, however many streams it has there.
    """
    if reach.account is None:
        return set(reach.contracts or ())
    listed = LISTS[name]
    found: set[str] = set()
    for party in PARTIES:
        own = select(func.min(listed.c.contract_id)).where(listed.c[party] == reach.account)
        last = conn.scalar(own)
        while last is not None:
            found.add(last)
            last = conn.scalar(own.where(listed.c.contract_id > last))
    return {each for each in found if reach.may_hold(each)}


def contracts_answered(
    conn: Connection, name: SetName, reach: Reach, asked: str | None, followed: Collection[str]
) -> Collection[str]:
    """The contracts that a list is about, for its freshness; `asked`: its filter.

    An account's streams may begin in any contract, so all that are followed count.
    """
    if asked is not None and reaches_contract(conn, name, asked, reach):
        return (asked,)
    return followed if reach.contracts is None else reach.contracts
