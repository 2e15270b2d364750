"""The feed's parts: what is kept of the log's end, and what a reader does with its connection."""

import asyncio

import pytest

from api.feed import Feed, FeedMetrics, start
from api.feed_messages import Batch, Message, Wanted
from api.feed_reader import Reader
from api.feed_tail import Recent
from store.engine import Database
from store.errors import ConnectionLost
from tests.fakes import chain
from tests.fakes.served import Served

PATIENCE = 10


def batch(after: int, *positions: int, up_to: int | None = None) -> Batch:
    messages = tuple(
        Message(position, "C", position % 2, (), (), f"{position};".encode())
        for position in positions
    )
    end = max(positions, default=after) if up_to is None else up_to
    return Batch(after, end, messages, b"".join(each.wire for each in messages))


def test_what_is_kept_ends_at_a_floor_and_nothing_above_it_is_missing():
    recent = Recent(10, most=3)
    recent.add(batch(10, 11, 12))
    recent.add(batch(12, up_to=20))
    recent.add(batch(20, 21))
    assert (recent.floor, recent.position) == (10, 21)
    recent.add(batch(21, 22, 23))
    assert (recent.floor, recent.position) == (12, 23)
    assert [each.after for each in recent.beyond(12)] == [20, 21]
    assert [each.after for each in recent.beyond(22)] == [21]
    assert list(recent.beyond(23)) == []


def test_one_batch_is_kept_however_large_it_is():
    recent = Recent(0, most=1)
    recent.add(batch(0, 1, 2, 3))
    assert (recent.floor, recent.position) == (0, 3)


@pytest.mark.parametrize(
    ("wanted", "position", "wire"),
    [
        (Wanted(), 0, b"1;2;3;"),
        (Wanted(), 1, b"2;3;"),
        (Wanted(stream_id=1), 0, b"1;3;"),
        (Wanted(stream_id=1, contract_id="D"), 0, b""),
        (Wanted(employee="G"), 0, b""),
    ],
)
def test_a_reader_gets_what_is_beyond_it_and_wanted(wanted, position, wire):
    assert batch(0, 1, 2, 3).beyond(position, wanted).wire == wire


class Sent:
    """A connection that takes `room` chunks, and stands still then."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.chunks: list[bytes] = []
        self.changed = asyncio.Event()
        self.stands_still = asyncio.Event()

    async def __call__(self, message: dict) -> None:
        if len(self.chunks) == self.room:
            self.stands_still.set()
            await asyncio.Event().wait()
        self.chunks.append(message["body"])
        self.changed.set()

    async def until(self, part: bytes) -> None:
        while part not in b"".join(self.chunks):
            self.changed.clear()
            await self.changed.wait()


async def no_past(after: int, up_to: int) -> Batch:
    raise AssertionError(f"nothing is asked of the log: {after} to {up_to}")


@pytest.mark.parametrize("why", ["slow", "revoked", "closing"])
async def test_a_send_that_stands_still_is_broken_off(why):
    recent = Recent(0)
    reader = Reader("k", Wanted(), 0, b"opening")
    sent = Sent(room=1)
    running = asyncio.create_task(reader.follow(sent, recent, no_past))
    async with asyncio.timeout(PATIENCE):
        await sent.until(b"opening")
        recent.add(batch(0, 1))
        reader.wake()
        await sent.stands_still.wait()
        reader.end(why)
        reader.end("gone")
        await running
    assert (reader.ended, sent.chunks) == (why, [b"opening"])


async def test_a_reader_takes_the_past_from_the_log_then_waits_for_what_comes():
    recent = Recent(0, most=2)
    for position in range(1, 6):
        recent.add(batch(position - 1, position))
    asked = []

    async def past(after: int, up_to: int) -> Batch:
        asked.append((after, up_to))
        return batch(after, after + 1)

    reader = Reader("k", Wanted(), 1, b"opening")
    sent = Sent(room=99)
    running = asyncio.create_task(reader.follow(sent, recent, past))
    async with asyncio.timeout(PATIENCE):
        await sent.until(b"5;")
        assert asked == [(1, 5), (2, 5)]
        recent.add(batch(5, 6))
        reader.wake()
        await sent.until(b"6;")
        reader.beat()
        await sent.until(b": alive\n\n")
        reader.end("gone")
        await running
    assert sent.chunks == [b"opening", b"2;", b"3;", b"4;", b"5;", b"6;", b": alive\n\n"]


def feed_of(database: Database, served: Served) -> Feed:
    return Feed(
        database,
        FeedMetrics(served.given.registry.__class__()),
        heartbeat_seconds=0.1,
        poll_seconds=0.05,
        most_connections=5,
    )


async def test_a_log_that_cannot_be_read_ends_connections_and_the_next_one_starts_anew(
    sqlite_database, monkeypatch
):
    from api import feed_tail

    served = Served(sqlite_database)
    served.tell(chain.created(1))
    feed = feed_of(sqlite_database, served)
    read_batch = feed_tail.read_batch
    failing: list[Exception] = [ConnectionLost("away"), TypeError("a defect")]

    def failing_first(*args, **values):
        if failing:
            raise failing.pop(0)
        return read_batch(*args, **values)

    monkeypatch.setattr(feed_tail, "read_batch", failing_first)

    async def connection(sent: Sent) -> None:
        with sqlite_database.read() as conn:
            begin = start(conn, None)
        answer = feed.answer(served.key.split("_")[1], Wanted(), begin, follow=True)
        await answer({"type": "http"}, asyncio.Event().wait, sent_body(sent))

    try:
        async with asyncio.timeout(PATIENCE):
            await connection(Sent(room=99))  # survives what passes, ends with the defect
            assert failing == []
            sent = Sent(room=99)
            running = asyncio.create_task(connection(sent))
            await sent.until(b"id: 1")
            served.tell(chain.paused(2))
            await sent.until(b'"paused"')
            await feed.close()
            await running
    finally:
        await feed.close()


def sent_body(sent: Sent):
    async def send(message: dict) -> None:
        if message["type"] == "http.response.body":
            await sent(message)

    return send


async def test_the_header_counts_where_both_ids_are_sent(sqlite_database):
    served = Served(sqlite_database)
    served.tell(chain.created(1), chain.paused(2))

    async def got(header: str | None, query: str | None) -> int:
        headers = {} if header is None else {"Last-Event-ID": header}
        params = {"follow": "false"} | ({} if query is None else {"last_event_id": query})
        answer = await served.ask("/v1/feed", headers=headers, params=params)
        assert answer.status_code == 200, answer.text
        return answer.text.count("data: ")

    assert await got("1", "0") == 1
    assert await got(None, "0") == 2
    assert await got("", "1") == 1
    assert await got("", "") == 0
    assert await got(None, None) == 0


async def test_what_is_recorded_but_not_followed_is_not_sent_either_way(sqlite_database):
    served = Served(sqlite_database)
    served.tell(chain.created(1), chain.paused(2))
    served.world.record(chain.resumed(3))
    path = "/v1/feed?follow=false&last_event_id="
    for last_id, sent in ((0, 2), (1, 1), (2, 0), (3, 0)):
        assert (await served.ask(f"{path}{last_id}")).text.count("data: ") == sent


async def test_a_wrong_id_in_the_header_is_named(sqlite_database):
    served = Served(sqlite_database)
    answer = await served.ask("/v1/feed", headers={"Last-Event-ID": "yesterday"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"].startswith("header.")
    assert error["problem"] == "give the id of a message of this feed, or none"
