"""What accounts want is set here, and each change is put down in their history."""

from collections.abc import Callable
from functools import partial

import msgspec
from sqlalchemy import Connection, select, update

from notifier import changes
from notifier.changes import BY_OPERATOR, Author, Whose
from notifier.preferences import Preferences
from notifier.privacy import Vault
from notifier.recipients import Private, Roster, open_private, seal_private
from notifier.schema import recipient


def set_language(  # the transaction, and whose language it is
    conn: Connection,
    vault: Vault,
    account_id: str,
    language: str,
    now: int,
    author: Author = BY_OPERATOR,
) -> bool:
    """Set the account's language, known or not; False: it was erased."""
    change = partial(msgspec.structs.replace, language=language)
    return _change(conn, vault, account_id, change, now, author)


def set_preferences(  # noqa: PLR0913 # the transaction, whose wishes they are, and by whose word
    conn: Connection,
    vault: Vault,
    account_id: str,
    preferences: Preferences,
    *,
    language: str,
    now: int,
    author: Author = BY_OPERATOR,
) -> bool:
    """Set what the account wants, known or not; False: it was erased."""
    change = partial(msgspec.structs.replace, preferences=preferences, language=language)
    return _change(conn, vault, account_id, change, now, author)


def _change(
    conn: Connection,
    vault: Vault,
    account_id: str,
    change: Callable[[Private], Private],
    now: int,
    author: Author,
) -> bool:
    person = Roster(vault).meet(conn, [account_id], now)[account_id]
    if person.key is None:
        return False
    mine = recipient.c.recipient_id == person.recipient_id
    sealed = conn.execute(select(recipient.c.private).where(mine).with_for_update()).scalar_one()
    before = open_private(person.key, person.recipient_id, sealed)
    changed = change(before)
    _note(conn, Whose(person.recipient_id, person.key), author, before, changed, now)
    sealed = seal_private(person.key, person.recipient_id, changed)
    conn.execute(update(recipient).where(mine).values(private=sealed))
    return True


def _note(  # whose, and what it was and is
    conn: Connection, whose: Whose, author: Author, before: Private, after: Private, now: int
) -> None:
    differing = changes.between(
        (before.language, before.preferences), (after.language, after.preferences)
    )
    if differing:
        row = changes.row_of(whose, author, changes.PREFERENCES, None, differing, now)
        changes.note(conn, [row])
