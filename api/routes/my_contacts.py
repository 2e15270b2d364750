"""The caller's own contacts: added, verified by a code that was sent there, removed.

Every change is in the access log, and told to the places that were there before.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection

from api import access_log
from api.access_log import Access
from api.caller import Caller
from api.control import CONTROLLED, Controller
from api.dependencies import KEYED, ApiDependencies, Employee, Reads, Serving, client_of
from api.me_schemas import AddContact, ContactAnswer, MyContact, MyContacts, VerifyContact
from api.people_problems import CODE_REFUSED, CODE_TOMORROW, TOO_MANY_CODES
from api.problems import CONFLICT, INVALID_REQUEST, NOT_FOUND, Problem, documented
from notifier.contact_file import destination_fault
from notifier.contact_list import Listed
from notifier.contacts import ContactBook, Refused
from store.clock import now_micros

router = APIRouter(prefix="/v1/me/contacts", tags=["me"], responses=KEYED)

CONTACT_ADDED: Final = "contact_added"
CONTACT_VERIFIED: Final = "contact_verified"
CONTACT_NOT_VERIFIED: Final = "contact_code_refused"
CONTACT_PROOF_ASKED: Final = "contact_code_asked"
CONTACT_REMOVED: Final = "contact_removed"
_PROBLEMS: Final = {
    Refused.UNKNOWN: NOT_FOUND,
    Refused.TOO_MANY_CONTACTS: CONFLICT,
    Refused.TOO_MANY_CODES: TOO_MANY_CODES,
    Refused.CODE_TOMORROW: CODE_TOMORROW,
    Refused.NOT_SUPPRESSED: CONFLICT,
    Refused.STOPPED: CONFLICT,
    Refused.BY_OPERATOR: CONFLICT,
    Refused.WRONG_CODE: CODE_REFUSED,
    Refused.ERASED: CONFLICT,
}
_WAITS: Final = {
    Refused.TOO_MANY_CODES: {"Retry-After": "3600"},
    Refused.CODE_TOMORROW: {"Retry-After": "86400"},
}

ContactId = Annotated[UUID, Path(description="the contact's id")]
Change = Callable[[Connection, ContactBook, str, int], Listed | Refused]


@router.get("", summary="The own contacts")
async def my_contacts(caller: Employee, given: Serving, snapshot: Reads) -> MyContacts:
    """Verified or not; places are shown in part only."""
    book = ContactBook(given.vault)
    found = await snapshot.read(lambda conn: book.list(conn, str(caller.account_id)))
    return MyContacts(contacts=[MyContact.model_validate(each) for each in found])


@router.post(
    "",
    summary="Add a contact",
    responses=CONTROLLED | documented(CONFLICT, INVALID_REQUEST, TOO_MANY_CODES, CODE_TOMORROW),
)
async def add_contact(
    request: Request, caller: Controller, given: Serving, asked: AddContact
) -> ContactAnswer:
    """Sends a code there; asked again, sends another one. A place that is verified stays as it is."""
    fault = destination_fault(asked.channel, asked.destination)
    if fault is not None:
        errors = [{"field": "body.destination", "problem": fault}]
        raise Problem(INVALID_REQUEST, "wrong: body.destination", errors=errors)

    def change(conn: Connection, book: ContactBook, account: str, now: int) -> Listed | Refused:
        where = {"channel": asked.channel, "destination": asked.destination}
        return book.add(conn, account, now=now, **where)

    return await _changed(request, given, caller, CONTACT_ADDED, change)


@router.post(
    "/{contact_id}/verify",
    summary="Verify a contact",
    responses=CONTROLLED | documented(NOT_FOUND, CODE_REFUSED),
)
async def verify_contact(
    request: Request, caller: Controller, given: Serving, contact_id: ContactId, sent: VerifyContact
) -> ContactAnswer:
    """Takes the newest code, within fifteen minutes and five tries; then alerts go there (again)."""

    def change(conn: Connection, book: ContactBook, account: str, now: int) -> Listed | Refused:
        return book.verify(conn, account, contact_id, sent.code, now)

    return await _changed(request, given, caller, CONTACT_VERIFIED, change)


@router.post(
    "/{contact_id}/prove",
    summary="Have a contact written to again",
    responses=CONTROLLED | documented(NOT_FOUND, CONFLICT, TOO_MANY_CODES, CODE_TOMORROW),
)
async def prove_contact(
    request: Request, caller: Controller, given: Serving, contact_id: ContactId
) -> ContactAnswer:
    """Sends a code to a verified place that bounced, complained or unsubscribed; `verify` lifts that."""

    def change(conn: Connection, book: ContactBook, account: str, now: int) -> Listed | Refused:
        return book.prove(conn, account, contact_id, now)

    return await _changed(request, given, caller, CONTACT_PROOF_ASKED, change)


@router.delete(
    "/{contact_id}", summary="Remove a contact", responses=CONTROLLED | documented(NOT_FOUND)
)
async def remove_contact(
    request: Request, caller: Controller, given: Serving, contact_id: ContactId
) -> ContactAnswer:
    """Nothing more goes there, but the news that it was removed."""

    def change(conn: Connection, book: ContactBook, account: str, now: int) -> Listed | Refused:
        return book.remove(conn, account, contact_id, now)

    return await _changed(request, given, caller, CONTACT_REMOVED, change)


async def _changed(
    request: Request, given: ApiDependencies, caller: Caller, action: str, change: Change
) -> ContactAnswer:
    """Make a change and note it; a code that was refused is noted too, and counts."""
    account = str(caller.account_id)

    def write() -> Listed | Refused:
        now = now_micros()
        with given.database.begin() as conn:
            found = change(conn, ContactBook(given.vault, caller.author), account, now)
            noted = _noted(action, found)
            if noted is not None:
                lookup = given.vault.account_lookup(account)
                entry = Access(noted[0], caller.key_id, lookup, client_of(request), noted[1])
                access_log.note(conn, now, entry)
        return found

    found = await asyncio.to_thread(write)
    if isinstance(found, Refused):
        raise Problem(_PROBLEMS[found], found.value, headers=_WAITS.get(found))
    return ContactAnswer(contact=MyContact.model_validate(found))


def _noted(action: str, found: Listed | Refused) -> tuple[str, str | None] | None:
    if found is Refused.WRONG_CODE:
        return CONTACT_NOT_VERIFIED, None
    if isinstance(found, Refused):
        return None
    return action, f"{found.channel} {found.contact_id}"
