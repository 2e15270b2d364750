"""Contacts in and out: an operator's list, upserted by account, and the same list back.

In: lines that contact_file.py has checked. Out: recipients with verified contacts (the operator's word
counts), and letters to the places that were there before (import_news.py). An empty cell changes nothing; a
channel's new place replaces the one it had. The same file twice changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, select, update

from notifier import changes
from notifier.changes import Author, Changed, Whose
from notifier.contact_file import ContactLine
from notifier.contact_list import hint_of
from notifier.import_news import Became, tell
from notifier.privacy import Vault
from notifier.recipients import (
    Private,
    Recipient,
    Roster,
    open_destination,
    open_private,
    seal_destination,
    seal_private,
)
from notifier.schema import contact, recipient
from notifier.sites import site_lookup
from notifier.wishes import cells_of, wished
from store import bulk
from store.clock import now_micros
from store.engine import Database

LINES_PER_TRANSACTION = 500
BY_IMPORT = Author(changes.IMPORT)
CHANNELS = ("email", "sms", "push")
_COLUMNS = (
    "contact_id",
    "recipient_id",
    "channel",
    "destination",
    "destination_lookup",
    "verified_at",
    "created_at",
    "site_lookup",
)


class Imported(NamedTuple):
    """What an import did.

    `erased`: accounts that asked to be forgotten and stay so. `letters`: to places that were there
    before, of what changed.
    """

    accounts: int
    erased: int
    letters: int


class _Place(NamedTuple):
    """A row of `contact`, and what the person reads of it."""

    row: bulk.Row
    channel: str
    what: str
    changed: Sequence[Changed]


def import_contacts(
    database: Database,
    vault: Vault,
    lines: Sequence[ContactLine],
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Upsert by account, a bounded number of lines in each transaction.

    `progress` is called with the number of lines done, after each commit.
    """
    roster = Roster(vault)
    erased = letters = 0
    for start in range(0, len(lines), LINES_PER_TRANSACTION):
        part = lines[start : start + LINES_PER_TRANSACTION]
        with database.begin() as conn:
            forgotten, told = _import_part(conn, vault, roster, part)
        erased, letters = erased + forgotten, letters + told
        progress(start + len(part))
    return Imported(len(lines) - erased, erased, letters)


class _Part(NamedTuple):
    """What the lines of one transaction write."""

    contacts: list[bulk.Row]
    history: list[bulk.Row]
    relabelled: list[dict[str, object]]


def _import_part(
    conn: Connection, vault: Vault, roster: Roster, lines: Sequence[ContactLine]
) -> tuple[int, int]:
    """Returns how many of the accounts are erased, and how many letters tell of what changed."""
    now = now_micros()
    people = roster.meet(conn, [line.account_id for line in lines], now)
    contacts = _contacts_of(conn, [person.recipient_id for person in people.values()])
    part = _Part([], [], [])
    erased = told = 0
    for line in lines:
        person = people[line.account_id]
        if person.key is None:
            erased += 1
            continue
        there = contacts.get(person.recipient_id, ())
        whose = Whose(person.recipient_id, person.key)
        places = list(_places(vault, line, there, whose, now))
        became = [Became(each.row[0], each.channel, each.what) for each in places]
        told += tell(conn, vault, person, there, became, now)
        part.contacts.extend(each.row for each in places)
        part.history.extend(
            changes.row_of(whose, BY_IMPORT, each.what, each.channel, each.changed, now)
            for each in places
        )
        _wish(part, line, person, whose, now)
    _write(conn, part)
    return erased, told


def _wish(part: _Part, line: ContactLine, person: Recipient, whose: Whose, now: int) -> None:
    """The language and the wishes of a line, where they differ."""
    was = (person.language, person.preferences)
    becomes = (line.language or person.language, wished(person.preferences, line.wishes))
    if becomes == was:
        return
    sealed = seal_private(whose.key, whose.recipient_id, Private(line.account_id, *becomes))
    part.relabelled.append({"whose": whose.recipient_id, "sealed": sealed})
    differing = changes.between(was, becomes)
    part.history.append(changes.row_of(whose, BY_IMPORT, changes.PREFERENCES, None, differing, now))


def _write(conn: Connection, part: _Part) -> None:
    bulk.upsert_many(conn, contact, ("contact_id",), _COLUMNS, part.contacts)
    changes.note(conn, part.history)
    if part.relabelled:
        mine = recipient.c.recipient_id == bindparam("whose")
        sealed = update(recipient).where(mine).values(private=bindparam("sealed"))
        conn.execute(sealed, part.relabelled)


def _contacts_of(conn: Connection, recipient_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    rows = conn.execute(
        select(contact)
        .where(contact.c.recipient_id.in_(recipient_ids))
        .order_by(contact.c.created_at, contact.c.contact_id)
    )
    for row in rows:
        found.setdefault(row.recipient_id, []).append(row)
    return found


def _places(
    vault: Vault, line: ContactLine, contacts: Sequence[Row[Any]], whose: Whose, now: int
) -> Iterator[_Place]:
    """The contacts that a line adds, replaces or verifies."""
    for channel, destination in zip(CHANNELS, (line.email, line.phone, line.push), strict=True):
        if not destination:
            continue
        lookup = vault.destination_lookup(channel, destination)
        there = [row for row in contacts if row.channel == channel]
        same = [row for row in there if row.destination_lookup == lookup]
        if same and same[0].verified_at is not None:
            continue
        place = (same or there)[:1]
        contact_id: UUID = place[0].contact_id if place else uuid4()
        created_at = place[0].created_at if place else now
        sealed = seal_destination(whose.key, contact_id, destination)
        site = site_lookup(vault, channel, destination)
        what = changes.CONFIRMED if same else changes.REPLACED if place else changes.ADDED
        before = [open_destination(whose.key, contact_id, row.destination) for row in place]
        was = hint_of(channel, before[0]) if before else None
        row = (contact_id, whose.recipient_id, channel, sealed, lookup, now, created_at, site)
        changed = changes.of_place(was, hint_of(channel, destination))
        yield _Place(row, channel, what, changed)


def export_contacts(
    conn: Connection, vault: Vault, *, with_wishes: bool = False
) -> Iterator[ContactLine]:
    """Every account that has a contact, as the import would read it (the oldest of each channel)."""
    rows = conn.execute(
        select(recipient.c.wrapped_key, recipient.c.private, contact)
        .join_from(recipient, contact, contact.c.recipient_id == recipient.c.recipient_id)
        .where(recipient.c.wrapped_key.is_not(None))
        .order_by(contact.c.recipient_id, contact.c.created_at, contact.c.contact_id)
    )
    for recipient_id, contacts in groupby(rows, key=attrgetter("recipient_id")):
        yield _line(vault, recipient_id, list(contacts), with_wishes=with_wishes)


def _line(
    vault: Vault, recipient_id: str, contacts: Sequence[Row[Any]], *, with_wishes: bool
) -> ContactLine:
    key = vault.unwrap(contacts[0].wrapped_key, recipient_id)
    private = open_private(key, recipient_id, contacts[0].private)
    places: dict[str, str] = {}
    for row in contacts:
        if row.channel not in places:
            places[row.channel] = open_destination(key, row.contact_id, row.destination)
    email, phone, push = (places.get(channel, "") for channel in CHANNELS)
    wishes = cells_of(private.preferences) if with_wishes else ()
    return ContactLine(private.account_id, email, phone, push, private.language, *wishes)
