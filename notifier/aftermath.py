"""13 What an attempt's end means for the place that was written to, beside the delivery itself.

In: the channel, the place and how the attempt ended, in the transaction that settles it. Out: a
webhook's health; a provider or site that asked for patience left alone; a place that is no more, or wants
no more, on the suppression list, so that nothing else that is planned or under way goes there.
"""

from uuid import UUID

from sqlalchemy import Connection, select

from notifier import patience, suppression
from notifier.errors import DestinationGone, DestinationRejected, OptedOut
from notifier.result import Result
from notifier.schema import contact
from notifier.webhooks import health
from notifier.webhooks.subscriptions import WEBHOOK

# RFC 3463: no such mailbox, no such domain, moved, and a domain that takes no mail (RFC 7505). A mailbox
# that is full or disabled (5.2.x) may be back tomorrow.
NO_SUCH_PLACE = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10"})


def follow(conn: Connection, channel: str, place: UUID | None, result: Result) -> None:
    """Draw the conclusions."""
    patience.heed(conn, result, channel=channel, place=place)
    if place is None:
        return
    if channel == WEBHOOK:
        health.note(conn, place, result.answer, result.ended_at)
        return
    reason = suppression_for(result.answer)
    if reason is None:
        return
    lookup = conn.scalar(select(contact.c.destination_lookup).where(contact.c.contact_id == place))
    if lookup is not None:
        source, at = result.provider, result.ended_at
        suppression.put(conn, channel, lookup, reason, source=source, at=at)


def suppression_for(answer: object) -> str | None:
    """Why a place must not be written to after such an answer; None: it may be."""
    if isinstance(answer, OptedOut):
        return suppression.STOP
    if isinstance(answer, DestinationGone):
        return suppression.HARD_BOUNCE
    if isinstance(answer, DestinationRejected) and answer.enhanced_code in NO_SUCH_PLACE:
        return suppression.HARD_BOUNCE
    return None
