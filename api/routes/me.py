"""The caller's own data: who they are to us, the inbox, what was told, who looked; the key says whose."""

import asyncio
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from api import access_log, accesses
from api.access_log import Access, AccessPlace
from api.caller import Caller
from api.control import CONTROLLED, Controller
from api.dependencies import KEYED, ApiDependencies, Employee, Reads, Serving, client_of
from api.inbox_schemas import InboxNotice, InboxPage, MarkedRead, MarkRead
from api.me_schemas import (
    ChangeMe,
    Me,
    MyAccess,
    MyAccesses,
    MyContact,
    MyNotification,
    MyNotifications,
)
from api.pages import KeyInt, Keyset, page
from api.problems import CONFLICT, INVALID_CURSOR, Problem, documented
from api.reading import Listed, Listing
from notifier import inbox
from notifier.contact_list import suppressed_of
from notifier.contacts import ContactBook
from notifier.inbox import InboxPlace
from notifier.recipients import language_of, recipient_of
from notifier.wishing import set_language
from store.clock import now_micros

router = APIRouter(prefix="/v1/me", tags=["me"], responses=KEYED)

_INBOX = Keyset("inbox", tuple[KeyInt, UUID])
_NOTIFICATIONS = Keyset("notifications", tuple[KeyInt, UUID])
_ACCESS = Keyset("access", tuple[KeyInt, UUID])
LANGUAGE_SET = "language_set"


@router.get("", summary="Who asks")
async def me(caller: Employee, given: Serving, snapshot: Reads) -> Me:
    """The account, its language, and whether anything waits to be read."""
    return await snapshot.read(partial(_me, given, caller))


@router.put("", summary="Change oneself", responses=CONTROLLED)
async def change_me(request: Request, caller: Controller, given: Serving, change: ChangeMe) -> Me:
    """The language of notices and letters, from now on."""

    def write() -> Me:
        now = now_micros()
        account = str(caller.account_id)
        with given.database.begin() as conn:
            if not set_language(conn, given.vault, account, change.language, now, caller.author):
                raise Problem(CONFLICT, "the account's data was erased, and it asked for no more")
            lookup = given.vault.account_lookup(account)
            entry = Access(LANGUAGE_SET, caller.key_id, lookup, client_of(request), change.language)
            access_log.note(conn, now, entry)
            return _me(given, caller, conn)

    return await asyncio.to_thread(write)


@router.get(
    "/notifications", summary="What was told, and how", responses=documented(INVALID_CURSOR)
)
async def my_notifications(
    caller: Employee, given: Serving, snapshot: Reads, listed: Listed
) -> MyNotifications:
    """Every notice with what became of it on each channel, newest first."""
    read = partial(_notifications, given, str(caller.account_id), listed)
    return await snapshot.read(read)


@router.get("/access", summary="Who did what", responses=documented(INVALID_CURSOR))
async def my_access(
    caller: Employee, given: Serving, snapshot: Reads, listed: Listed
) -> MyAccesses:
    """Signing in, changes of contacts and by whose word (an import, STOP …), newest first."""
    after = _ACCESS.after(listed.cursor)
    query = accesses.page(
        limit=listed.limit + 1,
        account_lookup=given.vault.account_lookup(str(caller.account_id)),
        after=None if after is None else AccessPlace(*after),
    )
    found = await snapshot.read(lambda conn: conn.execute(query).all())
    rows, next_cursor = page(found, listed.limit, _ACCESS, lambda row: (row.at, row.entry_id))
    items = [MyAccess.model_validate(row) for row in rows]
    return MyAccesses(items=items, next_cursor=next_cursor)


@router.get("/inbox", summary="The own inbox", responses=documented(INVALID_CURSOR))
async def own_inbox(
    caller: Employee,
    given: Serving,
    snapshot: Reads,
    listed: Listed,
    *,
    unread: Annotated[bool, Query(description="only what was not read yet")] = False,
) -> InboxPage:
    """What the account was told, newest first."""
    account = str(caller.account_id)
    read = partial(_read, given, account, listed, unread_only=unread)
    return await snapshot.read(read)


