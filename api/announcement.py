"""The operator's word to everybody: one line, on the page, in `/v1/status` and on the feed."""

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, delete, insert, select

from domain.errors import InvalidValue
from store.schema import metadata

LONGEST_TEXT: Final = 500
_ONLY: Final = 1

# One row or none. `since`: microseconds.
announcement = Table(
    "announcement",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)


class Announcement(NamedTuple):
    """What is said, since when (microseconds)."""

    text: str
    since: int


def announced(conn: Connection) -> Announcement | None:
    """What is said now."""
    row = conn.execute(select(announcement.c.text, announcement.c.since)).first()
    return None if row is None else Announcement(row.text, row.since)


def announce(conn: Connection, text: str, now: int) -> None:
    """Say something instead of what was said before. Raises InvalidValue."""
    said = " ".join(text.split())
    if not said or len(said) > LONGEST_TEXT or not said.isprintable():
        raise InvalidValue("text", text, f"give 1 to {LONGEST_TEXT} printable characters")
    silence(conn)
    conn.execute(insert(announcement).values(id=_ONLY, text=said, since=now))


def silence(conn: Connection) -> bool:
    """Say nothing more; False where nothing was said."""
    return conn.execute(delete(announcement)).rowcount > 0
