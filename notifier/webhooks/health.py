"""How receivers of webhooks fare: counted with each attempt, and switched off after days of failure.

In: how attempts ended. Out: `failing_since` and `failures` of a subscription; a disabled one, told to
the operator by an error in the log and by `pausewire_webhooks_disabled`.
"""

from uuid import UUID

import structlog
from sqlalchemy import Connection, case, func, select, update

from notifier.channels.channel import Receipt
from notifier.errors import DestinationGone
from notifier.webhooks import subscriptions
from notifier.webhooks.schema import webhook

WEBHOOK_DISABLED = "webhook_disabled"
GONE = "gone"  # the receiver answered 410
FAILING = "failing"  # for longer than webhooks.disable_after_days

_DAY = 24 * 3600 * 1_000_000


def note(conn: Connection, webhook_id: UUID, answer: Receipt | Exception, now: int) -> None:
    """Count an attempt's end. Writes nothing where all is well and was."""
    mine = webhook.c.webhook_id == webhook_id
    if isinstance(answer, Receipt):
        well = update(webhook).where(mine, webhook.c.failing_since.is_not(None))
        conn.execute(well.values(failures=0, failing_since=None))
        return
    conn.execute(
        update(webhook)
        .where(mine)
        .values(
            failures=webhook.c.failures + 1,
            failing_since=func.coalesce(webhook.c.failing_since, now),
        )
    )
    if isinstance(answer, DestinationGone):
        _disable(conn, webhook_id, GONE, now)


def disable_failing(conn: Connection, *, after_days: float, now: int) -> int:
    """Switch off those that have failed for so long without one success; returns how many."""
    failing = conn.scalars(
        select(webhook.c.webhook_id).where(
            webhook.c.state == subscriptions.ACTIVE,
            webhook.c.failing_since <= now - int(after_days * _DAY),
        )
    ).all()
    return sum(_disable(conn, webhook_id, FAILING, now) for webhook_id in failing)


def counts(conn: Connection) -> dict[str, int]:
    """How many subscriptions are active, failing (active, and the last attempt failed) and disabled."""
    is_failing = (webhook.c.state == subscriptions.ACTIVE) & webhook.c.failing_since.is_not(None)
    shown = case((is_failing, "failing"), else_=webhook.c.state)
    rows = conn.execute(
        select(shown, func.count()).where(webhook.c.state != subscriptions.DELETED).group_by(shown)
    )
    return dict(rows.all())


def disabled(conn: Connection) -> dict[str, int]:
    """How many subscriptions are switched off, by reason."""
    rows = conn.execute(
        select(webhook.c.reason, func.count())
        .where(webhook.c.state == subscriptions.DISABLED)
        .group_by(webhook.c.reason)
    )
    return dict(rows.all())


def _disable(conn: Connection, webhook_id: UUID, reason: str, now: int) -> bool:
    ended = subscriptions.disable(conn, webhook_id, reason, now)
    if ended:
        # A person must act: tell the receiver's owner, then switch it on again.
        structlog.get_logger().error(WEBHOOK_DISABLED, webhook_id=str(webhook_id), reason=reason)
    return ended
