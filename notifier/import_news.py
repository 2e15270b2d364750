"""What an import tells people: a place that it replaces hears that, the ones that stay hear of a new one.

In: what contact_import.py is about to write. Out: letters in its transaction, as by people's own hand.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row

from notifier import changes, contact_letters
from notifier.contact_post import ContactPost, Place
from notifier.contact_words import ADDED, REMOVED
from notifier.privacy import Vault
from notifier.recipients import Recipient, open_destination


class Became(NamedTuple):
    """A place that a roster adds, replaces or confirms. `what`: as changes.py has it."""

    contact_id: UUID
    channel: str
    what: str


def tell(  # the transaction, whom, what was and what will be
    conn: Connection,
    vault: Vault,
    person: Recipient,
    before: Sequence[Row[Any]],
    new: Sequence[Became],
    now: int,
) -> int:
    """Queue the letters of one person; returns how many. `before`: their rows of `contact` until now.

    Codes that went to a place count no more once another has its row.
    """
    replaced = {each.contact_id for each in new if each.what == changes.REPLACED}
    for contact_id in replaced:
        contact_letters.spend_codes(conn, contact_id)
    post = ContactPost(vault, codes_an_hour=0)
    told = 0
    for row in before:
        if row.verified_at is None:
            continue
        destination = open_destination(person.key or b"", row.contact_id, row.destination)
        place = Place(row.contact_id, row.channel, destination, row.destination_lookup)
        for kind, about in _news_for(row, new, gone=row.contact_id in replaced):
            post.send_news(conn, person, kind, place, about=about, now=now)
            told += 1
    return told


def _news_for(row: Row[Any], new: Sequence[Became], *, gone: bool) -> list[tuple[str, str]]:
    """The letters to a place that was confirmed: their kind, and the channel that they are about."""
    if gone:
        return [(REMOVED, row.channel)]
    return [(ADDED, each.channel) for each in new]
