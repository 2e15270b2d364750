"""What is known of pauses beside the chain's events: whether somebody was told, and what was claimable."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    LargeBinary,
    Select,
    Text,
    and_,
    cast,
    func,
    null,
    or_,
    select,
    union_all,
)

from ingest.claimable.wanted import READ, pause_claimable
from notifier.schema import delivery, notice
from projections.pauses import TABLES, PauseRow
from projections.sets import SetName
from store.among import among, texts

_REACHED_SOMEBODY: Final = or_(delivery.c.state == "accepted", delivery.c.state == "delivered")
_TOLD: Final = (
    select(
        notice.c.cause_event_id.label("event_id"),
        cast(null(), LargeBinary).label("claimable"),
        cast(null(), Text).label("token"),
    )
    .join(delivery, delivery.c.notice_id == notice.c.notice_id)
    .where(among(notice.c.cause_event_id, texts("causes")), _REACHED_SOMEBODY)
    .distinct()
)
_CLAIMABLE: Final = select(
    pause_claimable.c.event_id, pause_claimable.c.claimable, pause_claimable.c.token
).where(among(pause_claimable.c.event_id, texts("starts")), pause_claimable.c.state == READ)
_BESIDE: Final = union_all(_CLAIMABLE, _TOLD)


@cache
def with_beside(page: Select[Any], name: SetName) -> Select[Any]:
    """The page, each pause followed by the members of `Known`; `page` is one of few that are made once."""
    row = TABLES[name].c
    cause = func.coalesce(row.start_cause_id, row.end_cause_id)
    # Not EXISTS: for that, PostgreSQL may read all notices into a table of its own.
    told = (
        select(notice.c.notice_id)
        .join(delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(notice.c.cause_event_id == cause, _REACHED_SOMEBODY)
        .limit(1)
        .scalar_subquery()
    )
    claimable = and_(
        pause_claimable.c.event_id == row.start_event_id, pause_claimable.c.state == READ
    )
    return page.outerjoin(pause_claimable, claimable).add_columns(
        told.is_not(None).label("told"), pause_claimable.c.claimable, pause_claimable.c.token
    )


class Known(NamedTuple):
    """Of one pause: whether a message about it was accepted or lies in an inbox, and what was claimable.

    `claimable`: base units of `token`; both None where the contract's numbers are not known.
    """

    told: bool
    claimable: int | None = None
    token: str | None = None


def beside(conn: Connection, pauses: Sequence[PauseRow]) -> list[Known]:
    """Of each of these pauses, which need not stand in a table."""
    if not pauses:
        return []
    asked: dict[str, Any] = {
        "causes": [cause for cause in map(cause_of, pauses) if cause is not None],
        "starts": [row.start_event_id for row in pauses if row.start_event_id is not None],
    }
    told: set[str] = set()
    claimable: dict[str | None, tuple[int | None, str | None]] = {}
    for event_id, amount, token in conn.execute(_BESIDE, asked):
        if token is None:
            told.add(event_id)
        else:
            claimable[event_id] = (amount, token)
    nothing = (None, None)
    return [
        Known(cause_of(row) in told, *claimable.get(row.start_event_id, nothing)) for row in pauses
    ]


def cause_of(pause: PauseRow) -> str | None:
    """What the notices about a pause are about: its start, or its end where that is all there was."""
    return pause.start_cause_id or pause.end_cause_id
