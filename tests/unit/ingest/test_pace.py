"""Pacing: few at once, one looks for all, and who is far behind holds nobody up."""

import asyncio

from ingest.pace import Pace
from ingest.sources import Position
from ingest.write_queue import Write, WriteQueue

POLL = 0.02


async def settled(turns=20):
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_no_more_ask_at_once_than_may_and_half_of_the_places_are_for_the_newest():
    pace = Pace(poll_seconds=POLL, requests=4)
    inside, most, release = [], [], asyncio.Event()

    async def ask(name, *, behind):
        async with pace.turn(behind=behind):
            inside.append(name)
            most.append(len(inside))
            await release.wait()
            inside.remove(name)

    late = [asyncio.create_task(ask(f"late {n}", behind=True)) for n in range(5)]
    await settled()
    assert inside == ["late 0", "late 1"]
    live = [asyncio.create_task(ask(f"live {n}", behind=False)) for n in range(5)]
    await settled()
    assert inside == ["late 0", "late 1", "live 0", "live 1"]
    release.set()
    await asyncio.gather(*late, *live)
    assert max(most) == 4


async def test_one_looks_in_turn_and_a_new_ledger_sends_everybody():
    pace = Pace(poll_seconds=POLL, requests=4)
    pace.saw(10)
    looked, stop, enough = [], asyncio.Event(), asyncio.Event()

    async def follow(name):
        while not stop.is_set():
            await pace.until_due(name, 11, 0.0)
            looked.append(name)
            if len(looked) == 6:
                enough.set()

    tasks = [asyncio.create_task(follow(name)) for name in "abc"]
    async with asyncio.timeout(5):
        await enough.wait()
    assert looked[:6] == list("abcabc")
    stop.set()
    pace.saw(11)
    await asyncio.gather(*tasks)
    assert sorted(looked[-3:]) == list("abc")


async def test_a_source_alone_is_sent_every_poll():
    pace = Pace(poll_seconds=POLL, requests=4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(3):
        await pace.until_due("a", 1, 0.0)
    assert loop.time() - began >= 3 * POLL * 0.9


async def test_a_ledger_that_another_node_has_shown_is_asked_for_a_poll_later():
    pace = Pace(poll_seconds=POLL, requests=4)
    pace.saw(20)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pace.until_due("a", 15, 0.0)
    assert loop.time() - began >= POLL * 0.9


def write(name):
    return Write(
        lambda: Position(source=name, cursor=""), asyncio.get_running_loop().create_future()
    )


async def only(queue):
    (item,) = await queue.get()
    return item


async def test_a_live_page_waits_for_one_page_of_those_behind_at_most():
    queue = WriteQueue(10)
    for number in range(5):
        await queue.put_page(write(f"late {number}"), "late", behind=True)
    for number in range(2):
        await queue.put_page(write(f"live {number}"), "live", behind=False)
    order = [(await only(queue)).write().source for _ in range(7)]
    assert order[:4] in (
        ["late 0", "live 0", "late 1", "live 1"],
        ["live 0", "late 0", "live 1", "late 1"],
    )
    assert order[4:] == ["late 2", "late 3", "late 4"]


async def test_pages_of_a_source_keep_their_order_when_it_catches_up():
    queue = WriteQueue(10)
    await queue.put_page(write("late 0"), "late", behind=True)
    pages = [write("a 0"), write("a 1"), write("a 2")]
    await queue.put_page(pages[0], "a", behind=True)
    await queue.put_page(pages[1], "a", behind=False)
    order = [await only(queue) for _ in range(3)]
    assert [item.write().source for item in order] == ["late 0", "a 0", "a 1"]
    for item in order:
        item.done.set_result(Position(source="", cursor=""))
    await queue.put_page(write("late 1"), "late", behind=True)
    await queue.put_page(write("late 2"), "late", behind=True)
    await queue.put_page(pages[2], "a", behind=False)
    seen = [(await only(queue)).write().source for _ in range(2)]
    assert "a 2" in seen


async def test_drained_means_that_all_before_is_written():
    queue = WriteQueue(1)
    written = []

    async def record():
        while True:
            item = await only(queue)
            written.append(item.write().source)
            item.done.set_result(Position(source="", cursor=""))

    recording = asyncio.create_task(record())
    for number in range(3):
        await queue.put_page(write(f"late {number}"), "late", behind=True)
        await queue.put_page(write(f"live {number}"), "live", behind=False)
    await queue.drained()
    assert sorted(name for name in written if name) == [
        *(f"late {number}" for number in range(3)),
        *(f"live {number}" for number in range(3)),
    ]
    recording.cancel()
