"""Pages behind the links of letters, in the language of whom the letter was for.

Looking at one changes nothing, since mail scanners open every link; its buttons post. They stand under any
path of a proxy, and are kept nowhere: not by caches, not by search engines.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import PackageLoader
from jinja2.sandbox import SandboxedEnvironment
from starlette.responses import HTMLResponse

from api.problems import NOT_FOUND, Problem
from api.web.languages import chosen
from notifier.languages import catalogue, is_right_to_left, language_for
from notifier.templating import speaking

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
SCRIPTED: Final = POLICY + "; script-src 'self'; connect-src 'self'"
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}
NOT_OURS: Final = (
    "this link is not one of ours, was cut off on its way, was used before, or its time is over"
)


class NotOurs(Problem):
    """A link that names nothing: a page for people, a problem document for programs."""

    def __init__(self) -> None:
        super().__init__(NOT_FOUND, NOT_OURS)


def page(  # a template is given what it needs
    request: Request,
    template: str,
    *,
    language: str | None,
    status: int = 200,
    scripted: bool = False,
    **given: Any,
) -> HTMLResponse:
    """A page. `language`: as its reader asked us for it, None: as their browser says."""
    spoken = language_of(request, language)
    text = (
        _environment(spoken)
        .get_template(f"{template}.html")
        .render(
            language=spoken,
            rtl=is_right_to_left(spoken),
            root=_root(request),
            **given,
        )
    )
    policy = {"Content-Security-Policy": SCRIPTED} if scripted else {}
    return HTMLResponse(text, status, headers={**HEADERS, **policy})


def language_of(request: Request, language: str | None) -> str:
    """The language of a page: one of those that have words."""
    if language is not None:
        return language_for(language)
    return chosen(None, request.headers.get("accept-language", ""))


def unknown(request: Request) -> HTMLResponse:
    """The page for a link that is not good. Raises NotOurs where the asker reads no pages."""
    if "text/html" not in request.headers.get("accept", ""):
        raise NotOurs
    return page(request, "unknown", language=None, status=NOT_FOUND.status)


def _root(request: Request) -> str:
    """From this page to where everything begins; relative, so that any path of a proxy is kept."""
    path: str = request.scope["path"]
    root: str = request.scope.get("root_path", "")
    return "../" * (path.removeprefix(root).count("/") - 1)


@cache
def _environment(language: str) -> SandboxedEnvironment:
    locales = Path(str(files("api") / "locales"))
    return speaking(PackageLoader("api", "templates/links"), catalogue(locales, language))
