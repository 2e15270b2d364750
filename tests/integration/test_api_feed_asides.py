"""What the feed says beside the log: the operators' word and the own inbox, as states."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import update

from api import feed_asides, keys
from api.announcement import announce, silence
from notifier.schema import notice
from tests.fakes import chain
from tests.fakes.chain import EMPLOYER, OTHER
from tests.fakes.listening import PATIENCE, FeedClient, listening
from tests.fakes.served import Served

SINCE = 1_772_442_900_000_000


@pytest.fixture
def served(database) -> Served:
    return Served(database, feed_heartbeat_seconds=0.2, feed_poll_seconds=0.05)


@pytest.fixture
def url(served) -> Iterator[str]:
    with listening(served.app) as address:
        yield address


def say(served: Served, text: str | None) -> None:
    with served.database.begin() as conn:
        if text is None:
            silence(conn)
        else:
            announce(conn, text, SINCE)


async def read_all(url: str, key: str) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(
            f"{url}/v1/me/inbox/read",
            headers={"Authorization": f"Bearer {key}"},
            json={"all": True},
        )
    assert answer.status_code == 200, answer.text


async def test_the_operators_word_reaches_who_listens_and_who_comes_later(served, url):
    early, late = FeedClient(url, served.key), FeedClient(url, served.key)
    async with asyncio.timeout(PATIENCE), early.connected() as first:
        say(served, "Maintenance tonight")
        event = await anext(first)
        assert event[1:] == (
            "banner",
            {"text": "Maintenance tonight", "since": "2026-03-02T09:15:00Z"},
        )
        async with late.connected() as second:
            assert (await anext(second)).data["text"] == "Maintenance tonight"
            say(served, None)
            for events in (first, second):
                assert (await anext(events)).data == {"text": None, "since": None}


async def test_a_state_is_told_once_and_moves_nobodys_place(served, url):
    say(served, "Maintenance tonight")
    served.tell(chain.created(1))
    client = FeedClient(url, served.key)
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        assert (await anext(events)).event == "banner"
        place = client.last_id
        seen = client.comments
        waiting = asyncio.ensure_future(anext(events))
        await client.until(lambda it: it.comments >= seen + 3)
        assert not waiting.done()
        assert client.last_id == place
        served.tell(chain.paused(2))
        event = await waiting
    assert (event.event, event.data["kind"]) == ("message", "paused")
    assert int(event.id) == event.data["position"]


async def test_an_inbox_is_told_when_a_notice_comes_and_when_it_is_read(served, url):
    client = FeedClient(url, served.key, inbox="true", stream_id="99")
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        assert (await anext(events)).data == {"unread": 0, "newest": None}
        served.tell(chain.created(1), chain.paused(2))
        event = await anext(events)
        assert (event.event, event.data["unread"]) == ("inbox", 1)
        newest = (await served.ask("/v1/me/inbox")).json()["items"][0]["notice_id"]
        assert event.data["newest"] == newest
        await read_all(url, served.key)
        assert (await anext(events)).data == {"unread": 0, "newest": newest}


async def test_what_another_process_marked_as_read_is_told_too(served, url, monkeypatch):
    monkeypatch.setattr(feed_asides, "COUNT_SECONDS", 0.2)
    served.tell(chain.created(1), chain.paused(2))
    client = FeedClient(url, served.key, inbox="true")
    async with asyncio.timeout(PATIENCE), client.connected() as events:
        assert (await anext(events)).data["unread"] == 1
        with served.database.begin() as conn:
            conn.execute(update(notice).values(read_at=SINCE))
        assert (await anext(events)).data["unread"] == 0


async def test_everybody_is_told_of_the_own_inbox_only(served, url):
    served.tell(chain.created(1), chain.paused(2), chain.resumed(3))
    for account, unread in ((EMPLOYER, 2), (OTHER, 0)):
        key = served.make_key(*keys.SCOPES, account=account)
        client = FeedClient(url, key, inbox="true")
        async with asyncio.timeout(PATIENCE), client.connected() as events:
            assert (await anext(events)).data["unread"] == unread
    unasked = FeedClient(url, served.key)
    async with asyncio.timeout(PATIENCE), unasked.connected() as events:
        served.tell(chain.paused(4))
        assert (await anext(events)).event == "message"


async def test_an_inbox_needs_the_right_to_read_it(served):
    reader = served.make_key(keys.STREAMS_READ)
    answer = await served.ask("/v1/feed?inbox=true&follow=false", key=reader)
    assert (answer.status_code, answer.json()["scope"]) == (403, keys.EMPLOYEE)
