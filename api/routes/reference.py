"""The API explained by itself: the page `/docs`, and one page per kind of problem."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from api import reference_page
from api.problems import KINDS, NOT_FOUND, Problem

router = APIRouter(include_in_schema=False)

_BY_SLUG = {kind.slug: kind for kind in KINDS}


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The reference for people; `/openapi.json` is the same for programs."""
    return _page(reference_page.rendered(request.app.openapi()))


@router.get("/problems/{slug}")
async def problem(slug: str) -> HTMLResponse:
    """What the `type` of a problem document leads to."""
    kind = _BY_SLUG.get(slug)
    if kind is None:
        raise Problem(NOT_FOUND, "there is no such kind of problem")
    return _page(reference_page.rendered_problem(kind))


def _page(text: str) -> HTMLResponse:
    style = reference_page.style_policy()
    policy = f"default-src 'none'; style-src {style}; frame-ancestors 'none'"
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})
