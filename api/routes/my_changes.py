"""The caller's own history: each change of preferences and contacts, by whose word, from what to what."""

from functools import partial
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection, select

from api.change_schemas import MyChange, MyChanges
from api.dependencies import KEYED, ApiDependencies, Employee, Reads, Serving
from api.pages import KeyInt, Keyset, page
from api.problems import INVALID_CURSOR, documented
from api.reading import Listed, Listing
from notifier import changes
from notifier.changes import ChangePlace
from notifier.schema import recipient

router = APIRouter(prefix="/v1/me/changes", tags=["me"], responses=KEYED)

_CHANGES: Final = Keyset("changes", tuple[KeyInt, UUID])


@router.get("", summary="What was changed", responses=documented(INVALID_CURSOR))
async def my_changes(
    caller: Employee, given: Serving, snapshot: Reads, listed: Listed
) -> MyChanges:
    """Preferences and places: when, by whose word (the page, an import, STOP …), from what to what."""
    return await snapshot.read(partial(_read, given, str(caller.account_id), listed))


def _read(given: ApiDependencies, account: str, listed: Listing, conn: Connection) -> MyChanges:
    after = _CHANGES.after(listed.cursor)
    whose = conn.execute(
        select(recipient.c.recipient_id, recipient.c.wrapped_key).where(
            recipient.c.account_lookup == given.vault.account_lookup(account)
        )
    ).first()
    if whose is None or whose.wrapped_key is None:
        return MyChanges(items=[], next_cursor=None)
    key = given.vault.unwrap(whose.wrapped_key, whose.recipient_id)
    query = changes.page(
        whose.recipient_id,
        limit=listed.limit + 1,
        after=None if after is None else ChangePlace(*after),
    )
    rows, next_cursor = page(
        conn.execute(query).all(), listed.limit, _CHANGES, lambda row: (row.at, row.change_id)
    )
    items = [
        MyChange.model_validate(
            row._asdict() | {"changes": [_spelled(each) for each in changes.opened(key, row)]}
        )
        for row in rows
    ]
    return MyChanges(items=items, next_cursor=next_cursor)


def _spelled(each: changes.Changed) -> dict[str, str]:
    return {"field": each.field, "before": each.before, "after": each.after}
