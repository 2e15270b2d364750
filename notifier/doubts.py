"""13c Doubts: letters that may have left, and of which nobody told in time what became of them.

In: deliveries that stay `unknown`, from the sweeper. Out: those whose patience is over say so, and their
notices are put down for another way. Next: 8g onward.py looks for one; doubt_ends.py says what came of it.

The letter itself stays `unknown`: a callback, a look-up or a late answer settles it as ever. Twice: what
says so already is not found again.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, select, text, update

from notifier.purpose_schema import IN_DOUBT
from notifier.schema import delivery
from notifier.states import CANARY, UNKNOWN, look_for_another
from notifier.webhooks.subscriptions import WEBHOOK

# Why a delivery is `unknown`, once patience is over.
UNRESOLVED = "unresolved"  # another way is about to be looked for
NOT_NEEDED = "not_needed"  # its reader saw the news, or newer news of the same stream
TOLD_ELSEWHERE = "told_elsewhere"  # another channel carries it
NO_OTHER_WAY = "no_other_way"  # a person has to decide
# The later ones count for more where one letter told several notices.
RANKS: Final = (UNRESOLVED, NOT_NEEDED, TOLD_ELSEWHERE, NO_OTHER_WAY)
# Why a mail waits to leave once more (doubt_ends.py).
RESENT = "resent"

MOST_ROWS = 1000
# As the partial index has it: a parameter would hide it from SQLite.
_IN_DOUBT = text(" AND ".join(f"delivery.{each}" for each in IN_DOUBT.split(" AND ")))


def is_doubted(of: Any = delivery) -> ColumnElement[bool]:
    """That nobody told what became of a delivery for as long as patience lasts; it carries no news."""
    doubted: ColumnElement[bool] = (of.c.state == UNKNOWN) & of.c.reason.in_(RANKS)
    return doubted


def give_up(conn: Connection, patience: int, now: int) -> int:
    """Wait no longer for whom nobody told of; returns how many. `patience`: microseconds, 0: for ever."""
    if not patience:
        return 0
    due = (
        select(delivery.c.delivery_id)
        .where(_IN_DOUBT, delivery.c.updated_at <= now - patience)
        .order_by(delivery.c.updated_at)
        .limit(MOST_ROWS)
        .with_for_update(skip_locked=True)
    )
    rows = conn.execute(
        update(delivery)
        .where(delivery.c.delivery_id.in_(due), delivery.c.state == UNKNOWN)
        .values(reason=UNRESOLVED)
        .returning(delivery.c.notice_id, delivery.c.channel, delivery.c.endpoint)
    ).all()
    people = {row.notice_id for row in rows if row.channel != WEBHOOK and row.endpoint != CANARY}
    if people:
        look_for_another(conn, people, now)
    return len(rows)
