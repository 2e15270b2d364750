"""Who may do what: every route that the application has, asked by every kind of caller there is.

A row of WHO is a route and who gets an answer there; a new route fails until it has one. Everybody else is
refused, and nothing changes by their asking: 401 whom nobody knows, 403 who lacks the scope or calls from
elsewhere, 404 who holds the scope and asks for what is beyond reach.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import select

from api import keys
from api.keys import AUDIT_READ, OPERATOR, STREAMS_READ, WEBHOOKS_WRITE
from api.keys import EMPLOYEE as OWN
from api.roles import ROLES
from store.engine import Database
from store.schema import metadata
from tests.fakes.asked import bodies, places
from tests.fakes.everybody import CALLERS, INSIDE, KNOWN, OUTSIDE, Everybody, holding

ANYBODY = frozenset(CALLERS)
NOBODY: frozenset[str] = frozenset()
PUBLIC, SIGNATURE, NETWORK = "nothing", "a signature", "a network"
READERS = holding(STREAMS_READ)
SEES = READERS - {"limited elsewhere", "stranger signed in"}
OWNERS = holding(OWN)
MINE = {f"only {OWN}", "employee signed in"}
HOOKS = holding(WEBHOOKS_WRITE)
KEEPS = HOOKS - {"limited elsewhere", "hooks of another"}
OPERATORS = holding(OPERATOR, outside=False)
AUDITORS = holding(AUDIT_READ)
NEAR = frozenset(name for name, who in CALLERS.items() if who.address == INSIDE)

# What a route needs: the route: who gets an answer.
WHO: dict[str, dict[str, frozenset[str] | set[str]]] = {
    STREAMS_READ: {
        "GET /v1/streams": READERS,
        "GET /v1/streams/{contract_id}/{stream_id}": SEES,
        "GET /v1/streams/{contract_id}/{stream_id}/pauses": SEES,
        "GET /v1/streams/{contract_id}/{stream_id}/timeline": SEES,
        "GET /v1/streams/{contract_id}/{stream_id}/notices": SEES,
        "GET /v1/streams/{contract_id}/{stream_id}/badge.svg": SEES,
        "GET /v1/contracts/{contract_id}": SEES,
        "GET /v1/contracts/{contract_id}/pauses": SEES,
        "GET /v1/feed": READERS,
        "GET /v1/export/pauses.csv": READERS,
        "GET /v1/export/pauses.ndjson": READERS,
        "GET /v1/export/pauses.parquet": READERS,
    },
    OWN: {
        "POST /v1/auth/logout": OWNERS,
        "GET /v1/me": OWNERS,
        "PUT /v1/me": OWNERS,
        "GET /v1/me/access": OWNERS,
        "GET /v1/me/changes": OWNERS,
        "GET /v1/me/notifications": OWNERS,
        "GET /v1/me/preferences": OWNERS,
        "PUT /v1/me/preferences": OWNERS,
        "GET /v1/me/inbox": OWNERS,
        "POST /v1/me/inbox/read": OWNERS,
        "GET /v1/me/contacts": OWNERS,
        "POST /v1/me/contacts": OWNERS,
        "POST /v1/me/contacts/{contact_id}/verify": MINE,
        "POST /v1/me/contacts/{contact_id}/prove": MINE,
        "DELETE /v1/me/contacts/{contact_id}": MINE,
    },
    WEBHOOKS_WRITE: {
        "GET /v1/webhooks": HOOKS,
        "POST /v1/webhooks": KEEPS,
        "GET /v1/webhooks/{webhook_id}": KEEPS,
        "DELETE /v1/webhooks/{webhook_id}": KEEPS,
        "POST /v1/webhooks/{webhook_id}/rotate": KEEPS,
        "POST /v1/webhooks/{webhook_id}/test": KEEPS,
        "POST /v1/webhooks/{webhook_id}/disable": KEEPS,
        "POST /v1/webhooks/{webhook_id}/enable": KEEPS,
        "GET /v1/webhooks/{webhook_id}/deliveries": KEEPS,
        "GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}": KEEPS,
        "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redrive": KEEPS,
    },
    OPERATOR: {
        "GET /v1/deliveries": OPERATORS,
        "GET /v1/deliveries/{delivery_id}": OPERATORS,
        "POST /v1/deliveries/{delivery_id}/redrive": OPERATORS,
        "GET /v1/latency": OPERATORS,
        "GET /v1/operations": OPERATORS,
    },
    AUDIT_READ: {
        "GET /v1/audit/log": AUDITORS,
        "GET /v1/audit/reads": AUDITORS,
    },
    SIGNATURE: {"POST /v1/providers/{provider}/callbacks": {"provider"}},
    NETWORK: {"GET /metrics": NEAR},
    PUBLIC: {
        "POST /v1/auth/challenge": ANYBODY,
        "POST /v1/auth/token": ANYBODY,
        "GET /v1/confirm/{token}": ANYBODY,
        "POST /v1/confirm/{token}": ANYBODY,
        "GET /v1/told/{token}": ANYBODY,
        "POST /v1/told/{token}/seen": ANYBODY,
        "POST /v1/told/{token}/helpful/{answer}": ANYBODY,
        "GET /v1/unsubscribe/{token}": ANYBODY,
        "POST /v1/unsubscribe/{token}": ANYBODY,
        "POST /v1/unsubscribe/{token}/undo": ANYBODY,
        "GET /v1/status": ANYBODY,
        "POST /v1/page-reports": ANYBODY,
        "GET /livez": ANYBODY,
        "GET /readyz": ANYBODY,
        "GET /health": ANYBODY,
        "GET /version": ANYBODY,
        "GET /": ANYBODY,
        "GET /page/{name}": ANYBODY,
        "GET /streams/{contract_id}/{stream_id}": ANYBODY,
        "GET /contracts/{contract_id}": ANYBODY,
        "GET /docs": ANYBODY,
        "GET /openapi.json": ANYBODY,
        "GET /problems/{slug}": ANYBODY,
        # Of a development start only: elsewhere they are not there.
        "POST /page/sandbox-key": NOBODY,
        "GET /page/sandbox-wallet": NOBODY,
        "POST /page/sandbox-wallet": NOBODY,
        "GET /preview": NOBODY,
        "GET /preview/{language}/{kind}": NOBODY,
    },
}
ROUTES = {route: needs for needs, rows in WHO.items() for route in rows}
# Refused by what is asked for, not by where it lies: the body names another account or contract.
BY_BODY = {"POST /v1/webhooks"}


def refusal(route: str, name: str) -> int:
    """The status for who gets no answer."""
    needs, who = ROUTES[route], CALLERS[name]
    if needs == PUBLIC:
        return 404
    if needs == NETWORK or (needs == SIGNATURE and who.address == OUTSIDE):
        return 403
    if who.scopes is None or needs == SIGNATURE:
        return 401
    if needs not in who.scopes or needs == OPERATOR or route in BY_BODY:
        return 403
    return 404


@pytest.fixture(scope="module")
def everybody(database_of_module: Database) -> Everybody:
    return Everybody(database_of_module)


def everything_in(database: Database) -> dict[str, list[str]]:
    with database.read() as conn:
        return {
            table.name: sorted(repr(tuple(row)) for row in conn.execute(select(table)))
            for table in metadata.sorted_tables
        }


@asynccontextmanager
async def clients(everybody: Everybody) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    served = everybody.served
    async with served.client(INSIDE) as inside, served.client(OUTSIDE) as outside:
        yield {INSIDE: inside, OUTSIDE: outside}
    await served.given.webhooks.close()


def request_of(everybody: Everybody, route: str, name: str) -> dict[str, Any]:
    """What a caller sends: whom it asks for exists, and belongs to the employee."""
    method, _, template = route.partition(" ")
    sent = bodies(everybody, route, signed=CALLERS[name].signs)
    bearer = everybody.bearer(name)
    headers = sent.pop("headers", {}) | (
        {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    )
    return {"method": method, "url": places(everybody, route, template), "headers": headers, **sent}


def test_every_route_of_the_application_is_classified(everybody):
    routes = iter_route_contexts(everybody.served.app.routes)
    there = {f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"}}
    assert there == set(ROUTES)


def test_every_role_and_scope_is_among_the_callers():
    assert {f"role {role}" for role in ROLES} | {f"only {scope}" for scope in keys.SCOPES} <= KNOWN


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_answers_whom_it_is_for(everybody, route):
    allowed = WHO[ROUTES[route]][route]
    async with clients(everybody) as client:
        for name in sorted(allowed):
            answer = await client[CALLERS[name].address].request(
                **request_of(everybody, route, name)
            )
            assert answer.status_code < 400, (name, answer.status_code, answer.text)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_refuses_everybody_else_and_nothing_changes(everybody, route):
    refused = sorted(ANYBODY - WHO[ROUTES[route]][route])
    asked = {name: request_of(everybody, route, name) for name in refused}
    before = everything_in(everybody.served.database)
    async with clients(everybody) as client:
        for name, request in asked.items():
            answer = await client[CALLERS[name].address].request(**request)
            assert answer.status_code == refusal(route, name), (name, answer.text)
            assert answer.headers["Content-Type"] == "application/problem+json", name
            if answer.status_code == 401:
                assert answer.headers["WWW-Authenticate"], name
    assert everything_in(everybody.served.database) == before


async def test_no_address_knows_another_method(everybody):
    paths = {route.partition(" ")[2] for route in ROUTES}
    bearer = {"Authorization": f"Bearer {everybody.served.key}"}
    async with clients(everybody) as client:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            for path in paths - {
                route.partition(" ")[2] for route in ROUTES if route.startswith(f"{method} ")
            }:
                answer = await client[INSIDE].request(
                    method, path.replace("{", "").replace("}", ""), headers=bearer
                )
                assert answer.status_code in (404, 405), (method, path)
