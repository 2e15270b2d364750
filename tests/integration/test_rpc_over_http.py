"""The transport over real HTTP: statuses, Retry-After, timeouts, cuts, sizes, and no secrets told."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ingest.errors import RpcUnavailable
from ingest.transport import TRANSPORT_ERRORS, HttpTransport


@pytest.fixture
async def server():
    """A server that does what the path says."""
    application = web.Application()
    application.router.add_post("/{what}", answer)
    async with TestServer(application) as running:
        yield running


async def answer(request):
    what = request.match_info["what"]
    if what == "slow":
        await asyncio.sleep(5)
    if what == "cut":
        response = web.StreamResponse(headers={"Content-Length": "4096"})
        await response.prepare(request)
        await response.write(b'{"jsonrpc"')
        request.transport.abort()
        return response
    if what == "moved":
        return web.Response(status=301, headers={"Location": "/echo"})
    if what == "large":
        return web.Response(body=b" " * 100_000)
    if what == "echo":
        return web.Response(body=await request.read())
    return web.Response(status=429, headers={"Retry-After": request.query["after"]})


@pytest.fixture
async def post(server):
    async with aiohttp.ClientSession() as session:

        async def send(path, **options):
            options = {"timeout_seconds": 5.0} | options
            transport = HttpTransport(session, str(server.make_url(path)), **options)
            return await transport.post(b'{"a":1}')

        yield send


async def test_the_body_and_its_type_arrive(post):
    assert await post("/echo") == (200, None, b'{"a":1}')


async def test_a_redirect_is_not_followed(post):
    assert (await post("/moved")).status == 301


async def test_retry_after_is_read_as_seconds_or_as_a_date(post):
    assert (await post("/limited?after=7")).retry_after == 7.0
    assert (await post("/limited?after=0.5")).retry_after == 0.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (await post(f"/limited?after={soon}")).retry_after <= 60
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    assert (await post(f"/limited?after={past}")).retry_after == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "-1",
        "1e9",
        "Wed, 21 Oct 2015 07:28:00 -0000",
        "Wed, 21 Oct 2015 07:28:00 -99999999999999999999",
    ],
)
async def test_an_odd_retry_after_is_as_good_as_none(post, text):
    assert (await post(f"/limited?after={text}")).retry_after is None


async def test_a_slow_answer_is_given_up(post):
    with pytest.raises(RpcUnavailable, match="TimeoutError"):
        await post("/slow", timeout_seconds=0.1)


async def test_a_cut_answer_is_no_answer(post):
    with pytest.raises(RpcUnavailable, match="ClientPayloadError"):
        await post("/cut")


async def test_an_answer_without_end_is_given_up(post):
    with pytest.raises(RpcUnavailable, match="exceeds 50000 bytes"):
        await post("/large", max_bytes=50_000)


async def test_an_endpoint_that_is_not_there_is_unavailable(server):
    url = str(server.make_url("/"))
    await server.close()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(RpcUnavailable, match="ClientConnectorError"):
            await HttpTransport(session, url, timeout_seconds=5).post(b"{}")


async def test_no_secret_of_the_url_is_told():
    url = "https://user:password@rpc.example.test:8443/v1/key-123?token=abc"
    async with aiohttp.ClientSession() as session:
        assert HttpTransport(session, url, timeout_seconds=1).name == "rpc.example.test:8443"


def test_every_error_of_the_http_client_is_mapped():
    raised = [
        found
        for name in aiohttp.client_exceptions.__all__
        if not name.startswith("WS")  # web sockets are not spoken here
        and isinstance(found := getattr(aiohttp.client_exceptions, name), type)
        and issubclass(found, BaseException)
    ]
    assert len(raised) > 20
    assert [found for found in raised if not issubclass(found, TRANSPORT_ERRORS)] == []
