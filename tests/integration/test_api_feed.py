"""The feed over real connections: gap-free whatever is cut, and nobody waits for somebody slow."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from api import feed as feed_module
from api import keys
from api.app import create_app
from projections.follow import projections_follower
from store import log
from store.engine import Database
from store.schema import log_head
from tests.fakes import chain
from tests.fakes.listening import PATIENCE, FeedClient, listening
from tests.fakes.served import Served

QUICK = {"feed_heartbeat_seconds": 0.2, "feed_poll_seconds": 0.05}


@pytest.fixture
def served(database) -> Served:
    return Served(database, **QUICK)


@pytest.fixture
def url(served) -> Iterator[str]:
    with listening(served.app) as address:
        yield address


def followed(served: Served, *facts) -> None:
    """Record facts and let the read models follow; nobody plans."""
    served.world.record(*facts)
    while projections_follower(served.database).step():
        pass


def of_the_chain(database: Database) -> list[int]:
    """Positions of the log's events that are of streams or contracts."""
    with database.read() as conn:
        recorded = log.read_after(conn, 0, 100_000)
    return [each.position for each in recorded if not type(each.event).__name__.startswith("N")]


async def taken(events, count: int) -> list:
    return [await anext(events) for _ in range(count)]


async def test_a_feed_cut_a_hundred_times_has_every_event_once_and_in_order(served, url):
    followed(served, chain.created(1))
    client = FeedClient(url, served.key, last_id="0")
    ledgers = 150
    luck = random.Random(7)

    def write() -> None:
        for ledger in range(2, ledgers):
            served.tell(chain.paused(ledger, 0), chain.resumed(ledger, 1))

    writer = threading.Thread(target=write)
    writer.start()
    got: list[int] = []
    cuts = 0
    expected = 2 * (ledgers - 2) + 1
    async with asyncio.timeout(PATIENCE * 2):
        while len(got) < expected or cuts < 100:
            async with client.connected() as events:
                cuts += 1
                most = luck.randint(0, 5) if cuts < 100 else expected
                if most == 0 or len(got) == expected:
                    continue
                async for event in events:
                    got.append(int(event.id))
                    most -= 1
                    if most == 0 or len(got) == expected:
                        break
    writer.join()
    assert cuts >= 100
    assert got == of_the_chain(served.database)


async def test_what_the_read_models_do_not_show_is_not_told_yet(served, url):
    followed(served, chain.created(1))
    client = FeedClient(url, served.key)
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        served.world.record(chain.paused(2))
        seen = client.comments
        waiting = asyncio.ensure_future(anext(events))
        await client.until(lambda it: it.comments >= seen + 2)  # two heartbeats later
        assert not waiting.done()
        followed(served)
        event = await waiting
    assert event.data["kind"] == "paused"
    assert (event.id, event.data["late"]) == (str(event.data["position"]), False)


async def test_two_processes_tell_the_same_and_a_reader_may_change_between_them(served, url):
    other_database = Database.open(served.database.url)
    try:
        given = replace(served.given, database=other_database, registry=CollectorRegistry())
        other_app = create_app(given)
        with listening(other_app) as other_url:
            client = FeedClient(url, served.key)
            got = []
            for ledger in range(1, 21):
                client.url = (url, other_url)[ledger % 2]
                async with asyncio.timeout(PATIENCE), client.connected() as events:
                    followed(served, chain.paused(ledger), chain.resumed(ledger, 1))
                    got += await taken(events, 2)
    finally:
        other_database.close()
    assert [int(event.id) for event in got] == of_the_chain(served.database)


@pytest.mark.parametrize(
    ("last_id", "reason"),
    [("100012", "ahead"), ("10", "too_old"), (str(2**64), "ahead"), ("11", None)],
)
async def test_an_id_that_cannot_be_gone_on_from_says_so(served, url, last_id, reason):
    followed(served, *(chain.paused(ledger) for ledger in range(1, 11)))
    with served.database.begin() as conn:
        conn.execute(update(log_head).values(position=100_011))
    client = FeedClient(url, served.key, last_id=last_id)
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        if reason is None:
            waiting = asyncio.ensure_future(anext(events))
            await client.until(lambda it: it.comments > 0)  # and no resync before
            assert not waiting.done()
            waiting.cancel()
            return
        event = await anext(events)
        assert event == ("10", "resync", {"position": 10, "reason": reason})
        with served.database.begin() as conn:
            conn.execute(update(log_head).values(position=10))
        followed(served, chain.resumed(11))
        assert (await anext(events)).data["kind"] == "resumed"