@router.post("/inbox/read", summary="Mark notices as read")
async def mark_read(
    request: Request, caller: Employee, given: Serving, marked: MarkRead
) -> MarkedRead:
    """Marks the own notices named, or all; a notice keeps the time at which it was first read."""
    account = str(caller.account_id)
    done = await asyncio.to_thread(_mark, given, account, marked.notice_ids)
    request.app.state.feed.inbox_changed(given.vault.account_lookup(account))
    return done


def _me(given: ApiDependencies, caller: Caller, conn: Connection) -> Me:
    account = str(caller.account_id)
    recipient_id = _recipient(conn, given, account)
    contacts = ContactBook(given.vault).list(conn, account)
    return Me(
        account_id=account,
        language=language_of(conn, given.vault, account),
        unread=0 if recipient_id is None else _unread(conn, recipient_id),
        verified_contacts=sum(each.verified_at is not None for each in contacts),
        session=caller.is_session,
    )


def _notifications(
    given: ApiDependencies, account: str, listed: Listing, conn: Connection
) -> MyNotifications:
    after = _NOTIFICATIONS.after(listed.cursor)
    recipient_id = _recipient(conn, given, account)
    if recipient_id is None:
        return MyNotifications(items=[], next_cursor=None)
    place = None if after is None else InboxPlace(*after)
    query = inbox.inbox_page(recipient_id, limit=listed.limit + 1, after=place)
    rows, next_cursor = page(
        conn.execute(query).all(),
        listed.limit,
        _NOTIFICATIONS,
        lambda row: (row.planned_at, row.notice_id),
    )
    told = inbox.deliveries_of(conn, [row.notice_id for row in rows])
    items = [
        MyNotification.model_validate(row._asdict() | {"deliveries": told[row.notice_id]})
        for row in rows
    ]
    return MyNotifications(items=items, next_cursor=next_cursor)


def _read(
    given: ApiDependencies, account: str, listed: Listing, conn: Connection, *, unread_only: bool
) -> InboxPage:
    after = _INBOX.after(listed.cursor)
    recipient_id = _recipient(conn, given, account)
    if recipient_id is None:
        return InboxPage(items=[], next_cursor=None, unread=0, suppressed=[])
    query = inbox.inbox_page(
        recipient_id,
        limit=listed.limit + 1,
        after=None if after is None else InboxPlace(*after),
        unread_only=unread_only,
    )
    rows, next_cursor = page(
        conn.execute(query).all(), listed.limit, _INBOX, lambda row: (row.planned_at, row.notice_id)
    )
    silent = suppressed_of(conn, given.vault, recipient_id)
    return InboxPage(
        items=[InboxNotice.model_validate(inbox.item(row, given.renderer)) for row in rows],
        next_cursor=next_cursor,
        unread=_unread(conn, recipient_id),
        suppressed=[MyContact.model_validate(each) for each in silent],
    )


def _mark(given: ApiDependencies, account: str, notice_ids: list[UUID] | None) -> MarkedRead:
    with given.database.begin() as conn:
        recipient_id = _recipient(conn, given, account)
        if recipient_id is None:
            return MarkedRead(marked=0, unread=0)
        marked = inbox.mark_read(conn, recipient_id, notice_ids, now_micros())
        return MarkedRead(marked=marked, unread=_unread(conn, recipient_id))


def _recipient(conn: Connection, given: ApiDependencies, account: str) -> str | None:
    """The caller's recipient id; None: nothing was ever to be told to the account."""
    row = conn.execute(recipient_of(given.vault, account)).first()
    return None if row is None else str(row.recipient_id)


def _unread(conn: Connection, recipient_id: str) -> int:
    return conn.execute(inbox.unread_count(recipient_id)).scalar_one()
