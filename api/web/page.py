"""Serves the page: one document in the reader's language, and its files, under a strict policy.

In: any browser. Out: HTML with the page's words in it, scripts and styles. The page asks the API as any
other client does; it has no door of its own but those of a sandbox (sandbox.py).
"""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.dependencies import Serving
from api.etag import matches
from api.parameters import ContractIdPath, StreamIdPath
from api.problems import NOT_FOUND, Problem
from api.web.languages import LANGUAGES, RIGHT_TO_LEFT, chosen, words

router = APIRouter(include_in_schema=False)

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_MEDIA_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@router.get("/")
async def page(request: Request, given: Serving) -> HTMLResponse:
    """The document; `?lang=` chooses another language than the browser's."""
    wished = request.query_params.get("lang"), request.headers.get("accept-language", "")
    language = chosen(*wished)
    text = _template().render(
        language=language,
        languages=LANGUAGES,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        t=words(language),
        words=_for_script(words(language)),
        root=f"{given.root_path}/" if given.root_path else "",
        sandbox=given.sandbox_key is not None,
        version=given.version,
    )
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language",
    }
    return HTMLResponse(text, headers=headers)


@router.get("/streams/{contract_id}/{stream_id}")
async def stream_of_an_alert(contract_id: ContractIdPath, stream_id: StreamIdPath) -> Response:
    """Where the link of an alert leads: the page's view of the stream, under whatever path it stands."""
    return RedirectResponse(f"../../#/stream/{contract_id}/{stream_id}")


@router.get("/contracts/{contract_id}")
async def contract_of_an_alert(contract_id: ContractIdPath) -> Response:
    """The same of news about a whole contract: the own streams."""
    del contract_id  # checked, and that is all: the page has no view of a contract
    return RedirectResponse("../#/streams")


@router.get("/page/{name}")
async def page_file(request: Request, name: str) -> Response:
    """A script, the style, the icon."""
    found = _files().get(name)
    if found is None:
        raise Problem(NOT_FOUND, "the page has no such file")
    body, tag = found
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Every file of the page with its entity tag, read once."""
    found = {}
    for file in files("api.web").joinpath("static").iterdir():
        body = file.read_bytes()
        found[file.name] = body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return found


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("api.web", "templates"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html")


def _for_script(catalogue: dict[str, str]) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(catalogue, ensure_ascii=False).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 # `<` is escaped, and our own words are all there is
