"""Letters about contacts: few, short-lived, each sent at most once.

In: what contacts.py queues in its own transaction. Out: rows that contact_sender.py claims, marks and
settles. Destination and words are sealed under the recipient's key; a code is kept as a keyed hash.

    pending -> handed_off -> sent | unknown      retry: pending again while nothing can have left
    pending -> failed | withheld | expired       withheld: the place is on the suppression list
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    func,
    select,
    update,
)

from notifier import privacy
from notifier.contact_words import CODE, ContactWords
from store import bulk
from store.schema import key_text, metadata

PENDING: Final = "pending"
HANDED_OFF: Final = "handed_off"
SENT: Final = "sent"
UNKNOWN: Final = "unknown"
FAILED: Final = "failed"
WITHHELD: Final = "withheld"
EXPIRED: Final = "expired"

# Times in microseconds. `destination`, `words`: sealed under the recipient's key, bound to the row.
# `code_tag`: keyed hash of the code, NULL: it has none; `link_tag`: of the link that does as well.
# `tries_left`: how often the code may still be typed.
contact_letter = Table(
    "contact_letter",
    metadata,
    Column("letter_id", Uuid, primary_key=True),
    Column("recipient_id", key_text(), nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("destination", LargeBinary, nullable=False),
    Column("destination_lookup", key_text(), nullable=False),
    Column("words", LargeBinary, nullable=False),
    Column("code_tag", LargeBinary),
    Column("tries_left", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("token", Text),
    Column("lease_until", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("link_tag", LargeBinary),
    Index("ix_contact_letter_state_available_at", "state", "available_at"),
    Index("ix_contact_letter_destination_lookup", "destination_lookup", "created_at"),
    Index("ix_contact_letter_recipient_id", "recipient_id", "created_at"),
    Index("ix_contact_letter_created_at", "created_at"),
    Index("ix_contact_letter_link_tag", "link_tag"),
)
_COLUMNS: Final = (
    *("letter_id", "recipient_id", "contact_id", "kind", "channel", "destination"),
    *("destination_lookup", "words", "code_tag", "tries_left", "state", "attempts"),
    *("available_at", "created_at", "expires_at", "link_tag"),
)


class NewLetter(NamedTuple):
    """A letter to be queued; `destination` in clear. Times in microseconds."""

    letter_id: UUID
    recipient_id: str
    contact_id: UUID
    kind: str
    channel: str
    destination: str
    destination_lookup: str
    words: ContactWords
    expires_at: int
    code_tag: bytes | None = None
    tries: int = 0
    link_tag: bytes | None = None


def queue(conn: Connection, key: bytes, letter: NewLetter, now: int) -> None:
    """Write a letter, sealed under its recipient's key."""
    row = _row_name(letter.letter_id)
    values = (
        *(letter.letter_id, letter.recipient_id, letter.contact_id, letter.kind, letter.channel),
        privacy.seal(key, letter.destination.encode(), row),
        letter.destination_lookup,
        privacy.seal(key, msgspec.msgpack.encode(letter.words), row),
        *(letter.code_tag, letter.tries, PENDING, 0, now, now, letter.expires_at, letter.link_tag),
    )
    bulk.insert_many(conn, contact_letter, _COLUMNS, [values], on_conflict="error")


def opened(key: bytes, row: Row[Any]) -> tuple[str, ContactWords]:
    """The destination and what the words are made of."""
    name = _row_name(row.letter_id)
    words = msgspec.msgpack.decode(privacy.unseal(key, row.words, name), type=ContactWords)
    return privacy.unseal(key, row.destination, name).decode(), words


def newest_code(contact_id: UUID, now: int) -> Select[Any]:
    """The letter whose code verifies a contact now, if there is one; earlier ones count no more."""
    return (
        select(contact_letter)
        .where(
            contact_letter.c.contact_id == contact_id,
            contact_letter.c.code_tag.is_not(None),
            contact_letter.c.expires_at > now,
        )
        .order_by(contact_letter.c.created_at.desc(), contact_letter.c.letter_id)
        .limit(1)
        .with_for_update()
    )


def use_try(conn: Connection, letter_id: UUID) -> bool:
    """Count one try; False: there is none left."""
    left = (
        update(contact_letter)
        .where(contact_letter.c.letter_id == letter_id, contact_letter.c.tries_left > 0)
        .values(tries_left=contact_letter.c.tries_left - 1)
        .returning(contact_letter.c.letter_id)
    )
    return conn.execute(left).first() is not None


def spend_codes(conn: Connection, contact_id: UUID) -> None:
    """No code and no link of this contact counts any more."""
    mine = contact_letter.c.contact_id == contact_id
    spent = {"tries_left": 0, "code_tag": None, "link_tag": None}
    conn.execute(update(contact_letter).where(mine).values(spent))


def spend_links(conn: Connection, contact_id: UUID) -> None:
    """No link of this contact counts any more."""
    mine = contact_letter.c.contact_id == contact_id
    conn.execute(update(contact_letter).where(mine).values(link_tag=None))


def one_at_a_time(conn: Connection) -> None:
    """Whoever counts, then queues, waits for those who do so too. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(func.hashtextextended("contact_letter", 0))
        conn.execute(select(lock))


def count_since(since: int, **which: Any) -> Select[int]:
    """How many letters were queued since a time, microseconds, of these columns' values."""
    query = select(func.count()).where(contact_letter.c.created_at > since)
    return query.where(*(contact_letter.c[name] == value for name, value in which.items()))


def codes_to(lookup: str, since: int) -> Select[int]:
    """How many codes were queued for a place since a time, microseconds, and did not stay here."""
    letter = contact_letter.c
    query = count_since(since, destination_lookup=lookup, kind=CODE)
    return query.where(letter.state.not_in((WITHHELD, EXPIRED)))


def _row_name(letter_id: UUID) -> str:
    return f"contact_letter:{letter_id}"
