"""Whatever is asked of any address: no defect, and every refusal is a problem document."""

import asyncio
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.pages import Keyset
from store.clock import now_micros
from store.schema import ledger_close
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER
from tests.fakes.served import Served

UNLISTED = ("/docs", "/openapi.json", "/problems/{slug}", "/{anything}")
EXTREME = (-(2**63) - 1, -1, 0, 1, 7, 200, 201, 2**31, 2**32, 2**63, 2**64 - 1, 2**64)
KNOWN = (
    CONTRACT,
    EMPLOYER,
    EMPLOYEE,
    "desc",
    "paused",
    "index",
    "true",
    "email",
    "2026-03-02T09:15:00Z",
    "9999-12-31T23:59:59-14:00",
    "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11",
)
LISTS = ("streams", "timeline", "pauses:asc", "pauses:desc", "inbox", "deliveries")
PARTS = st.one_of(
    st.sampled_from(KNOWN),
    st.integers(),
    st.text(max_size=5),
    st.none(),
    st.floats(),
    st.lists(st.none(), max_size=2),
)
CURSORS = st.builds(
    lambda name, key: Keyset(name, tuple[Any, ...]).cursor(key),
    st.sampled_from(LISTS),
    st.lists(PARTS, max_size=3),
)
VALUES = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(EXTREME).map(str),
    CURSORS,
    st.integers().map(str),
    st.text(max_size=70),
).map(str.encode) | st.binary(max_size=30)


def addresses(document: dict[str, Any]) -> st.SearchStrategy[str]:
    """Addresses of every GET route, filled with anything, asked for anything."""
    routes = [
        (path, [each["name"] for each in methods["get"].get("parameters", [])])
        for path, methods in document["paths"].items()
        if "get" in methods
    ]
    assert len(routes) > 10
    return st.one_of(*(_address(path, names) for path, names in routes)) | st.sampled_from(
        UNLISTED
    ).flatmap(lambda path: _address(path, []))


def _address(path: str, names: list[str]) -> st.SearchStrategy[str]:
    in_path = [name for name in names if f"{{{name}}}" in path] or [
        part[1:-1] for part in path.split("/") if part.startswith("{")
    ]
    in_query = st.sampled_from([name for name in names if name not in in_path] + ["unheard-of"])
    query = st.lists(st.tuples(in_query, VALUES), max_size=4)
    return st.tuples(st.fixed_dictionaries(dict.fromkeys(in_path, VALUES)), query).map(
        lambda given: _filled(path, *given)
    )


def _filled(path: str, in_path: dict[str, bytes], query: list[tuple[str, bytes]]) -> str:
    for name, value in in_path.items():
        path = path.replace(f"{{{name}}}", quote_from_bytes(value, safe=""))
    ends = "&follow=false" if path == "/v1/feed" else ""  # it would go on for ever
    asked = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in query)
    return f"{path}?{asked}{ends}"


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    served.scanned(1, 500)
    with database.begin() as conn:  # by the real clock, so that following is ready
        now = now_micros() // 1_000_000
        conn.execute(
            ledger_close.update().where(ledger_close.c.ledger == 500).values(closed_at=now)
        )
    served.tell(chain.created(100), chain.paused(110), chain.resumed(120), chain.paused(130))
    return served


def test_any_request_is_answered_or_refused_with_a_problem(served):
    @settings(
        max_examples=30,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # one address is short: nothing to shrink
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(addresses(served.app.openapi()), min_size=10, max_size=20))
    def ask(asked: list[str]) -> None:
        asyncio.run(ask_all(served, asked))

    ask()


async def ask_all(served: Served, asked: list[str]) -> None:
    async with served.client() as client:
        for address in asked:
            answer = await client.get(address, headers={"Authorization": f"Bearer {served.key}"})
            assert answer.status_code < 500, address
            if answer.status_code >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json", address
                assert answer.json()["status"] == answer.status_code, address
                assert served.key not in answer.text
