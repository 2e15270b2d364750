"""What is asked of RPC endpoints for strangers: bounded, whatever endpoints answer."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wallets import chain_questions
from wallets.chain_questions import ChainQuestions
from wallets.errors import ChainUnreadable

LEDGER = b'{"jsonrpc": "2.0", "id": 1, "result": {"sequence": 77}}'
HOSTILE = {
    "html": b"<html>",
    "a list": b"[]",
    "no result": b'{"error": {"code": -32601}}',
    "a result that is no object": b'{"result": 7}',
    "nested": b'{"result": ' + b"[" * 100_000,
    "endless": b'{"result": "' + b"x" * chain_questions._MOST_BYTES,
    "not utf-8": b'{"result": "\xff"}',
}


@asynccontextmanager
async def endpoint(*answers: bytes):
    """An RPC endpoint that gives these answers, the last one for ever; and how often it was asked."""
    asked: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.read())
        return web.Response(body=answers[min(len(asked), len(answers)) - 1])

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), asked


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_an_endpoint_makes_unusable_is_asked_of_the_next_one(name, socket_enabled):
    async with endpoint(HOSTILE[name]) as (bad, _), endpoint(LEDGER) as (good, asked):
        assert await ChainQuestions([bad, good], most_a_minute=9).latest_ledger() == 77
        assert len(asked) == 1
        with pytest.raises(ChainUnreadable):
            await ChainQuestions([bad], most_a_minute=9).ask("getLatestLedger", {})


@pytest.mark.parametrize("sequence", [b"0", b"-1", b"4294967296", b"1e999", b'"7"', b"null"])
async def test_a_ledger_that_is_none_is_not_believed(sequence, socket_enabled):
    async with endpoint(LEDGER.replace(b"77", sequence)) as (url, _):
        with pytest.raises(ChainUnreadable):
            await ChainQuestions([url], most_a_minute=9).latest_ledger()


async def test_the_newest_ledger_is_asked_for_once_in_a_while(socket_enabled):
    now = [100.0]
    async with endpoint(LEDGER, LEDGER.replace(b"77", b"78")) as (url, asked):
        chain = ChainQuestions([url], most_a_minute=9, clock=lambda: now[0])
        assert [await chain.latest_ledger() for _ in range(50)] == [77] * 50
        assert len(asked) == 1
        now[0] += chain_questions._LEDGER_HOLDS_SECONDS
        assert await chain.latest_ledger() == 78


async def test_beyond_so_many_a_minute_nobody_is_asked(socket_enabled):
    now = [100.0]
    async with endpoint(LEDGER) as (url, asked):
        chain = ChainQuestions([url], most_a_minute=3, clock=lambda: now[0])
        for _ in range(3):
            await chain.ask("simulateTransaction", {})
        with pytest.raises(ChainUnreadable, match="try again in a minute"):
            await chain.ask("simulateTransaction", {})
        assert len(asked) == 3
        now[0] += 60
        await chain.ask("simulateTransaction", {})
        assert len(asked) == 4


async def test_without_an_endpoint_it_is_said(socket_enabled):
    with pytest.raises(ChainUnreadable, match="none is named"):
        await ChainQuestions([], most_a_minute=9).latest_ledger()
