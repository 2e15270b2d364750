"""Who may ask what: every route of the document, with every kind of key."""

import re
from typing import Any

import httpx
import pytest

from api import keys
from api.reference_page import METHODS
from store.engine import Database
from tests.fakes.chain import EMPLOYEE
from tests.fakes.served import Served

VALUES = {
    "contract_id": "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC",
    "stream_id": "7",
    "delivery_id": "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11",
    "provider": "twilio",
    "contact_id": "5a0c1f6e-9a1b-4f0e-8f44-0d2a5b1f6a10",
    "webhook_id": "5a0c1f6e-9a1b-4f0e-8f44-0d2a5b1f6a11",
    "token": "none",
    "answer": "yes",
}
SIGNED = "/v1/providers/twilio/callbacks"
SIGN_IN = {"/v1/auth/challenge", "/v1/auth/token"}
BY_TOKEN = {
    *("/v1/unsubscribe/none", "/v1/unsubscribe/none/undo", "/v1/confirm/none"),
    *("/v1/told/none", "/v1/told/none/seen", "/v1/told/none/helpful/yes"),
}
PUBLIC = {
    SIGNED,
    *SIGN_IN,
    *BY_TOKEN,
    "/v1/page-reports",
    "/livez",
    "/readyz",
    "/health",
    "/v1/status",
    "/version",
    "/metrics",
}
ENDS = {"/v1/feed": "?follow=false"}  # or it would not end
BODIES = {
    "/v1/auth/logout": {},
    "/v1/me/inbox/read": {"all": True},
    "/v1/me": {"language": "en"},
    "/v1/webhooks": {"url": "https://hooks.example.org/pausewire", "account": EMPLOYEE},
    "/v1/me/contacts": {"channel": "sms", "destination": "+15550100123"},
    f"/v1/me/contacts/{VALUES['contact_id']}/verify": {"code": "000000"},
}


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    return Served(sqlite_database)


def example_of(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    """The document's own example of the body, None where it takes none."""
    if "requestBody" not in operation:
        return None
    ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return document["components"]["schemas"][ref.rpartition("/")[2]]["examples"][0]


def operations(served: Served) -> list[tuple[str, str, list[str], Any]]:
    """(method, path with values, scopes, body) of every operation."""
    found = []
    document = served.app.openapi()
    for template, methods in document["paths"].items():
        path = re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], template) + ENDS.get(template, "")
        for method in METHODS:
            if method in methods:
                security = methods[method].get("security", [{"apiKey": []}])
                body = BODIES.get(path) or example_of(document, methods[method])
                found.append((method.upper(), path, security[0]["apiKey"], body))
    return found


def test_every_route_needs_one_scope_but_the_public_ones(served):
    for method, path, scopes, _ in operations(served):
        assert (len(scopes) == 0) == (path in PUBLIC), (method, path)
        assert set(scopes) <= set(keys.SCOPES)


async def test_every_keyed_route_refuses_everybody_but_the_right_key(served):
    revoked = served.make_key(*keys.SCOPES)
    with served.database.begin() as conn:
        keys.revoke_key(conn, revoked.split("_")[1])
    others = {scope: served.make_key(*(set(keys.SCOPES) - {scope})) for scope in keys.SCOPES}
    async with served.client() as client:

        async def ask(
            method: str, path: str, body: Any, authorization: str | None
        ) -> httpx.Response:
            headers = {} if authorization is None else {"Authorization": authorization}
            return await client.request(method, path, headers=headers, json=body)

        for method, path, scopes, body in operations(served):
            if not scopes:
                continue
            for bad in (
                None,
                "",
                "Bearer",
                "Bearer x",
                "Basic eDp5",
                f"Basic {served.key}",
                f"Bearer pw_{'0' * 12}_{'A' * 43}",
                f"Bearer {revoked}",
                f"Bearer {served.key}x",
            ):
                answer = await ask(method, path, body, bad)
                assert answer.status_code == 401, (path, bad)
                assert answer.json()["type"] == "/problems/unauthenticated"
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            answer = await ask(method, path, body, f"Bearer {others[scopes[0]]}")
            assert answer.status_code == 403
            assert answer.json()["type"] == "/problems/scope-missing"
            assert answer.json()["scope"] == scopes[0]
            only = served.make_key(scopes[0])
            answer = await ask(method, path, body, f"Bearer {only}")
            assert answer.status_code in (200, 201, 204, 404, 422), (path, answer.text)


async def test_a_missing_key_is_told_before_a_wrong_parameter(served):
    answer = await served.ask("/v1/streams/nonsense/x?limit=-1", key=None)
    assert answer.status_code == 401


async def test_the_use_of_a_key_is_noted_once(served):
    for _ in range(2):
        assert (await served.ask("/v1/streams")).status_code == 200
    with served.database.read() as conn:
        [first] = [row.last_used_at for row in keys.list_keys(conn)]
    assert first is not None
    await served.ask("/v1/me/inbox")
    with served.database.read() as conn:
        assert [row.last_used_at for row in keys.list_keys(conn)] == [first]


async def test_a_use_that_cannot_be_noted_spoils_no_answer(served, monkeypatch):
    from contextlib import contextmanager

    from store.errors import DatabaseLocked

    @contextmanager
    def locked():
        raise DatabaseLocked("busy")
        yield

    monkeypatch.setattr(served.database, "begin", locked)
    assert (await served.ask("/v1/streams")).status_code == 200


async def test_public_addresses_need_no_key(served):
    served.scanned(1, 2)
    for path in sorted(PUBLIC - {SIGNED, "/v1/page-reports"} - SIGN_IN - BY_TOKEN):
        assert (await served.ask(path, key=None)).status_code == 200, path
