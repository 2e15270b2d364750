"""An account's access log as it is read: what keys and sessions did, and what others' words did besides.

The latter are no session's: imports, STOP, providers, unsubscribe links, operators' commands. They stand in
the history of changes, in the transaction that makes them (decision 33), and are read from there.
"""

from typing import Any, Final

from sqlalchemy import Select, and_, null, or_, select, union_all

from api import access_log
from api.access_log import AccessPlace
from notifier import changes
from notifier.changes import IMPORT, LIFTED, OPERATOR, SUPPRESSED, ChangePlace, change
from notifier.schema import recipient

# What a key or session changes is in the access log itself.
_ELSEWHERE: Final = or_(
    change.c.what.in_((SUPPRESSED, LIFTED)),
    change.c.author == IMPORT,
    and_(change.c.author == OPERATOR, change.c.actor.is_(None)),
)


def page(*, limit: int, account_lookup: str, after: AccessPlace | None = None) -> Select[Any]:
    """Entries of an account, the newest first: as rows of `access_log`."""
    done = access_log.page(limit=limit, account_lookup=account_lookup, after=after).subquery()
    whose = select(recipient.c.recipient_id).where(recipient.c.account_lookup == account_lookup)
    place = None if after is None else ChangePlace(*after)
    said = changes.page(whose.scalar_subquery(), limit=limit, after=place).where(_ELSEWHERE)
    told = said.subquery()
    both = union_all(
        select(
            *(done.c.entry_id, done.c.at, done.c.actor, done.c.action, done.c.about, done.c.client)
        ),
        select(
            *(told.c.change_id, told.c.at, told.c.author, told.c.what, told.c.about),
            null(),
        ),
    ).subquery()
    return select(both).order_by(both.c.at.desc(), both.c.entry_id.desc()).limit(limit)
