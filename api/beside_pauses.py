"""What is known of pauses beside the chain's events, in one statement: who was told, what was claimable."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, LargeBinary, Text, cast, null, or_, select, union_all

from ingest.claimable.wanted import READ, Claimable, pause_claimable
from notifier.schema import delivery, notice
from projections.pauses import PauseRow
from store.among import among, texts

_TOLD: Final = (
    select(
        notice.c.cause_event_id.label("event_id"),
        cast(null(), LargeBinary).label("claimable"),
        cast(null(), Text).label("token"),
    )
    .join(delivery, delivery.c.notice_id == notice.c.notice_id)
    .where(
        among(notice.c.cause_event_id, texts("causes")),
        or_(delivery.c.state == "accepted", delivery.c.state == "delivered"),
    )
    .distinct()
)
_CLAIMABLE: Final = select(
    pause_claimable.c.event_id, pause_claimable.c.claimable, pause_claimable.c.token
).where(among(pause_claimable.c.event_id, texts("starts")), pause_claimable.c.state == READ)
_BESIDE: Final = union_all(_CLAIMABLE, _TOLD)


class Beside(NamedTuple):
    """`told`: causes about which a message was accepted, or lies in an inbox.

    `claimable`: by the event id of the pause's start.
    """

    told: set[str]
    claimable: dict[str, Claimable]


def beside(conn: Connection, pauses: Sequence[PauseRow]) -> Beside:
    """Of these pauses."""
    found = Beside(set(), {})
    if not pauses:
        return found
    asked: dict[str, Any] = {
        "causes": [cause for cause in map(cause_of, pauses) if cause is not None],
        "starts": [row.start_event_id for row in pauses if row.start_event_id is not None],
    }
    for event_id, amount, token in conn.execute(_BESIDE, asked):
        if token is None:
            found.told.add(event_id)
        else:
            found.claimable[event_id] = Claimable(amount, token)
    return found


def cause_of(pause: PauseRow) -> str | None:
    """What the notices about a pause are about: its start, or its end where that is all there was."""
    return pause.start_cause_id or pause.end_cause_id
