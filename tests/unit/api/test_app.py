"""The application as a whole: defects, headers, other origins, the document and its pages."""

import json
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest

from api import problems
from api.dependencies import Serving
from api.reference_page import METHODS, style_policy
from store.engine import Database
from store.errors import Transient
from tests.fakes.served import Served


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    return Served(sqlite_database)


async def test_a_defect_ends_one_request_and_tells_nobody_its_details(served, capsys):
    @served.app.get("/broken")
    async def broken(_: Serving) -> None:
        raise RuntimeError("the password is swordfish")

    answer = await served.ask("/broken")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["type"] == "/problems/defect"
    assert "swordfish" not in answer.text
    logged = capsys.readouterr().out
    assert "request_failed" in logged
    assert "RuntimeError" in logged
    assert served.key not in logged
    assert (await served.ask("/livez")).status_code == 200


@pytest.mark.parametrize("where", ["confirm/{token}", "told/{token}/seen", "unsubscribe/{token}"])
@pytest.mark.parametrize("fault", [RuntimeError("broken"), Transient("away")])
async def test_no_log_holds_the_token_of_a_link(served, capsys, where, fault):
    @served.app.put(f"/v1/{where}")  # as its own route, whose database may be away
    async def broken(_: Serving) -> None:
        raise fault

    answer = await served.ask("/v1/" + where.format(token="open-sesame"), method="PUT")
    assert answer.status_code >= 500
    logged = capsys.readouterr().out
    assert where.partition("/")[0] + "/…" in logged
    assert "open-sesame" not in logged


async def test_a_defect_in_mid_answer_cuts_the_answer_off(served):
    from starlette.responses import StreamingResponse

    @served.app.get("/half")
    async def half() -> StreamingResponse:
        async def parts():
            yield b"half"
            raise RuntimeError("broken off")

        return StreamingResponse(parts())

    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        with pytest.raises(RuntimeError, match="broken off"):
            await client.get("/half")


async def test_every_answer_carries_safe_headers(served):
    for path in ("/livez", "/v1/streams", "/nothing", "/docs", "/openapi.json"):
        headers = (await served.ask(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] in ("no-store", "private, no-cache")


PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}


async def test_other_origins_are_kept_out_unless_configured(served):
    answer = await served.ask("/v1/streams", headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_configured_origin_may_ask_and_sees_tags(sqlite_database):
    served = Served(sqlite_database, cors_origins=("https://app.example",))
    asked = await served.ask("/v1/streams", method="OPTIONS", headers=PREFLIGHT, key=None)
    assert asked.headers["Access-Control-Allow-Origin"] == "https://app.example"
    answer = await served.ask("/v1/streams", headers={"Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    other = await served.ask("/v1/streams", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_the_document_is_served_and_describes_problems(served):
    document = (await served.ask("/openapi.json", key=None)).json()
    assert document == json.loads(json.dumps(served.app.openapi()))
    assert document["info"]["version"] == "0.0.test"
    assert document["components"]["schemas"]["Problem"]["required"]
    for kind in problems.KINDS:
        assert kind.type in document["info"]["description"]


class Page(HTMLParser):
    """What a page loads, and its ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "src" in given or tag in ("script", "link", "img"):
            self.loads.append(tag)
        self.ids.add(given.get("id") or "")
        self.links.add(given.get("href") or "")


async def test_the_reference_page_shows_every_operation_and_loads_nothing(served):
    answer = await served.ask("/docs", key=None)
    page = Page(answer.text)
    assert page.loads == []
    assert style_policy() in answer.headers["Content-Security-Policy"]
    for path, methods in served.app.openapi()["paths"].items():
        for method in METHODS:
            if method in methods:
                assert f"{method.upper()}{path}" in page.ids
                assert f"#{method.upper()}{path}" in page.links


async def test_the_reference_page_shows_no_raw_markdown(served):
    text = (await served.ask("/docs", key=None)).text
    assert "<strong>Keys.</strong>" in text
    assert "**" not in text.partition("</nav>")[0]


async def test_every_type_of_problem_leads_to_its_page(served):
    for kind in problems.KINDS:
        answer = await served.ask(kind.type, key=None)
        assert kind.title in unescape(answer.text)
        assert Page(answer.text).loads == []
    assert (await served.ask("/problems/nothing", key=None)).status_code == 404
