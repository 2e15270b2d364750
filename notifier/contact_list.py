"""A person's contacts as they see them: places in part, confirmed or not, and what stands against them.

The latter is said of confirmed ones only: whoever merely names a place learns nothing of it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, case, exists, or_, select

from notifier import contact_letters, suppression
from notifier.contact_words import CODE
from notifier.privacy import Vault
from notifier.push_places import endpoint_host
from notifier.recipients import open_destination
from notifier.schema import contact, recipient
from notifier.schema import suppression as suppression_list
from notifier.suppression import Against

_SHOWN_EMAIL: Final = 2
_SHOWN_ENDS: Final = 4


class Listed(NamedTuple):
    """A contact as its owner sees it; `hint`: enough of the place to know it again.

    `code`: how the newest one fares, None: none is asked for. `suppressed`: why nothing goes there.
    """

    contact_id: UUID
    channel: str
    hint: str
    verified_at: int | None
    created_at: int
    code: str | None
    suppressed: Sequence[Against] = ()


def contacts_of(conn: Connection, vault: Vault, account: str) -> list[Listed]:
    """The account's contacts, oldest first."""
    rows = conn.execute(rows_of(vault.account_lookup(account))).all()
    return _all_listed(conn, vault, rows)


def suppressed_of(conn: Connection, vault: Vault, recipient_id: str) -> list[Listed]:
    """The confirmed contacts of a person that nothing goes to, oldest first; of codes nothing is said."""
    entry = suppression_list.c
    against = and_(
        entry.channel == contact.c.channel,
        entry.destination_lookup == contact.c.destination_lookup,
        entry.lifted_at.is_(None),
    )
    mine = _of(contact, recipient.c.wrapped_key).where(
        recipient.c.recipient_id == recipient_id,
        contact.c.verified_at.is_not(None),
        exists().where(against),
    )
    found = _all_listed(conn, vault, conn.execute(mine.order_by(None)).all())
    return sorted(found, key=lambda each: (each.created_at, each.contact_id))


def listed(row: Row[Any], destination: str, against: Sequence[Against] = ()) -> Listed:
    """A row of `contact` for its owner."""
    shown = against if row.verified_at is not None else ()
    hint = hint_of(row.channel, destination)
    code = getattr(row, "code_state", None)
    return Listed(row.contact_id, row.channel, hint, row.verified_at, row.created_at, code, shown)


def against_row(conn: Connection, row: Row[Any]) -> list[Against]:
    """What stands against the place of a row of `contact`."""
    place = (row.channel, row.destination_lookup)
    return suppression.standing(conn, [place]).get(place, [])


def rows_of(account_lookup: str) -> Select[Any]:
    """The rows of an account's contacts, oldest first, with how the newest code fares."""
    return _rows().where(recipient.c.account_lookup == account_lookup)


def hint_of(channel: str, destination: str) -> str:
    """Enough of a place for its owner to know it again, too little for anybody else to use it."""
    if channel == "email":
        name, _, domain = destination.partition("@")
        return f"{name[:_SHOWN_EMAIL]}…@{domain}"
    host = endpoint_host(destination) if channel == "push" else None
    if host is not None:
        return f"browser, by {host}"
    return f"{destination[:_SHOWN_ENDS]}…{destination[-2:]}"


def _all_listed(conn: Connection, vault: Vault, rows: Sequence[Row[Any]]) -> list[Listed]:
    if not rows:
        return []
    key = vault.unwrap(rows[0].wrapped_key, rows[0].recipient_id)
    places = [(row.channel, row.destination_lookup) for row in rows]
    against = suppression.standing(conn, places)
    return [
        listed(row, open_destination(key, row.contact_id, row.destination), against.get(place, ()))
        for row, place in zip(rows, places, strict=True)
    ]


def _rows() -> Select[Any]:
    """A confirmed place has a code only while it is to be proven again: spent ones have no tag."""
    letter = contact_letters.contact_letter.c
    asked_for = or_(contact.c.verified_at.is_(None), letter.code_tag.is_not(None))
    state = (
        select(case((asked_for, letter.state)))
        .where(
            letter.recipient_id == contact.c.recipient_id,  # as the index has it
            letter.contact_id == contact.c.contact_id,
            letter.kind == CODE,
        )
        .order_by(letter.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return _of(contact, recipient.c.wrapped_key, state.label("code_state"))


def _of(*columns: Any) -> Select[Any]:
    """Of the contacts of those who are not erased, oldest first."""
    return (
        select(*columns)
        .join_from(recipient, contact, contact.c.recipient_id == recipient.c.recipient_id)
        .where(recipient.c.wrapped_key.is_not(None))
        .order_by(contact.c.created_at, contact.c.contact_id)
    )
