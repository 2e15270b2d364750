"""The history of what a person is told and where: what changed, from what to what, when, and by whose word.

In: changes, in the transaction that makes them. Out: rows for the person to read. What names them (hints of
places, time zones) is sealed under their key and goes with it; what a provider or a link says of a place is
put down for each person who has that place.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    select,
    tuple_,
)

from notifier import privacy
from notifier.preferences import Preferences
from notifier.schema import contact
from notifier.wishes import WISHES, cells_of
from store import bulk
from store.schema import key_text, metadata

# By whose word, `author`.
PAGE: Final = "page"  # a session of the person's
API: Final = "api"  # a key
IMPORT: Final = "import"
CONFIRM_LINK: Final = "confirm_link"
UNSUBSCRIBE_LINK: Final = "unsubscribe_link"
STOP: Final = "stop"  # or START, or what the provider calls it
PROVIDER: Final = "provider"
OPERATOR: Final = "operator"
# What changed, `what`.
PREFERENCES: Final = "preferences"
ADDED: Final = "contact_added"
CONFIRMED: Final = "contact_confirmed"
REPLACED: Final = "contact_replaced"
REMOVED: Final = "contact_removed"
SUPPRESSED: Final = "suppressed"
LIFTED: Final = "lifted"

LANGUAGE: Final = "language"
PLACE: Final = "place"
_NOBODY: Final = ""  # what stands for nothing

# `about`: the channel, and of a suppression its reason. `sealed`: what changed (`Changed`s), under the
# recipient's key, NULL: nothing that names anybody. `actor`: a key's or session's id. `at`: microseconds.
change = Table(
    "change",
    metadata,
    Column("change_id", Uuid, primary_key=True),
    Column("recipient_id", key_text(), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("actor", Text),
    Column("what", Text, nullable=False),
    Column("about", Text),
    Column("sealed", LargeBinary),
    Index("ix_change_recipient_id_at", "recipient_id", "at", "change_id"),
    Index("ix_change_at", "at"),
)
_COLUMNS: Final = ("change_id", "recipient_id", "at", "author", "actor", "what", "about", "sealed")


class Author(NamedTuple):
    """By whose word something changes. `actor`: a key's or session's id."""

    by: str = OPERATOR
    actor: str | None = None


BY_OPERATOR: Final = Author()


class Changed(msgspec.Struct, frozen=True, array_like=True):
    """One field, as a roster spells it; empty: nothing."""

    field: str
    before: str
    after: str


class Whose(NamedTuple):
    """A person and the key that seals what is put down about them."""

    recipient_id: str
    key: bytes


class ChangePlace(NamedTuple):
    """Where a page ends: the last change's keys. `at`: microseconds."""

    at: int
    change_id: UUID


def between(before: tuple[str, Preferences], after: tuple[str, Preferences]) -> list[Changed]:
    """What differs between two (language, preferences)."""
    old, new = ((language, *cells_of(wish)) for language, wish in (before, after))
    pairs = zip((LANGUAGE, *WISHES), old, new, strict=True)
    return [Changed(name, was, now) for name, was, now in pairs if was != now]


def of_place(before: str | None, after: str | None) -> list[Changed]:
    """A place that came, went or took another's: hints, never destinations."""
    return [Changed(PLACE, before or _NOBODY, after or _NOBODY)]


def row_of(  # the columns of a row
    whose: Whose, author: Author, what: str, about: str | None, changed: Sequence[Changed], at: int
) -> bulk.Row:
    """A row to be inserted; `changed` is sealed into it."""
    change_id = uuid4()
    sealed = privacy.seal(whose.key, msgspec.msgpack.encode(changed), _name(change_id))
    return (change_id, whose.recipient_id, at, *author, what, about, sealed)


def note(conn: Connection, rows: Iterable[bulk.Row]) -> None:
    """Put changes down."""
    bulk.insert_many(conn, change, _COLUMNS, list(rows), on_conflict="error")


class Said(NamedTuple):
    """That a place is written to no more, or again (`what`), why, and who says so."""

    what: str
    reason: str
    source: str
    at: int


def note_of_place(conn: Connection, channel: str, lookup: str, said: Said) -> None:
    """Put it down for whoever has the place."""
    owners = (
        select(contact.c.recipient_id)
        .where(contact.c.channel == channel, contact.c.destination_lookup == lookup)
        .distinct()
    )
    about, by = f"{channel} {said.reason}", _by(said.reason, said.source)
    note(
        conn,
        [
            (uuid4(), whose, said.at, by, None, said.what, about, None)
            for whose in sorted(conn.scalars(owners))
        ],
    )


def page(recipient_id: Any, *, limit: int, after: ChangePlace | None = None) -> Select[Any]:
    """A person's changes, the newest first. `recipient_id`: or a query for it."""
    query = (
        select(change)
        .where(change.c.recipient_id == recipient_id)
        .order_by(change.c.at.desc(), change.c.change_id.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(change.c.at, change.c.change_id)
        query = query.where(
            place < tuple_(*after, types=[change.c.at.type, change.c.change_id.type])
        )
    return query


def opened(key: bytes, row: Row[Any]) -> list[Changed]:
    """What a row says of fields."""
    if row.sealed is None:
        return []
    plain = privacy.unseal(key, row.sealed, _name(row.change_id))
    return msgspec.msgpack.decode(plain, type=list[Changed])


def _by(reason: str, source: str) -> str:
    if source == "link":
        return UNSUBSCRIBE_LINK
    if source in {OPERATOR, PAGE, API, CONFIRM_LINK}:
        return source
    return STOP if reason == STOP else PROVIDER


def _name(change_id: UUID) -> str:
    return f"change:{change_id}"
