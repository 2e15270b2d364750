"""Limits as a caller, a stranger and a web page meet them."""

import asyncio
import re
from ipaddress import ip_network

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from api import keys
from api.rate_limits import RateLimits
from api.time_limits import TimeLimits
from tests.fakes import chain
from tests.fakes.served import Served

LOOPBACK = (ip_network("127.0.0.0/8"),)
HEADER = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


def limited(database, **changes) -> Served:
    served = Served(database, **changes)
    served.scanned(1, 10)
    served.tell(chain.created(1))
    return served


async def test_a_key_is_told_what_is_left_and_stopped_at_its_limit(sqlite_database):
    served = limited(sqlite_database, rate_limits=RateLimits(of_caller=3))
    other = served.make_key("streams:read")
    async with served.client() as client:
        headers = {"Authorization": f"Bearer {served.key}"}
        left = []
        for _ in range(3):
            answer = await client.get("/v1/streams", headers=headers)
            assert answer.headers["RateLimit-Policy"] == '"caller";q=3;w=60'
            left.append(HEADER.fullmatch(answer.headers["RateLimit"])[2])
        assert left == ["2", "1", "0"]
        answer = await client.get("/v1/streams", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/rate-limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        fine = await client.get("/v1/streams", headers={"Authorization": f"Bearer {other}"})
        assert fine.status_code == 200


async def test_nobody_uses_up_anothers_share_by_naming_its_key(sqlite_database):
    served = limited(sqlite_database, rate_limits=RateLimits(of_caller=2))
    guessed = served.key[:-1] + ("A" if served.key[-1] != "A" else "B")
    for _ in range(5):
        assert (await served.ask("/v1/streams", key=guessed)).status_code == 401
    assert (await served.ask("/v1/streams")).status_code == 200


async def test_a_key_may_have_a_limit_of_its_own(sqlite_database):
    served = limited(sqlite_database, rate_limits=RateLimits(of_caller=1))
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="busy", scopes=["streams:read"], requests_per_minute=5)
    assert [(await served.ask("/v1/streams", key=made.key)).status_code for _ in range(6)] == [
        *[200] * 5,
        429,
    ]


async def test_an_address_is_stopped_before_its_key_is_looked_at(sqlite_database):
    served = limited(sqlite_database, rate_limits=RateLimits(of_address=2))
    codes = [(await served.ask("/v1/streams", key="pw_x")).status_code for _ in range(4)]
    assert codes == [401, 401, 429, 429]
    assert (await served.ask("/livez", key=None)).status_code == 200
    assert (await served.ask("/metrics", key=None)).status_code == 200
    served.client_address = "192.0.2.9"
    assert (await served.ask("/v1/status", key=None)).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("203.0.113.7", None, 403),
        ("203.0.113.7", "127.0.0.1", 403),
        ("10.0.0.1", "203.0.113.7", 403),
        ("10.0.0.1", "127.0.0.1, 203.0.113.7", 403),
        ("10.0.0.1", "127.0.0.1", 200),
        ("10.0.0.1", None, 403),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/v1/deliveries", "/v1/providers/twilio/callbacks"])
async def test_networks_hold_whatever_headers_say(sqlite_database, path, peer, forwarded, status):
    served = Served(
        sqlite_database,
        metrics_networks=LOOPBACK,
        operator_networks=LOOPBACK,
        callback_networks=LOOPBACK,
        trusted_proxies=(ip_network("10.0.0.0/8"),),
    )
    served.client_address = peer
    headers = {"X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    posted = path.endswith("callbacks")
    answer = await served.ask(path, method="POST" if posted else "GET", headers=headers)
    wanted = {200: 404, 403: 403}[status] if posted else status  # no such provider is switched on
    assert answer.status_code == wanted, answer.text


async def test_only_listed_origins_may_use_the_api_from_a_browser(sqlite_database):
    served = Served(sqlite_database, cors_origins=("https://app.example",))
    asking = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization",
    }
    allowed = await served.ask("/v1/me/contacts/x", key=None, method="OPTIONS", headers=asking)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "DELETE" in allowed.headers["Access-Control-Allow-Methods"]
    for app, origin in (
        (served, "https://evil.example"),
        (Served(sqlite_database), asking["Origin"]),
    ):
        answer = await app.ask(
            "/v1/me/contacts/x", key=None, method="OPTIONS", headers=asking | {"Origin": origin}
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_https_is_asked_for_again_once_it_was_used(sqlite_database):
    served = Served(sqlite_database, trusted_proxies=LOOPBACK)
    plain = await served.ask("/livez", key=None)
    assert "Strict-Transport-Security" not in plain.headers
    safe = await served.ask("/livez", key=None, headers={"X-Forwarded-Proto": "https"})
    assert safe.headers["Strict-Transport-Security"]
    served.client_address = "203.0.113.7"
    lied = await served.ask("/livez", key=None, headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in lied.headers


async def read_all(scope, receive, send):
    await Request(scope, receive).body()
    await PlainTextResponse("read")(scope, receive, send)


async def never(scope, receive, send):
    await asyncio.Event().wait()


async def begins(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b"late"})


@pytest.mark.parametrize(
    ("app", "body", "status"),
    [(read_all, None, 408), (read_all, b"{}", 200), (never, b"", 503), (begins, b"", 200)],
    ids=["drips", "arrives", "never begins", "begins and goes on"],
)
async def test_what_takes_too_long_gives_its_place_back(app, body, status):
    timed = TimeLimits(app, body=0.1, begin=0.1)

    async def drip() -> dict:
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await asyncio.Event().wait()
        return {}

    told: list[dict] = []

    async def send(message: dict) -> None:
        told.append(message)

    headers = [(b"content-length", b"5")] if app is read_all else []
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": headers}
    async with asyncio.timeout(30):
        await timed(scope, drip, send)
    assert told[0]["status"] == status
