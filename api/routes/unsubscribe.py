"""Mail's unsubscribe links by RFC 8058: a look changes nothing, one POST ends it, another takes it back.

The token in the address is the proof, so a mail program can post without signing in. The page speaks the
language of whoever has the address.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api import link_pages
from api.dependencies import ApiDependencies, Reads, Serving
from api.problems import INVALID_REQUEST, NOT_FOUND, documented
from notifier import unsubscribing
from notifier.unsubscribing import UNSUBSCRIBE_PATH, Place
from store.clock import now_micros

router = APIRouter(
    tags=["me"],
    responses=documented(NOT_FOUND, INVALID_REQUEST),
    default_response_class=HTMLResponse,
)

Token = Annotated[str, Path(max_length=100, description="as it stands in the mail")]


@router.get(UNSUBSCRIBE_PATH, summary="Look at an unsubscribe link", response_class=HTMLResponse)
async def look(request: Request, given: Serving, snapshot: Reads, token: Token) -> HTMLResponse:
    """A page that says how it stands, with a button. Opening it changes nothing: scanners do that."""
    place = unsubscribing.place_of(given.vault, token)
    if place is None:
        return link_pages.unknown(request)
    stands = await snapshot.read(lambda conn: _stands(conn, given, place))
    return _page(request, token, stands)


@router.post(UNSUBSCRIBE_PATH, summary="No more mail", response_class=HTMLResponse)
async def unsubscribe(request: Request, given: Serving, token: Token) -> HTMLResponse:
    """One click, by a mail program (`List-Unsubscribe=One-Click`) or the page; twice is once."""
    return await _change(request, given, token, unsubscribing.unsubscribe)


@router.post(
    UNSUBSCRIBE_PATH + "/undo", summary="Mail again after all", response_class=HTMLResponse
)
async def subscribe_again(request: Request, given: Serving, token: Token) -> HTMLResponse:
    """Take it back. What else keeps mail away, such as a bounce, stays."""
    return await _change(request, given, token, unsubscribing.subscribe_again)


async def _change(
    request: Request,
    given: ApiDependencies,
    token: str,
    change: Callable[[Connection, Place, int], None],
) -> HTMLResponse:
    place = unsubscribing.place_of(given.vault, token)
    if place is None:
        return link_pages.unknown(request)

    def write() -> dict[str, Any]:
        with given.database.begin() as conn:
            change(conn, place, now_micros())
            return _stands(conn, given, place)

    return _page(request, token, await asyncio.to_thread(write))


def _stands(conn: Connection, given: ApiDependencies, place: Place) -> dict[str, Any]:
    return {
        "reason": unsubscribing.reason(conn, place),
        "language": unsubscribing.language_of(conn, given.vault, place),
    }


def _page(request: Request, token: str, stands: dict[str, Any]) -> HTMLResponse:
    return link_pages.page(request, "unsubscribe", token=token, **stands)
