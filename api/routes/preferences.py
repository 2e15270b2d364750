"""What the caller wants to be told, where and when."""

import asyncio
from functools import partial

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from api import access_log
from api.access_log import Access
from api.control import CONTROLLED, Controller
from api.dependencies import KEYED, ApiDependencies, Employee, Reads, Serving, client_of
from api.preference_schemas import MyPreferences, shown
from api.problems import CONFLICT, Problem, documented
from notifier.recipients import private_of
from notifier.wishing import set_preferences
from store.clock import now_micros

router = APIRouter(prefix="/v1/me/preferences", tags=["me"], responses=KEYED)

PREFERENCES_SET = "preferences_set"


@router.get("", summary="The own preferences")
async def preferences(caller: Employee, given: Serving, snapshot: Reads) -> MyPreferences:
    """What is told where, and in which hours nothing rings; the defaults tell everything at once."""
    return await snapshot.read(partial(_read, given, str(caller.account_id)))


@router.put("", summary="Change the own preferences", responses=CONTROLLED | documented(CONFLICT))
async def change_preferences(
    request: Request, caller: Controller, given: Serving, wanted: MyPreferences
) -> MyPreferences:
    """Replaces all of them, for what is planned from now on; each change stands in the access log."""

    def write() -> MyPreferences:
        account, now = str(caller.account_id), now_micros()
        wish = wanted.preferences()
        with given.database.begin() as conn:
            if not set_preferences(
                conn,
                given.vault,
                account,
                wish,
                language=wanted.language,
                now=now,
                author=caller.author,
            ):
                raise Problem(CONFLICT, "the account's data was erased, and it asked for no more")
            lookup = given.vault.account_lookup(account)
            about = wanted.model_dump_json(exclude_defaults=True)
            entry = Access(PREFERENCES_SET, caller.key_id, lookup, client_of(request), about)
            access_log.note(conn, now, entry)
        return shown(wanted.language, wish)

    return await asyncio.to_thread(write)


def _read(given: ApiDependencies, account: str, conn: Connection) -> MyPreferences:
    private = private_of(conn, given.vault, account)
    return shown(private.language, private.preferences)
