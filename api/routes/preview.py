"""How each kind of notice reads, in every language side by side: a page of the development environment."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from api import preview_page
from api.dependencies import ApiDependencies, Serving
from api.problems import NOT_FOUND, Problem
from notifier.content import EMPLOYEE
from notifier.languages import LANGUAGES
from notifier.news import KINDS, STREAM_PAUSED
from notifier.preview import ROLES

PREVIEW_PATH = "/preview"

router = APIRouter(prefix=PREVIEW_PATH, include_in_schema=False)

# A mail runs nothing and fetches nothing; our own page alone may frame it.
_MAIL_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'"
)
Role = Annotated[str, Query(description="as what the reader is told")]


@router.get("")
async def page(given: Serving, kind: str = STREAM_PAUSED, role: Role = EMPLOYEE) -> HTMLResponse:
    """One kind on every channel, language beside language."""
    _must_exist(given, kind, role)
    text = preview_page.rendered(given.renderer, kind, role)
    return HTMLResponse(text, headers={"Content-Security-Policy": _PAGE_POLICY})


@router.get("/{language}/{kind}")
async def mail(given: Serving, language: str, kind: str, role: Role = EMPLOYEE) -> HTMLResponse:
    """The mail itself, as a mailbox shows it."""
    _must_exist(given, kind, role)
    if language not in LANGUAGES:
        raise Problem(NOT_FOUND, f"no language {language}: there are {', '.join(LANGUAGES)}")
    html = preview_page.mail(given.renderer, language, kind, role)
    return HTMLResponse(html, headers=_MAIL_HEADERS)


def _must_exist(given: ApiDependencies, kind: str, role: str) -> None:
    if not given.preview:
        raise Problem(NOT_FOUND, "previews are shown in the development environment only")
    if kind not in KINDS or role not in ROLES:
        raise Problem(NOT_FOUND, f"kinds are {', '.join(KINDS)}; roles are {', '.join(ROLES)}")