async def test_a_key_that_is_revoked_ends_its_connections_only(served, url):
    key = served.make_key(keys.STREAMS_READ)
    one, two = FeedClient(url, key), FeedClient(url, served.key)
    async with asyncio.timeout(PATIENCE), one.connected() as ended, two.connected() as goes_on:
        with served.database.begin() as conn:
            keys.revoke_key(conn, key.split("_")[1])
        assert [event async for event in ended] == []
        followed(served, chain.created(1))
        assert (await anext(goes_on)).data["kind"] == "created"


async def test_who_takes_nothing_is_dropped_and_nobody_else_waits(database):
    served = Served(database, **QUICK)
    with listening(served.app, send_buffer=4096) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((host, int(port)))
        request = f"GET /v1/feed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key}\r\n\r\n"
        stuck.sendall(request.encode())
        assert stuck.recv(12) == b"HTTP/1.1 200"
        registry = served.given.registry

        def told(name: str, **labels: str) -> float:
            return registry.get_sample_value(f"pausewire_feed_{name}", labels) or 0

        client = FeedClient(url, served.key)
        async with asyncio.timeout(PATIENCE), client.connected() as events:
            assert told("connections") == 2
            ledger = 0
            got = 0
            while not told("dropped_total", reason="slow"):
                ledger += 1
                followed(served, *(chain.paused(ledger, index) for index in range(100)))
                got += len(await taken(events, 100))
            assert told("connections") == 1
        assert got == 100 * ledger
        stuck.close()


async def test_a_process_that_stops_ends_its_feeds_properly(served):
    client = FeedClient("", served.key)
    with listening(served.app) as client.url:
        async with asyncio.timeout(PATIENCE), client.connected() as events:
            await served.app.state.feed.close()
            assert [event async for event in events] == []  # ended, not cut: httpx would raise
            answer = await asked(client.url, served.key)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def asked(url: str, key: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.get(f"{url}/v1/feed", headers={"Authorization": f"Bearer {key}"})


async def test_more_connections_than_allowed_are_told_to_come_back(database):
    served = Served(database, feed_connections=1)
    with listening(served.app) as url:
        client = FeedClient(url, served.key)
        async with asyncio.timeout(PATIENCE), client.connected():
            answer = await asked(url, served.key)
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/feed-full"
            assert answer.headers["Retry-After"] == "5"


async def test_a_heartbeat_tells_how_far_the_filters_have_been_passed(served, url):
    followed(served, chain.created(1))
    client = FeedClient(url, served.key, stream_id="8")
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        assert client.last_id == "1"
        followed(served, chain.paused(2), chain.resumed(3))
        waiting = asyncio.ensure_future(anext(events))
        await client.until(lambda it: it.last_id == "3")
        assert not waiting.done()
        waiting.cancel()


async def test_a_hundred_readers_are_read_for_once(served, url, monkeypatch):
    followed(served, chain.created(1))
    pages = 0
    read_batch = feed_module.read_batch

    def counted(*args, **values):
        nonlocal pages
        pages += 1
        return read_batch(*args, **values)

    monkeypatch.setattr(feed_module, "read_batch", counted)
    clients = [FeedClient(url, served.key, stream_id=str(7 + n % 2)) for n in range(100)]

    async def one(client: FeedClient, ready: asyncio.Barrier) -> str:
        async with client.connected() as events:
            await ready.wait()
            return (await anext(events)).data["stream_id"]

    ready = asyncio.Barrier(101)
    async with asyncio.timeout(PATIENCE):
        reading = [asyncio.create_task(one(client, ready)) for client in clients]
        await ready.wait()
        followed(served, chain.paused(2, 0), chain.paused(2, 1, stream_id=8))
        assert await asyncio.gather(*reading) == [str(7 + n % 2) for n in range(100)]
    assert pages == 0
