"""A person's own contacts: added by themselves, verified by a code or link sent there, told of each other.

Only what is verified is told of streams (recipients.py). Whoever adds a place has not shown that it is
theirs, so that a place, an account and the whole deployment get a bounded number of codes an hour, and a
code may be typed wrong a few times. A change is told to the places that were there before.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from notifier import changes, contact_letters, contact_links, suppression
from notifier.changes import BY_OPERATOR, Author, Whose
from notifier.contact_letters import newest_code, one_at_a_time
from notifier.contact_links import Waiting
from notifier.contact_list import Listed, against_row, contacts_of, hint_of, listed, rows_of
from notifier.contact_post import ContactPost, Place
from notifier.contact_words import REMOVED
from notifier.privacy import Vault
from notifier.recipients import Recipient, Roster, open_destination, seal_destination
from notifier.schema import contact
from notifier.sites import site_lookup
from notifier.suppression import Against

CHANNELS: Final = ("email", "sms", "push")
MOST_CONTACTS: Final = 10


class Refused(Enum):
    """Why a contact stays as it is."""

    UNKNOWN = "there is no such contact"
    TOO_MANY_CONTACTS = f"an account has at most {MOST_CONTACTS} contacts: remove one first"
    TOO_MANY_CODES = "enough codes were sent for now: try again within the hour"
    CODE_TOMORROW = (
        "the place refused messages or complained: it gets one code a day, so try again then"
    )
    NOT_SUPPRESSED = "there is nothing to undo: messages go there, or it was never confirmed"
    STOPPED = "STOP was sent from this number: text START from it to the number that our messages come from"
    BY_OPERATOR = "the operator of this service stopped it: ask them"
    WRONG_CODE = "the code is not right, or not good any more: have another one sent"
    ERASED = "the account's data was erased, and it asked for no more"


_OTHERS: Final = {
    suppression.BY_START: Refused.STOPPED,
    suppression.BY_OPERATOR: Refused.BY_OPERATOR,
}


@dataclass(frozen=True, slots=True)
class ContactBook:
    """The contacts of accounts. `author`: by whose word they change.

    `codes_an_hour`: most codes of the whole deployment.
    """

    vault: Vault
    author: Author = BY_OPERATOR
    codes_an_hour: int = 600

    @property
    def _post(self) -> ContactPost:
        return ContactPost(self.vault, self.codes_an_hour)

    def list(self, conn: Connection, account: str) -> list[Listed]:
        """The account's contacts, oldest first."""
        return contacts_of(conn, self.vault, account)

    def add(
        self, conn: Connection, account: str, *, channel: str, destination: str, now: int
    ) -> Listed | Refused:
        """Add a place that was checked, or find it again, and send it a code unless it is verified."""
        person = self._person(conn, account, now)
        if person.key is None:
            return Refused.ERASED
        lookup = self.vault.destination_lookup(channel, destination)
        there = conn.execute(rows_of(self.vault.account_lookup(account))).all()
        same = [row for row in there if (row.channel, row.destination_lookup) == (channel, lookup)]
        if same and same[0].verified_at is not None:
            return listed(same[0], destination, against_row(conn, same[0]))
        if not same and len(there) >= MOST_CONTACTS:
            return Refused.TOO_MANY_CONTACTS
        hint = hint_of(channel, destination)
        one_at_a_time(conn)
        refused = self._no_code(conn, person, (channel, lookup), now)
        if refused is not None:
            return refused
        contact_id: UUID = same[0].contact_id if same else uuid4()
        if not same:
            conn.execute(
                insert(contact).values(
                    contact_id=contact_id,
                    recipient_id=person.recipient_id,
                    channel=channel,
                    destination=seal_destination(person.key, contact_id, destination),
                    destination_lookup=lookup,
                    created_at=now,
                    site_lookup=site_lookup(self.vault, channel, destination),
                )
            )
            self._note(conn, person, changes.ADDED, channel, (None, hint), now)
        self._post.send_code(conn, person, Place(contact_id, channel, destination, lookup), now)
        created_at = same[0].created_at if same else now
        return Listed(contact_id, channel, hint, None, created_at, contact_letters.PENDING)

    def verify(
        self, conn: Connection, account: str, contact_id: UUID, code: str, now: int
    ) -> Listed | Refused:
        """Take the code that was sent to a contact. A wrong one counts, so commit whatever this says."""
        person = self._person(conn, account, now)
        mine = _one(person, contact_id)
        row = None if person.key is None else conn.execute(mine).first()
        if row is None or person.key is None:
            return Refused.UNKNOWN
        destination = open_destination(person.key, contact_id, row.destination)
        if row.verified_at is not None and not _by_code(against_row(conn, row)):
            return listed(row, destination, against_row(conn, row))
        letter = conn.execute(newest_code(contact_id, now)).first()
        if letter is None or not contact_letters.use_try(conn, letter.letter_id):
            return Refused.WRONG_CODE
        if not hmac.compare_digest(letter.code_tag, self._post.code_tag(contact_id, code)):
            return Refused.WRONG_CODE
        self._confirm(conn, person, row, now)
        return listed(conn.execute(mine).one(), destination, against_row(conn, row))

    def confirm(self, conn: Connection, token: str, now: int) -> Waiting | None:
        """Take the link that was sent to a mailbox; None: it is good for nothing (any more)."""
        found = contact_links.spend(conn, self.vault, token, now)
        if found is None:
            return None
        person = self._person(conn, found.account_id, now)
        row = conn.execute(_one(person, found.contact_id)).first()
        if row is None or person.key is None:
            return None
        self._confirm(conn, person, row, now)
        return found

    def prove(self, conn: Connection, account: str, contact_id: UUID, now: int) -> Listed | Refused:
        """Send a code to a confirmed place that nothing goes to: typed, it undoes what a code may undo."""
        person = self._person(conn, account, now)
        row = None if person.key is None else conn.execute(_one(person, contact_id)).first()
        if row is None or person.key is None:
            return Refused.UNKNOWN
        one_at_a_time(conn)
        where = (row.channel, row.destination_lookup)
        against = against_row(conn, row) if row.verified_at is not None else []
        refused = _not_by_code(against) or self._no_code(conn, person, where, now)
        if refused is not None:
            return refused
        destination = open_destination(person.key, contact_id, row.destination)
        place = Place(contact_id, row.channel, destination, row.destination_lookup)
        self._post.send_code(conn, person, place, now)
        return listed(row, destination, against)._replace(code=contact_letters.PENDING)

    def _no_code(
        self, conn: Connection, person: Recipient, place: tuple[str, str], now: int
    ) -> Refused | None:
        """Why a place (channel, keyed hash) gets no code just now."""
        if self._post.codes_are_spent(conn, person.recipient_id, place[1], now):
            return Refused.TOO_MANY_CODES
        against = suppression.standing(conn, [place]).get(place, ())
        wary = any(each.reason in suppression.WARY for each in against)
        if wary and self._post.day_is_spent(conn, place[1], now):
            return Refused.CODE_TOMORROW
        return None

    def _confirm(self, conn: Connection, person: Recipient, row: Row[Any], now: int) -> None:
        """The place counts from now on, whatever a code may undo; a new one is told to the others."""
        contact_letters.spend_codes(conn, row.contact_id)
        where = (row.channel, row.destination_lookup)
        since = {each.reason: each.since for each in against_row(conn, row)}
        for reason in suppression.LIFTED_BY_CODE:
            at = max(now, since.get(reason, 0) + 1)  # a provider's clock may be ahead of ours
            suppression.lift(conn, *where, reason, source=self.author.by, at=at)
        if row.verified_at is not None:
            return
        place = open_destination(person.key or b"", row.contact_id, row.destination)
        hint = hint_of(row.channel, place)
        self._note(conn, person, changes.CONFIRMED, row.channel, (hint, hint), now)
        mine_only = contact.c.contact_id == row.contact_id
        conn.execute(update(contact).where(mine_only).values(verified_at=now))
        self._post.tell_others(conn, person, row.channel, row.contact_id, now)

    def remove(
        self, conn: Connection, account: str, contact_id: UUID, now: int
    ) -> Listed | Refused:
        """Forget a contact; a verified one is told that it was."""
        person = self._person(conn, account, now)
        row = None if person.key is None else conn.execute(_one(person, contact_id)).first()
        if row is None or person.key is None:
            return Refused.UNKNOWN
        destination = open_destination(person.key, contact_id, row.destination)
        contact_letters.spend_codes(conn, contact_id)
        if row.verified_at is not None:
            place = Place(contact_id, row.channel, destination, row.destination_lookup)
            self._post.send_news(conn, person, REMOVED, place, about=row.channel, now=now)
        hint = hint_of(row.channel, destination)
        self._note(conn, person, changes.REMOVED, row.channel, (hint, None), now)
        conn.execute(delete(contact).where(contact.c.contact_id == contact_id))
        return listed(row, destination)

    def _note(  # whose, and what became of which place
        self,
        conn: Connection,
        person: Recipient,
        what: str,
        channel: str,
        hints: tuple[str | None, str | None],
        now: int,
    ) -> None:
        whose = Whose(person.recipient_id, person.key or b"")
        changed = changes.of_place(*hints)
        changes.note(conn, [changes.row_of(whose, self.author, what, channel, changed, now)])

    def _person(self, conn: Connection, account: str, now: int) -> Recipient:
        return Roster(self.vault).meet(conn, [account], now)[account]


def _one(person: Recipient, contact_id: UUID) -> Select[Any]:
    return select(contact).where(
        contact.c.contact_id == contact_id, contact.c.recipient_id == person.recipient_id
    )


def _by_code(against: Sequence[Against]) -> bool:
    return any(each.undone_by == suppression.BY_CODE for each in against)


def _not_by_code(against: Sequence[Against]) -> Refused | None:
    """Why a code undoes nothing of this, or not all of it."""
    for other, refused in _OTHERS.items():
        if any(each.undone_by == other for each in against):
            return refused
    return None if against else Refused.NOT_SUPPRESSED
