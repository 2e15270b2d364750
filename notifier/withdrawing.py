"""8b Taking back what no longer holds and has not left; letting it leave where it holds again after all.

In: notices that a revision outdated, or whose reader asked to be forgotten. Out: cancelled deliveries.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, select

from notifier import digests, states, taken_apart
from notifier.schema import delivery, notice

SUPERSEDED = "superseded"  # why news that a revision outdated was withdrawn


def withdraw(conn: Connection, of: ColumnElement[bool], reason: str, now: int) -> int:
    """Cancel the deliveries of these notices that have not left yet; returns how many.

    `of`: a condition on notice rows. A worker at one of them loses its claim before the hand-off.
    """
    theirs = delivery.c.notice_id.in_(select(notice.c.notice_id).where(of))
    states.lock_all(conn, theirs & delivery.c.state.in_(sorted(states.WITHDRAWABLE)))
    taken_apart.dissolve(conn, theirs, now)
    moved = states.move_all(
        conn,
        theirs,
        origin=states.WITHDRAWABLE,
        to=states.CANCELLED,
        now=now,
        changes={"reason": reason, "token": None, "lease_until": None},
    )
    return len(moved)


def restore(conn: Connection, notice_ids: Sequence[UUID], now: int) -> None:
    """Let leave after all what one revision withdrew and another makes true again.

    So too what did not leave because it had ended by then. Each by itself: it is news now, though not new.
    """
    if notice_ids:
        states.move_all(
            conn,
            and_(
                delivery.c.notice_id.in_(notice_ids),
                delivery.c.reason.in_((SUPERSEDED, digests.ANSWERED, digests.OVERTAKEN)),
                delivery.c.deadline_at > now,
            ),
            origin=frozenset({states.CANCELLED}),
            to=states.PENDING,
            now=now,
            changes={"available_at": now, "reason": None, "bundle": None},
        )
