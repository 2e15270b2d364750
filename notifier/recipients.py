"""Recipients: the person behind an account, known from the first time something is to be told.

An account that nobody registered has a recipient too: the in-app notice waits there. An erased one is a
tombstone: it is found, has no key, and is told nothing.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from notifier import privacy
from notifier.errors import DestinationRejected
from notifier.preferences import DEFAULTS, Preferences
from notifier.privacy import Vault
from notifier.schema import contact, recipient
from notifier.suppression import reason_for
from store import bulk

DEFAULT_LANGUAGE = "en"
KNOWN_PEOPLE = 20_000  # accounts whose keys one process keeps open, about 10 MB
_COLUMNS = ("recipient_id", "account_lookup", "wrapped_key", "private", "created_at")


class Private(msgspec.Struct, frozen=True):
    """What only the recipient's key opens."""

    account_id: str
    language: str = DEFAULT_LANGUAGE
    preferences: Preferences = DEFAULTS


class Contact(NamedTuple):
    """A verified place on a channel; the place stays sealed. `suppressed`: why nothing goes there."""

    contact_id: UUID
    channel: str
    suppressed: str | None = None


class Recipient(NamedTuple):
    """Who is told. `key` None: erased. `contacts`: oldest first."""

    recipient_id: str
    key: bytes | None
    language: str
    contacts: tuple[Contact, ...] = ()
    preferences: Preferences = DEFAULTS


class Roster:
    """Recipients by account, made where they are missing."""

    def __init__(self, vault: Vault, known_people: int = KNOWN_PEOPLE) -> None:
        self._vault = vault
        self._lookup = lru_cache(known_people)(vault.account_lookup)
        self._opened = lru_cache(known_people)(self._open)

    def meet(self, conn: Connection, accounts: Iterable[str], now: int) -> dict[str, Recipient]:
        """The recipients of these accounts, with their contacts as of this transaction.

        PostgreSQL locks the rows for share: who is being told cannot be erased before it is done.
        """
        by_lookup = {self._lookup(account): account for account in accounts}
        found = self._find(conn, by_lookup)
        missing = [account for account in by_lookup.values() if account not in found]
        if missing:
            self._make(conn, missing, now)
            found |= self._find(conn, {self._lookup(account): account for account in missing})
        return found

    def known(self, conn: Connection, accounts: Iterable[str]) -> dict[str, Recipient]:
        """Those of these accounts that have a recipient; makes none and locks nothing."""
        by_lookup = {self._lookup(account): account for account in accounts}
        return self._find(conn, by_lookup, locked=False)

    def by_id(self, conn: Connection, recipient_id: str) -> Recipient | None:
        """One recipient with their contacts; None: unknown, or erased."""
        rows = conn.execute(_with_contacts(recipient.c.recipient_id == recipient_id)).all()
        if not rows or rows[0].wrapped_key is None:
            return None
        contacts = tuple(
            Contact(row.contact_id, row.channel, row.suppressed)
            for row in rows
            if row.contact_id is not None
        )
        return self._recipient(rows[0])._replace(contacts=contacts)

    def _find(
        self, conn: Connection, by_lookup: dict[str, str], *, locked: bool = True
    ) -> dict[str, Recipient]:
        found: dict[str, Recipient] = {}
        query = _with_contacts(recipient.c.account_lookup.in_(list(by_lookup)))
        if locked:
            query = query.with_for_update(read=True, of=recipient)
        for row in conn.execute(query):
            account = by_lookup[row.account_lookup]
            person = found.get(account) or self._recipient(row)
            if row.contact_id is not None:
                place = Contact(row.contact_id, row.channel, row.suppressed)
                person = person._replace(contacts=(*person.contacts, place))
            found[account] = person
        return found

    def _recipient(self, row: Row[Any]) -> Recipient:
        if row.wrapped_key is None:
            return Recipient(row.recipient_id, None, DEFAULT_LANGUAGE)
        key, private = self._opened(row.recipient_id, row.wrapped_key, row.private)
        return Recipient(row.recipient_id, key, private.language, preferences=private.preferences)

    def _open(self, recipient_id: str, wrapped: bytes, private: bytes) -> tuple[bytes, Private]:
        key = self._vault.unwrap(wrapped, recipient_id)
        return key, open_private(key, recipient_id, private)

    def _make(self, conn: Connection, accounts: Sequence[str], now: int) -> None:
        rows = []
        for account in accounts:
            key = privacy.new_key()
            name = privacy.recipient_id(key, account)
            private = seal_private(key, name, Private(account))
            rows.append((name, self._lookup(account), self._vault.wrap(key, name), private, now))
        bulk.insert_many(conn, recipient, _COLUMNS, rows, on_conflict="nothing")


