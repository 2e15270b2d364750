"""A leader that gets no answer lets another one lead; one that gets any goes on."""

import asyncio

import pytest

from ingest.errors import RpcUnavailable, SightLost
from ingest.sight import Sight
from store.lease import Lease
from tests.fakes.indexer import Indexer
from tests.fakes.scripted_rpc import ScriptedRpc

PATIENCE = 0.05


async def test_who_asks_in_vain_has_lost_sight():
    sight = Sight(PATIENCE)
    sight.asks()
    with pytest.raises(SightLost):
        async with asyncio.timeout(5):
            await sight.watch()


async def test_any_answer_and_not_asking_at_all_is_seeing():
    sight = Sight(PATIENCE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4 * PATIENCE):
            await sight.watch()
    sight.asks()
    sight.sees()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4 * PATIENCE):
            await sight.watch()


async def test_a_blind_leader_releases_its_lease_and_leads_again_when_nobody_else_does(
    sqlite_database,
):
    rpc = ScriptedRpc([RpcUnavailable("down", retry_after=0.01)] * 40)
    indexer = Indexer(sqlite_database, rpc, yield_seconds=0.1)
    other = Lease(sqlite_database, name="index", holder="b", seconds=60)
    running = asyncio.create_task(indexer.run())

    async def taken():
        while other.acquire() is None:  # noqa: ASYNC110 # a row of the database tells it
            await asyncio.sleep(0.01)

    async with asyncio.timeout(10):
        await taken()
    other.release()
    await running
