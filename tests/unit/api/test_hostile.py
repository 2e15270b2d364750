"""What strangers may send: never a defect, always a problem that names the field."""

import base64

import msgspec
import pytest

from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.served import Served

STREAM = f"/v1/streams/{CONTRACT}/7"
LISTS = (
    "/v1/streams",
    f"{STREAM}/pauses",
    f"{STREAM}/timeline",
    f"/v1/contracts/{CONTRACT}/pauses",
    "/v1/me/inbox",
    "/v1/deliveries",
)


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    served = Served(sqlite_database)
    served.tell(chain.created(1), chain.paused(2), chain.contract_pause(3))
    return served


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"/v1/streams/{CONTRACT}/-1", "path.stream_id"),
        (f"/v1/streams/{CONTRACT}/18446744073709551616", "path.stream_id"),
        (f"/v1/streams/{CONTRACT}/{'9' * 5000}", "path.stream_id"),
        (f"/v1/streams/{CONTRACT}/7.0", "path.stream_id"),
        (f"/v1/streams/{CONTRACT}/%EF%BC%97", "path.stream_id"),  # a full-width seven
        (f"/v1/streams/{CONTRACT}/%00", "path.stream_id"),
        (f"/v1/streams/{CONTRACT[:-1]}A/7", "path.contract_id"),
        ("/v1/streams/%F0%9F%92%B8/7", "path.contract_id"),
        ("/v1/contracts/%00", "path.contract_id"),
        (f"/v1/contracts/{'C' * 9000}", "path.contract_id"),
        ("/v1/streams?limit=0", "query.limit"),
        ("/v1/streams?limit=201", "query.limit"),
        ("/v1/streams?limit=99999999999999999999999", "query.limit"),
        ("/v1/streams?limit=ten", "query.limit"),
        ("/v1/streams?status=frozen", "query.status"),
        ("/v1/streams?employer=GX", "query.employer"),
        ("/v1/streams?employer=", "query.employer"),
        ("/v1/streams?employee=%00", "query.employee"),
        ("/v1/streams?contract_id=%F0%9F%92%B8", "query.contract_id"),
        ("/v1/streams?q=%25", "query.q"),
        ("/v1/streams?q=%C3%A9", "query.q"),
        (f"/v1/streams?q={'1' * 57}", "query.q"),
        (f"{STREAM}?as_of_ledger=0", "query.as_of_ledger"),
        (f"{STREAM}?as_of_ledger=4294967296", "query.as_of_ledger"),
        (f"{STREAM}?as_of=yesterday", "query.as_of"),
        (f"{STREAM}?as_of=2026-01-01", "query.as_of"),
        (f"{STREAM}?as_of=2026-01-01T00:00:00", "query.as_of"),
        (f"{STREAM}?as_of=9999-12-31T23:59:59-14:00", "query.as_of"),
        (f"{STREAM}?as_of={'1' * 99}", "query.as_of"),
        (f"{STREAM}?as_of=2026-01-01T00:00:00Z&as_of_ledger=5", "query"),
        (f"{STREAM}/pauses?order=sideways", "query.order"),
        ("/v1/deliveries?state=lost", "query.state"),
        ("/v1/deliveries?notice_id=7", "query.notice_id"),
        ("/v1/deliveries?channel=%00", "query.channel"),
        ("/v1/deliveries/7", "path.delivery_id"),
        ("/v1/latency?hours=100000", "query.hours"),
        ("/readyz?role=king", "query.role"),
        ("/v1/me/inbox?unread=perhaps", "query.unread"),
        ("/v1/export/pauses.csv?employer=%3DG", "query.employer"),
        ("/v1/export/pauses.parquet?status=frozen", "query.status"),
        ("/v1/feed?last_event_id=-1", "query.last_event_id"),
        ("/v1/feed?last_event_id=1e3", "query.last_event_id"),
        (f"/v1/feed?last_event_id={'9' * 5000}", "query.last_event_id"),
        ("/v1/feed?stream_id=x", "query.stream_id"),
        ("/v1/feed?contract_id=%00", "query.contract_id"),
        ("/v1/feed?employee=G", "query.employee"),
        ("/v1/feed?follow=perhaps", "query.follow"),
    ],
)
async def test_a_wrong_field_is_named(served, path, field):
    answer = await served.ask(path)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "/problems/invalid-request"
    assert problem["instance"]
    assert field in [error["field"] for error in problem["errors"]]
    assert all(error["problem"] for error in problem["errors"])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%00",
        "%F0%9F%92%B8",
        "A" * 3000,
        base64.urlsafe_b64encode(b'[1,"streams",["\\u0000",1]]').decode(),
        base64.urlsafe_b64encode(b'[1,"pauses:desc",[1e400,""]]').decode(),
        base64.urlsafe_b64encode(msgspec.json.encode([1, "inbox", [2**70, "x"]])).decode(),
        base64.urlsafe_b64encode(msgspec.json.encode([1, "nothing", []])).decode(),
    ],
)
async def test_a_bad_cursor_is_a_problem_that_names_it(served, path, cursor):
    answer = await served.ask(f"{path}?cursor={cursor}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "/problems/invalid-cursor"
    assert "`cursor`" in answer.json()["detail"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("place", [-(2**63), 0, 2**63 - 1])
async def test_a_cursor_at_the_end_of_the_numbers_still_answers(served, path, place):
    names = ("pauses:desc", "timeline", "inbox", "deliveries", "streams")
    keys = (
        [place, "x"],
        [place],
        [place, "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11"],
        ["C", 2**64 - 1],
    )
    for name in names:
        for key in keys:
            raw = msgspec.json.encode([1, name, key])
            cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            answer = await served.ask(f"{path}?cursor={cursor}")
            assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"notice_ids": []}',
        b'{"notice_ids": ["x"]}',
        b'{"notice_ids": "x", "all": true}',
        b'{"all": false}',
        b'{"all": true, "extra": 1}',
        b'{"notice_ids": ["7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10"], "all": true}',
        b"[" * 60_000,
        msgspec.json.encode({"notice_ids": ["7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10"] * 201}),
    ],
)
async def test_a_body_that_is_not_what_the_route_takes_is_told_so(served, body):
    answer = await served.ask(
        "/v1/me/inbox/read",
        method="POST",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("told", [True, False])
async def test_a_huge_body_is_refused(served, told):
    async def chunks():
        for _ in range(70):
            yield b"x" * 1024

    content = b"x" * 70_000 if told else chunks()
    answer = await served.ask(
        "/v1/me/inbox/read",
        method="POST",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413, answer.text
    assert answer.json()["type"] == "/problems/body-too-large"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000])
async def test_a_length_that_is_no_length_is_refused(served, length):
    answer = await served.ask("/livez", headers={"Content-Length": length})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/streams/", 404),
        ("GET", "/v1/%2e%2e/%2e%2e/etc/passwd", 404),
        ("POST", "/v1/streams", 405),
        ("DELETE", "/livez", 405),
        ("BREW", "/livez", 405),
    ],
)
async def test_addresses_and_methods_that_do_not_exist(served, method, path, status):
    answer = await served.ask(path, method=method)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    if status == 405:
        assert answer.headers["Allow"]
