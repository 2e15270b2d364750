"""The page behind a letter's link: what stopped, how it stands now, and whether the message helped.

The token in the address names the letter; it is forged by nobody and ends after three months. Opening the
page marks nothing as read, since mail scanners open every link: a person's key, touch or press does.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api import link_pages
from api.dependencies import ApiDependencies, Reads, Serving
from api.problems import INVALID_REQUEST, NOT_FOUND, documented
from api.told_items import Shown, shown
from notifier import seen_by_link, told_links
from notifier.seen_by_link import Told
from notifier.told_links import TOLD_PATH
from store.clock import now_micros

router = APIRouter(
    tags=["me"],
    responses=documented(NOT_FOUND, INVALID_REQUEST),
    default_response_class=HTMLResponse,
)

Token = Annotated[str, Path(max_length=100, description="as it stands in the letter")]
Change = Callable[[Connection, UUID, int], Told | None]


class Answer(Enum):
    """Whether a message was of use."""

    YES = "yes"
    NO = "no"


@router.get(TOLD_PATH, summary="Look at a letter's link", response_class=HTMLResponse)
async def look(request: Request, given: Serving, snapshot: Reads, token: Token) -> HTMLResponse:
    """What the letter told and how it stands now. Opening it marks nothing as read: scanners do that."""
    which = told_links.delivery_of(given.vault, token, now_micros())
    if which is None:
        return link_pages.unknown(request)
    found = await snapshot.read(
        lambda conn: _with_items(conn, given, seen_by_link.told_by(conn, which))
    )
    return _page(request, token, found)


@router.post(TOLD_PATH + "/seen", summary="A person saw it", response_class=HTMLResponse)
async def see(request: Request, given: Serving, token: Token) -> HTMLResponse:
    """Marks as read what the letter told, which ends the steps that wait for it; twice is once."""
    return await _changed(request, given, token, seen_by_link.see)


@router.post(TOLD_PATH + "/helpful/{answer}", summary="Was it helpful", response_class=HTMLResponse)
async def helped(
    request: Request,
    given: Serving,
    token: Token,
    answer: Annotated[Answer, Path(description="the last one counts")],
) -> HTMLResponse:
    """Takes an answer, once per notice; it may be changed. Whoever answers has seen it."""
    change = partial(seen_by_link.answer, helpful=answer is Answer.YES)
    return await _changed(request, given, token, change)


async def _changed(
    request: Request, given: ApiDependencies, token: str, change: Change
) -> HTMLResponse:
    now = now_micros()
    which = told_links.delivery_of(given.vault, token, now)
    if which is None:
        return link_pages.unknown(request)

    def write() -> tuple[Told, list[Shown]] | None:
        with given.database.begin() as conn:
            told = change(conn, which, now)
        with given.database.read() as conn:
            return _with_items(conn, given, told)

    found = await asyncio.to_thread(write)
    if found is not None:
        request.app.state.feed.inbox_changed(found[0].account_lookup)
    return _page(request, token, found)


def _with_items(
    conn: Connection, given: ApiDependencies, told: Told | None
) -> tuple[Told, list[Shown]] | None:
    if told is None:
        return None
    return told, shown(conn, told.notices[: seen_by_link.MOST_SHOWN], given.renderer)


def _page(request: Request, token: str, found: tuple[Told, list[Shown]] | None) -> HTMLResponse:
    if found is None:
        return link_pages.unknown(request)
    told, items = found
    words: dict[str, Any] = {"seen": told.seen, "helpful": told.helpful, "items": items}
    language = told.notices[0].language
    return link_pages.page(request, "told", language=language, token=token, scripted=True, **words)
