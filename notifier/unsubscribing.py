"""Links by which a mail's reader asks for no more mail, and takes that back.

A link names the place by its keyed hash and carries a mark that only the holder of the master key can
make: nothing is stored for it, it outlives the contact, and nobody can end the mail of another.
"""

import base64
import hmac
from typing import NamedTuple

from sqlalchemy import Connection, select

from notifier import suppression
from notifier.privacy import Vault
from notifier.recipients import open_private
from notifier.schema import contact, recipient
from notifier.suppression import UNSUBSCRIBED, reason_for

CHANNEL = "email"
LINK = "link"  # who said so: the link in a mail
UNSUBSCRIBE_PATH = "/v1/unsubscribe/{token}"
_LOOKUP_BYTES = 32
_MARK_BYTES = 16


class Place(NamedTuple):
    """An address, by its keyed hash."""

    lookup: str


def token_for(vault: Vault, lookup: str) -> str:
    """The part of a link that names a place."""
    raw = bytes.fromhex(lookup)
    return base64.urlsafe_b64encode(raw + _mark(vault, raw)).rstrip(b"=").decode()


def link_for(vault: Vault, channel: str, lookup: str | None, public_url: str | None) -> str | None:
    """The link in full; None: no mail, or the deployment has no address that people reach."""
    if channel != CHANNEL or lookup is None or public_url is None:
        return None
    return public_url + UNSUBSCRIBE_PATH.format(token=token_for(vault, lookup))


def place_of(vault: Vault, token: str) -> Place | None:
    """The place that a link names; None: it is not one of ours."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    place, mark = raw[:_LOOKUP_BYTES], raw[_LOOKUP_BYTES:]
    if len(raw) != _LOOKUP_BYTES + _MARK_BYTES:
        return None
    return Place(place.hex()) if hmac.compare_digest(mark, _mark(vault, place)) else None


def unsubscribe(conn: Connection, place: Place, now: int) -> None:
    """No more mail; twice is once. `now`: microseconds."""
    suppression.put(conn, CHANNEL, place.lookup, UNSUBSCRIBED, source=LINK, at=now)


def subscribe_again(conn: Connection, place: Place, now: int) -> None:
    """Take it back. What else keeps mail away, such as a bounce, stays."""
    suppression.lift(conn, CHANNEL, place.lookup, UNSUBSCRIBED, source=LINK, at=now)


def reason(conn: Connection, place: Place) -> str | None:
    """Why no mail goes there; None: it does."""
    found: str | None = conn.scalar(select(reason_for(CHANNEL, place.lookup)))
    return found


def language_of(conn: Connection, vault: Vault, place: Place) -> str | None:
    """The language of whoever has the address, of the first one where several do; None: nobody has."""
    owner = (
        select(recipient.c.recipient_id, recipient.c.wrapped_key, recipient.c.private)
        .join(contact, contact.c.recipient_id == recipient.c.recipient_id)
        .where(
            contact.c.channel == CHANNEL,
            contact.c.destination_lookup == place.lookup,
            recipient.c.wrapped_key.is_not(None),
        )
        .order_by(contact.c.created_at, contact.c.contact_id)
        .limit(1)
    )
    row = conn.execute(owner).first()
    if row is None:
        return None
    key = vault.unwrap(row.wrapped_key, row.recipient_id)
    return open_private(key, row.recipient_id, row.private).language


def _mark(vault: Vault, place: bytes) -> bytes:
    return vault.mark(b"unsubscribe", place)[:_MARK_BYTES]
