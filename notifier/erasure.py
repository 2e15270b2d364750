"""Erasure: a person is forgotten, and every proof stays valid.

Their key is destroyed, and with it all that was sealed under it; contacts and words go too, and what
providers answered or called back to say, which may name them. What stays: notices and deliveries with
their keys and times, the suppression list, and a tombstone that is never told anything again.
Twice: what arrived since about letters that had left by then goes, too.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select, update

from notifier import inbox, states
from notifier.changes import change
from notifier.contact_letters import contact_letter
from notifier.privacy import Vault
from notifier.recipients import Roster
from notifier.schema import attempt, callback, contact, delivery, notice, recipient
from notifier.seen_by_link import notice_seen
from notifier.withdrawing import withdraw

ERASED = "erased"


class Erased(NamedTuple):
    """What an erasure did. `fresh`: the account had not been erased before.

    `withdrawn`: deliveries that had not left. `under_way`: that a provider has just been handed; they can
    no longer be called back. `notices`: whose words went.
    """

    fresh: bool
    contacts: int
    withdrawn: int
    under_way: int
    notices: int


def erase(conn: Connection, vault: Vault, account_id: str, now: int) -> Erased:
    """Forget an account, known or not. `now`: microseconds."""
    person = Roster(vault).meet(conn, [account_id], now)[account_id]
    whose = person.recipient_id
    if person.key is not None:
        # First the tombstone: it waits for a planning under way, whose notices the rest then finds.
        conn.execute(
            update(recipient)
            .where(recipient.c.recipient_id == whose)
            .values(wrapped_key=None, private=None, erased_at=now)
        )
    theirs = notice.c.recipient_id == whose
    withdrawn = withdraw(conn, theirs, ERASED, now)
    under_way = select(func.count()).where(delivery.c.state == states.HANDED_OFF)
    left = conn.scalar(under_way.where(delivery.c.delivery_id.in_(_deliveries(theirs))))
    _unsay(conn, whose, theirs)
    inbox.lock(conn, theirs)
    worded = or_(
        *(each.is_not(None) for each in (notice.c.content, notice.c.actor, notice.c.money))
    )
    wordless = update(notice).where(theirs, worded).values(content=None, actor=None, money=None)
    notices = conn.execute(wordless).rowcount
    for table in (contact_letter, notice_seen, change):
        conn.execute(delete(table).where(table.c.recipient_id == whose))
    contacts = conn.execute(delete(contact).where(contact.c.recipient_id == whose)).rowcount
    return Erased(person.key is not None, contacts, withdrawn, left or 0, notices)


def _unsay(conn: Connection, whose: str, theirs: ColumnElement[bool]) -> None:
    """Clear what providers said of each try and called back to say."""
    sent = _deliveries(theirs)
    conn.execute(update(attempt).where(attempt.c.delivery_id.in_(sent)).values(detail=None))
    places = select(contact.c.destination_lookup).where(contact.c.recipient_id == whose)
    said = or_(callback.c.delivery_id.in_(sent), callback.c.destination_lookup.in_(places))
    conn.execute(update(callback).where(said).values(payload=None))


def _deliveries(theirs: ColumnElement[bool]) -> Select[tuple[UUID]]:
    return (
        select(delivery.c.delivery_id)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(theirs)
    )
