"""Erasure: a person is forgotten, and every proof stays valid.

Their key is destroyed, and with it all that was sealed under it; contacts and words go too, and what
providers answered or called back to say, which may name them. What stays: notices and deliveries with
their keys and times, the suppression list, and a tombstone that is never told anything again.
"""

from sqlalchemy import Connection, delete, or_, select, update

from notifier import inbox
from notifier.changes import change
from notifier.contact_letters import contact_letter
from notifier.privacy import Vault
from notifier.recipients import Roster
from notifier.schema import attempt, callback, contact, delivery, notice, recipient
from notifier.seen_by_link import notice_seen
from notifier.withdrawing import withdraw

ERASED = "erased"


def erase(conn: Connection, vault: Vault, account_id: str, now: int) -> bool:
    """Forget an account, known or not; False: it was forgotten before. `now`: microseconds."""
    person = Roster(vault).meet(conn, [account_id], now)[account_id]
    if person.key is None:
        return False
    # First the tombstone: it waits for a planning under way, whose notices the rest then finds.
    conn.execute(
        update(recipient)
        .where(recipient.c.recipient_id == person.recipient_id)
        .values(wrapped_key=None, private=None, erased_at=now)
    )
    theirs = notice.c.recipient_id == person.recipient_id
    withdraw(conn, theirs, ERASED, now)
    sent = select(delivery.c.delivery_id).join_from(
        delivery, notice, delivery.c.notice_id == notice.c.notice_id
    )
    conn.execute(
        update(attempt).where(attempt.c.delivery_id.in_(sent.where(theirs))).values(detail=None)
    )
    said = or_(
        callback.c.delivery_id.in_(sent.where(theirs)),
        callback.c.destination_lookup.in_(
            select(contact.c.destination_lookup).where(
                contact.c.recipient_id == person.recipient_id
            )
        ),
    )
    conn.execute(update(callback).where(said).values(payload=None))
    inbox.lock(conn, theirs)
    conn.execute(update(notice).where(theirs).values(content=None, actor=None, money=None))
    for table in (contact, contact_letter, notice_seen, change):
        conn.execute(delete(table).where(table.c.recipient_id == person.recipient_id))
    return True