def _with_contacts(whom: ColumnElement[bool]) -> Select[Any]:
    verified = and_(
        contact.c.recipient_id == recipient.c.recipient_id, contact.c.verified_at.is_not(None)
    )
    return (
        select(
            recipient.c.recipient_id,
            recipient.c.account_lookup,
            recipient.c.wrapped_key,
            recipient.c.private,
            contact.c.contact_id,
            contact.c.channel,
            reason_for(contact.c.channel, contact.c.destination_lookup).label("suppressed"),
        )
        .select_from(recipient.outerjoin(contact, verified))
        .where(whom)
        .order_by(recipient.c.recipient_id, contact.c.created_at, contact.c.contact_id)
    )


def seal_private(key: bytes, recipient_id: str, private: Private) -> bytes:
    """A recipient's private part as it is stored."""
    return privacy.seal(key, msgspec.msgpack.encode(private), f"recipient:{recipient_id}")


def open_private(key: bytes, recipient_id: str, sealed: bytes) -> Private:
    """The way back."""
    plain = privacy.unseal(key, sealed, f"recipient:{recipient_id}")
    return msgspec.msgpack.decode(plain, type=Private)


def seal_destination(key: bytes, contact_id: UUID, destination: str) -> bytes:
    """A destination as it is stored, readable in its contact's row only."""
    return privacy.seal(key, destination.encode(), f"contact:{contact_id}")


def open_destination(key: bytes, contact_id: UUID, sealed: bytes) -> str:
    """The way back."""
    return privacy.unseal(key, sealed, f"contact:{contact_id}").decode()


class SealedPlace(NamedTuple):
    """A contact's destination as it is stored, with what opens it; None where it is gone."""

    contact_id: UUID
    recipient_id: str | None
    wrapped_key: bytes | None
    destination: bytes | None


def open_place(vault: Vault, place: SealedPlace) -> str:
    """The destination in clear. Raises DestinationRejected once the contact or its owner is gone."""
    if place.recipient_id is None or place.wrapped_key is None or place.destination is None:
        raise DestinationRejected("the contact was removed")
    key = vault.unwrap(place.wrapped_key, place.recipient_id)
    return open_destination(key, place.contact_id, place.destination)


def language_of(conn: Connection, vault: Vault, account_id: str) -> str:
    """The account's language; the default where nothing is known of it."""
    return private_of(conn, vault, account_id).language


def private_of(conn: Connection, vault: Vault, account_id: str) -> Private:
    """What the account told us of itself; of one that is unknown or erased, the defaults."""
    row = conn.execute(
        select(recipient.c.recipient_id, recipient.c.wrapped_key, recipient.c.private).where(
            recipient.c.account_lookup == vault.account_lookup(account_id)
        )
    ).first()
    if row is None or row.wrapped_key is None:
        return Private(account_id)
    key = vault.unwrap(row.wrapped_key, row.recipient_id)
    return open_private(key, row.recipient_id, row.private)


def recipient_of(vault: Vault, account_id: str) -> Select[tuple[str]]:
    """The recipient id of an account; no row: nothing was ever to be told to it."""
    return select(recipient.c.recipient_id).where(
        recipient.c.account_lookup == vault.account_lookup(account_id)
    )
