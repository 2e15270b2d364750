"""What was read of pauses and has not been put into words yet, for whoever tells people.

In: `pause_claimable` and `token`. Out: amounts with their token's name, each handed over once planning has
passed the pause: then its notices exist.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, or_, select, update

from ingest.claimable.tokens import token
from ingest.claimable.wanted import READ, UNKNOWN, pause_claimable
from store.clock import now_micros

MOST_AT_ONCE: Final = 200


class Named(NamedTuple):
    """How a token is called and counted."""

    symbol: str
    decimals: int


class Earned(NamedTuple):
    """Of one pause, in base units: `claimable` when it began, `withdrawn` until then.

    `symbol`, `decimals`: of the token; None where nobody can know, and then there is nothing to tell.
    """

    event_id: str
    claimable: int
    withdrawn: int | None
    symbol: str | None
    decimals: int | None


def untold(conn: Connection, planned_to: int) -> Sequence[Earned]:
    """The oldest that nobody was handed. `planned_to`: the position up to which notices are planned."""
    of = pause_claimable.c
    query = (
        select(of.event_id, of.claimable, of.withdrawn, token.c.symbol, token.c.decimals)
        .join(token, token.c.token_id == of.token)
        .where(
            of.state == READ,
            of.told_at.is_(None),
            or_(token.c.state == READ, token.c.state == UNKNOWN),
            or_(of.position.is_(None), of.position <= planned_to),
        )
        .order_by(of.event_id)
        .limit(MOST_AT_ONCE)
    )
    return [Earned(*row) for row in conn.execute(query)]


def token_of(conn: Connection, contract_id: str, stream_id: int) -> Named | None:
    """The token that a stream pays in; None: no pause of it told, or the token's name is not known yet."""
    of = pause_claimable.c
    query = (
        select(token.c.symbol, token.c.decimals)
        .join(pause_claimable, token.c.token_id == of.token)
        .where(of.contract_id == contract_id, of.stream_id == stream_id, token.c.state == READ)
        .order_by(of.closed_at.desc())
        .limit(1)
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else Named(*row)


def handed_over(conn: Connection, event_ids: Collection[str]) -> None:
    """These are told, or need not be."""
    conn.execute(
        update(pause_claimable)
        .where(pause_claimable.c.event_id.in_(event_ids))
        .values(told_at=now_micros())
    )
