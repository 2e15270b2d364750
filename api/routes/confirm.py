"""Links that confirm a mailbox: a look changes nothing, one press of the button confirms it.

The token in the address is the proof that its reader reads the mail sent there; who asked for it controlled
the account. One that is forged, used, late or of somebody erased gets the same answer.
"""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse

from api import access_log, link_pages
from api.access_log import Access
from api.dependencies import ApiDependencies, Reads, Serving, client_of
from api.problems import INVALID_REQUEST, NOT_FOUND, documented
from api.routes.my_contacts import CONTACT_VERIFIED
from notifier import contact_links
from notifier.changes import CONFIRM_LINK, Author
from notifier.contact_links import CONFIRM_PATH, Waiting
from notifier.contacts import ContactBook
from store.clock import now_micros

router = APIRouter(
    tags=["me"],
    responses=documented(NOT_FOUND, INVALID_REQUEST),
    default_response_class=HTMLResponse,
)

BY_LINK: Final = "link"  # who did it: whoever reads the mail
Token = Annotated[str, Path(max_length=100, description="as it stands in the mail")]


@router.get(CONFIRM_PATH, summary="Look at a link that confirms", response_class=HTMLResponse)
async def look(request: Request, given: Serving, snapshot: Reads, token: Token) -> HTMLResponse:
    """A page with a button. Opening it confirms nothing: scanners do that."""
    now = now_micros()
    found = await snapshot.read(lambda conn: contact_links.waiting(conn, given.vault, token, now))
    if found is None:
        return link_pages.unknown(request)
    return _page(request, found, token, confirmed=False)


@router.post(CONFIRM_PATH, summary="Confirm a mailbox", response_class=HTMLResponse)
async def confirm(request: Request, given: Serving, token: Token) -> HTMLResponse:
    """Once, within fifteen minutes; then alerts go there, and the other places are told of it."""
    found = await asyncio.to_thread(_confirmed, given, token, client_of(request))
    if found is None:
        return link_pages.unknown(request)
    return _page(request, found, token, confirmed=True)


def _confirmed(given: ApiDependencies, token: str, client: str | None) -> Waiting | None:
    now = now_micros()
    with given.database.begin() as conn:
        found = ContactBook(given.vault, Author(CONFIRM_LINK)).confirm(conn, token, now)
        if found is not None:
            about = f"email {found.contact_id}"
            entry = Access(CONTACT_VERIFIED, BY_LINK, found.account_lookup, client, about)
            access_log.note(conn, now, entry)
    return found


def _page(request: Request, found: Waiting, token: str, *, confirmed: bool) -> HTMLResponse:
    return link_pages.page(
        request, "confirm", language=found.language, token=token, confirmed=confirmed
    )
