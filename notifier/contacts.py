"""A person's own contacts: added by themselves, verified by a code or link sent there, told of each other.

Only what is verified is told of streams (recipients.py). Whoever adds a place has not shown that it is
theirs, so that a place, an account and the whole deployment get a bounded number of codes an hour, and a
code may be typed wrong a few times. A change is told to the places that were there before.
"""

import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from notifier import changes, contact_letters, contact_links, suppression
from notifier.changes import BY_OPERATOR, Author, Whose
from notifier.contact_letters import newest_code, one_at_a_time
from notifier.contact_links import Waiting
from notifier.contact_post import ContactPost, Place
from notifier.contact_words import CODE, REMOVED
from notifier.privacy import Vault
from notifier.push_places import endpoint_host
from notifier.recipients import Recipient, Roster, open_destination, seal_destination
from notifier.schema import contact, recipient
from notifier.sites import site_lookup

CHANNELS: Final = ("email", "sms", "push")
MOST_CONTACTS: Final = 10
_SHOWN_EMAIL: Final = 2
_SHOWN_ENDS: Final = 4


class Refused(Enum):
    """Why a contact stays as it is."""

    UNKNOWN = "there is no such contact"
    TOO_MANY_CONTACTS = f"an account has at most {MOST_CONTACTS} contacts: remove one first"
    TOO_MANY_CODES = "enough codes were sent for now: try again within the hour"
    WRONG_CODE = "the code is not right, or not good any more: have another one sent"
    ERASED = "the account's data was erased, and it asked for no more"


class Listed(NamedTuple):
    """A contact as its owner sees it; `hint`: enough of the place to know it again."""

    contact_id: UUID
    channel: str
    hint: str
    verified_at: int | None
    created_at: int
    code: str | None


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
        rows = conn.execute(_contacts_of(self.vault.account_lookup(account))).all()
        if not rows:
            return []
        key = self.vault.unwrap(rows[0].wrapped_key, rows[0].recipient_id)
        return [
            _listed(row, open_destination(key, row.contact_id, row.destination)) for row in rows
        ]

    def add(
        self, conn: Connection, account: str, *, channel: str, destination: str, now: int
    ) -> Listed | Refused:
        """Add a place that was checked, or find it again, and send it a code unless it is verified."""
        person = self._person(conn, account, now)
        if person.key is None:
            return Refused.ERASED
        lookup = self.vault.destination_lookup(channel, destination)
        there = conn.execute(_contacts_of(self.vault.account_lookup(account))).all()
        same = [row for row in there if (row.channel, row.destination_lookup) == (channel, lookup)]
        if same and same[0].verified_at is not None:
            return _listed(same[0], destination)
        if not same and len(there) >= MOST_CONTACTS:
            return Refused.TOO_MANY_CONTACTS
        hint = hint_of(channel, destination)
        one_at_a_time(conn)
        if self._post.codes_are_spent(conn, person.recipient_id, lookup, now):
            return Refused.TOO_MANY_CODES
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
        if row.verified_at is not None:
            return _listed(row, destination)
        letter = conn.execute(newest_code(contact_id, now)).first()
        if letter is None or not contact_letters.use_try(conn, letter.letter_id):
            return Refused.WRONG_CODE
        if not hmac.compare_digest(letter.code_tag, self._post.code_tag(contact_id, code)):
            return Refused.WRONG_CODE
        self._confirm(conn, person, row, now)
        return _listed(conn.execute(mine).one(), destination)

    def confirm(self, conn: Connection, token: str, now: int) -> Waiting | None:
        """Take the link that was sent to a mailbox; None: it is good for nothing (any more)."""
        found = contact_links.spend(conn, self.vault, token, now)
        if found is None:
            return None
        person = self._person(conn, found.account_id, now)
        row = conn.execute(_one(person, found.contact_id)).first()
        if row is None or person.key is None:
            return None
        if row.verified_at is None:
            self._confirm(conn, person, row, now)
        return found

    def _confirm(self, conn: Connection, person: Recipient, row: Row[Any], now: int) -> None:
        """The place counts from now on; the others are told of it."""
        contact_letters.spend_codes(conn, row.contact_id)
        place = open_destination(person.key or b"", row.contact_id, row.destination)
        hint = hint_of(row.channel, place)
        self._note(conn, person, changes.CONFIRMED, row.channel, (hint, hint), now)
        mine_only = contact.c.contact_id == row.contact_id
        conn.execute(update(contact).where(mine_only).values(verified_at=now))
        for reason in suppression.LIFTED_BY_CONSENT:
            suppression.lift(
                conn, row.channel, row.destination_lookup, reason, source="owner", at=now
            )
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
        return _listed(row, destination)

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


def hint_of(channel: str, destination: str) -> str:
    """Enough of a place for its owner to know it again, too little for anybody else to use it."""
    if channel == "email":
        name, _, domain = destination.partition("@")
        return f"{name[:_SHOWN_EMAIL]}…@{domain}"
    host = endpoint_host(destination) if channel == "push" else None
    if host is not None:
        return f"browser, by {host}"
    return f"{destination[:_SHOWN_ENDS]}…{destination[-2:]}"


def _listed(row: Row[Any], destination: str) -> Listed:
    code = getattr(row, "code_state", None) if row.verified_at is None else None
    hint = hint_of(row.channel, destination)
    return Listed(row.contact_id, row.channel, hint, row.verified_at, row.created_at, code)


def _contacts_of(account_lookup: str) -> Select[Any]:
    letter = contact_letters.contact_letter
    state = (
        select(letter.c.state)
        .where(letter.c.contact_id == contact.c.contact_id, letter.c.kind == CODE)
        .order_by(letter.c.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(contact, recipient.c.wrapped_key, state.label("code_state"))
        .join_from(recipient, contact, contact.c.recipient_id == recipient.c.recipient_id)
        .where(recipient.c.account_lookup == account_lookup, recipient.c.wrapped_key.is_not(None))
        .order_by(contact.c.created_at, contact.c.contact_id)
    )


def _one(person: Recipient, contact_id: UUID) -> Select[Any]:
    return select(contact).where(
        contact.c.contact_id == contact_id, contact.c.recipient_id == person.recipient_id
    )
