"""8g''' What follows from doubts: whether another way was found for what a letter may not have told.

In: what 8g onward.py found for notices, in its transaction. Out: each doubted letter says it as its reason;
a mail that has no other way leaves once more, ever: the same Message-ID, flagged as a possible duplicate.

SMS and pushes are never sent again by themselves: they cost, or ring. They stay for a person to decide.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, select, update

from notifier import storm
from notifier.content import EMAIL
from notifier.doubts import NO_OTHER_WAY, RANKS, RESENT, UNRESOLVED, is_doubted
from notifier.schema import delivery
from notifier.states import CANARY, PENDING, UNKNOWN, Move, move_each
from notifier.storm import Brake

SENT_AGAIN = "mails_sent_again"


class Found(NamedTuple):
    """What came of looking for another way for a notice.

    `went`: deliveries that were made or brought forward. `doubts`: letters that may have told it.
    `again_at`: from when (microseconds) its mail may leave once more; None: it must not.
    """

    notice_id: UUID
    went: int = 0
    doubts: frozenset[UUID] = frozenset()
    outcome: str = UNRESOLVED
    again_at: int | None = None


def conclude(conn: Connection, found: Sequence[Found], brake: Brake, now: int) -> int:
    """Draw the conclusions of all of them together; returns how many mails leave once more."""
    outcomes: dict[UUID, str] = {}
    for each in found:
        for doubt in each.doubts:
            outcomes[doubt] = _heavier(outcomes.get(doubt, UNRESOLVED), each.outcome)
    if not outcomes:
        return 0
    rows = conn.execute(_doubted(outcomes)).all()
    resent = _send_again(conn, [row for row in rows if _is_alone(row, outcomes)], found, brake, now)
    for reason in RANKS:
        changed = [
            row.delivery_id
            for row in rows
            if row.delivery_id not in resent
            and outcomes[row.delivery_id] == reason
            and _heavier(row.reason, reason) != row.reason
        ]
        _say(conn, changed, reason)
    if resent:
        structlog.get_logger().info(SENT_AGAIN, deliveries=len(resent))
    return len(resent)


def _heavier(one: str, other: str) -> str:
    return max(one, other, key=RANKS.index)


def _doubted(outcomes: Mapping[UUID, str]) -> Any:
    columns = ("delivery_id", "notice_id", "channel", "endpoint", "reason")
    return select(
        *(delivery.c[name] for name in columns),
        delivery.c.deadline_at,
        delivery.c.possible_duplicate,
    ).where(delivery.c.delivery_id.in_(sorted(outcomes)), is_doubted())


def _is_alone(row: Row[Any], outcomes: Mapping[UUID, str]) -> bool:
    """Whether it is a mail that nothing else stands in for, and that was never sent again."""
    may = row.channel == EMAIL and row.endpoint != CANARY and not row.possible_duplicate
    return may and outcomes[row.delivery_id] == NO_OTHER_WAY


def _send_again(
    conn: Connection,
    rows: Sequence[Row[Any]],
    found: Sequence[Found],
    brake: Brake,
    now: int,
) -> Collection[UUID]:
    """What the storm brake does not let pass is left to a person."""
    looked_at = {each.notice_id for each in found}
    times = {doubt: each.again_at for each in found if each.again_at for doubt in each.doubts}
    due = [
        (row, at)
        for row in rows
        if row.notice_id in looked_at
        and (at := times.get(row.delivery_id)) is not None
        and at < row.deadline_at
    ]
    if not due:
        return ()
    employers = storm.employers_of(conn, {row.notice_id for row, _ in due})
    admitted = brake.admits(conn, [employers[row.notice_id] for row, _ in due], now)
    moves = [
        Move(
            row.delivery_id,
            frozenset({UNKNOWN}),
            PENDING,
            {"possible_duplicate": False},
            now,
            {
                "reason": RESENT,
                "available_at": at,
                "possible_duplicate": True,
                "token": None,
                "lease_until": None,
            },
        )
        for (row, at), may in zip(due, admitted, strict=True)
        if may
    ]
    return {each.delivery_id for each in move_each(conn, moves) if each is not None}


def _say(conn: Connection, delivery_ids: Sequence[UUID], reason: str) -> None:
    if delivery_ids:
        mine = delivery.c.delivery_id.in_(delivery_ids)
        conn.execute(update(delivery).where(mine, is_doubted()).values(reason=reason))
