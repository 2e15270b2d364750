"""What a change of contacts sends: codes, bounded by the hour, and news to the places that were there.

In: what contacts.py decided. Out: letters queued in its transaction (contact_letters.py).
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, select

from notifier import contact_links
from notifier.contact_letters import NewLetter, codes_to, count_since, queue, spend_links
from notifier.contact_words import ADDED, CODE, ContactWords
from notifier.content import EMAIL
from notifier.privacy import Vault
from notifier.recipients import Recipient, open_destination
from notifier.schema import contact

CODE_MINUTES: Final = 15
CODE_TRIES: Final = 5
CODES_OF_PLACE: Final = 3  # an hour
CODES_OF_ACCOUNT: Final = 6
_CODE_DIGITS: Final = 6
_SECOND: Final = 1_000_000
_HOUR: Final = 3_600 * _SECOND
_DAY: Final = 24 * _HOUR
_NEWS_KEPT: Final = _DAY


class Place(NamedTuple):
    """A contact with its destination in clear; `lookup`: the destination's keyed hash."""

    contact_id: UUID
    channel: str
    destination: str
    lookup: str


@dataclass(frozen=True, slots=True)
class ContactPost:
    """Queues letters. `codes_an_hour`: most codes of the whole deployment."""

    vault: Vault
    codes_an_hour: int

    def code_tag(self, contact_id: UUID, code: str) -> bytes:
        """The keyed hash of a code, as it is stored."""
        return self.vault.tag("contact code", str(contact_id), code)

    def codes_are_spent(self, conn: Connection, recipient_id: str, lookup: str, now: int) -> bool:
        """Whether the place, the account or the deployment had its codes of this hour."""
        bounds: tuple[tuple[dict[str, str], int], ...] = (
            ({"destination_lookup": lookup}, CODES_OF_PLACE),
            ({"recipient_id": recipient_id}, CODES_OF_ACCOUNT),
            ({}, self.codes_an_hour),
        )
        return any(
            conn.execute(count_since(now - _HOUR, kind=CODE, **which)).scalar_one() >= most
            for which, most in bounds
        )

    def day_is_spent(self, conn: Connection, lookup: str, now: int) -> bool:
        """Whether a place that refused us or complained had its one code of this day."""
        return conn.execute(codes_to(lookup, now - _DAY)).scalar_one() > 0

    def send_code(self, conn: Connection, person: Recipient, place: Place, now: int) -> None:
        """Send a place the code that confirms it, to mailboxes with a link that does as well."""
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
        token = contact_links.new_link() if place.channel == EMAIL else ""
        spend_links(conn, place.contact_id)
        letter = NewLetter(
            *(uuid4(), person.recipient_id, place.contact_id, CODE, *place[1:]),
            words=_words(person, place.channel, now, code=code, minutes=CODE_MINUTES, token=token),
            expires_at=now + CODE_MINUTES * 60 * _SECOND,
            code_tag=self.code_tag(place.contact_id, code),
            tries=CODE_TRIES,
            link_tag=contact_links.tag_of(self.vault, token) if token else None,
        )
        queue(conn, person.key or b"", letter, now)

    def tell_others(
        self, conn: Connection, person: Recipient, channel: str, new: UUID, now: int
    ) -> None:
        """Tell the person's other verified places of a new one on a channel."""
        others = select(contact).where(
            contact.c.recipient_id == person.recipient_id,
            contact.c.verified_at.is_not(None),
            contact.c.contact_id != new,
        )
        for row in conn.execute(others).all():
            destination = open_destination(person.key or b"", row.contact_id, row.destination)
            place = Place(row.contact_id, row.channel, destination, row.destination_lookup)
            self.send_news(conn, person, ADDED, place, about=channel, now=now)

    def send_news(  # the transaction, whom, and what
        self,
        conn: Connection,
        person: Recipient,
        kind: str,
        place: Place,
        *,
        about: str,
        now: int,
    ) -> None:
        """Tell a place that a contact came or went; `about`: the channel of that contact."""
        letter = NewLetter(
            *(uuid4(), person.recipient_id, place.contact_id, kind, *place[1:]),
            words=_words(person, about, now),
            expires_at=now + _NEWS_KEPT,
        )
        queue(conn, person.key or b"", letter, now)


def _words(person: Recipient, about: str, now: int, **code: Any) -> ContactWords:
    zone = person.preferences.time_zone
    return ContactWords(about, now // _SECOND, person.language, time_zone=zone, **code)
