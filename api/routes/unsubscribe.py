"""Mail's unsubscribe links by RFC 8058: a look changes nothing, one POST ends it, another takes it back.

The token in the address is the proof, so a mail program can post without signing in.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api import unsubscribe_page
from api.dependencies import ApiDependencies, Reads, Serving
from api.problems import INVALID_REQUEST, NOT_FOUND, Problem, documented
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
async def look(given: Serving, snapshot: Reads, token: Token) -> HTMLResponse:
    """A page that says how it stands, with a button. Opening it changes nothing: scanners do that."""
    place = _place(given, token)
    reason = await snapshot.read(lambda conn: unsubscribing.reason(conn, place))
    return unsubscribe_page.page(token, reason)


@router.post(UNSUBSCRIBE_PATH, summary="No more mail", response_class=HTMLResponse)
async def unsubscribe(given: Serving, token: Token) -> HTMLResponse:
    """One click, by a mail program (`List-Unsubscribe=One-Click`) or the page; twice is once."""
    return await _change(given, token, unsubscribing.unsubscribe)


@router.post(
    UNSUBSCRIBE_PATH + "/undo", summary="Mail again after all", response_class=HTMLResponse
)
async def subscribe_again(given: Serving, token: Token) -> HTMLResponse:
    """Take it back. What else keeps mail away, such as a bounce, stays."""
    return await _change(given, token, unsubscribing.subscribe_again, beside="../")


async def _change(
    given: ApiDependencies,
    token: str,
    change: Callable[[Connection, Place, int], None],
    *,
    beside: str = "",
) -> HTMLResponse:
    place = _place(given, token)

    def write() -> str | None:
        with given.database.begin() as conn:
            change(conn, place, now_micros())
            return unsubscribing.reason(conn, place)

    return unsubscribe_page.page(token, await asyncio.to_thread(write), beside=beside)


def _place(given: ApiDependencies, token: str) -> Place:
    place = unsubscribing.place_of(given.vault, token)
    if place is None:
        raise Problem(NOT_FOUND, "this link is not one of ours, or was cut off on its way")
    return place
