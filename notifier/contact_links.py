"""Links by which a place is confirmed: whoever presses the button behind one reads what is sent there.

A link is a random word of which only the keyed hash is kept, beside the code that went with it. It is good
once and as long as that code; looking at it changes nothing, since mail scanners open every link.
"""

import re
import secrets
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, select, update

from notifier.contact_letters import contact_letter
from notifier.privacy import Vault
from notifier.recipients import open_private
from notifier.schema import contact, recipient

CONFIRM_PATH: Final = "/v1/confirm/{token}"
_BYTES: Final = 32
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Waiting(NamedTuple):
    """A place that a link would confirm, and whose it is. `language`: as they asked us for it."""

    contact_id: UUID
    recipient_id: str
    account_lookup: str
    account_id: str
    language: str


def new_link() -> str:
    """A fresh one."""
    return secrets.token_urlsafe(_BYTES)


def tag_of(vault: Vault, token: str) -> bytes:
    """How it is kept."""
    return vault.tag("contact link", token)


def address_of(public_url: str | None, token: str) -> str | None:
    """The link in full; None: there is none, or the deployment has no address that people reach."""
    return public_url + CONFIRM_PATH.format(token=token) if public_url and token else None


def waiting(conn: Connection, vault: Vault, token: str, now: int) -> Waiting | None:
    """What a link is good for now, microseconds; None: for nothing, and nothing is said of why."""
    if not _WORD.fullmatch(token):
        return None
    row = conn.execute(_by_tag(tag_of(vault, token), now)).first()
    if row is None:
        return None
    key = vault.unwrap(row.wrapped_key, row.recipient_id)
    private = open_private(key, row.recipient_id, row.private)
    whose = (row.recipient_id, row.account_lookup, private.account_id, private.language)
    return Waiting(row.contact_id, *whose)


def spend(conn: Connection, vault: Vault, token: str, now: int) -> Waiting | None:
    """Take a link; of two who bring it at once one is heard. None as `waiting` has it."""
    found = waiting(conn, vault, token, now)
    if found is None:
        return None
    taken = (
        update(contact_letter)
        .where(contact_letter.c.link_tag == tag_of(vault, token), contact_letter.c.expires_at > now)
        .values(link_tag=None)
        .returning(contact_letter.c.letter_id)
    )
    return None if conn.execute(taken).first() is None else found


def _by_tag(tag: bytes, now: int) -> Select[Any]:
    letter = contact_letter.c
    return (
        select(
            letter.contact_id,
            recipient.c.recipient_id,
            recipient.c.account_lookup,
            recipient.c.wrapped_key,
            recipient.c.private,
        )
        .select_from(contact_letter)
        .join(contact, contact.c.contact_id == letter.contact_id)
        .join(recipient, recipient.c.recipient_id == letter.recipient_id)
        .where(
            letter.link_tag == tag, letter.expires_at > now, recipient.c.wrapped_key.is_not(None)
        )
    )
