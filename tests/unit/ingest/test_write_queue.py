"""Which pages share a transaction, and who waits."""

import asyncio

import pytest

from ingest.slices import MOST_PAGES, Fetched
from ingest.sources import Position, Source
from ingest.write_queue import Write, WriteQueue
from tests.fakes import chain
from tests.fakes.pages import contract_event, page

SLICE_EVENTS = 10


def write(name, events=0, contracts=None):
    told = page([contract_event(chain.created(2 + n)) for n in range(events)])
    source = Source(name=name, contract_ids=contracts or (name,))
    fetched = Fetched(page=told, source=source, position=Position(source=name, cursor=""))
    done = asyncio.get_running_loop().create_future()
    return Write(lambda: Position(source=name, cursor=""), done, fetched)


def names(group):
    return [item.write().source for item in group]


async def filled(*items):
    queue = WriteQueue(100, SLICE_EVENTS)
    for item in items:
        await queue.put(item, behind=False)
    return queue


async def groups(queue, many):
    return [names(await queue.get()) for _ in range(many)]


async def test_what_waits_is_taken_together_up_to_a_slice_of_events():
    queue = await filled(write("a", 4), write("b", 6), write("c"), write("d", 1), write("e"))
    assert await groups(queue, 2) == [["a", "b", "c"], ["d", "e"]]


async def test_nobody_waits_for_company():
    queue = await filled(write("a"))
    assert await groups(queue, 1) == [["a"]]


async def test_no_contract_is_twice_in_a_group_and_the_order_stays():
    queue = await filled(write("a"), write("b"), write("a"), write("c"), write("d", 0, ("c", "e")))
    assert await groups(queue, 3) == [["a", "b"], ["a", "c"], ["d"]]


async def test_a_page_larger_than_a_slice_stands_alone():
    queue = await filled(write("large", SLICE_EVENTS + 1), write("a"))
    assert await groups(queue, 2) == [["large"], ["a"]]


async def test_what_is_no_page_stands_alone_in_its_place():
    other = Write(
        lambda: Position(source="other", cursor=""), asyncio.get_running_loop().create_future()
    )
    queue = await filled(write("a"), other, write("b"))
    assert await groups(queue, 3) == [["a"], ["other"], ["b"]]


async def test_a_group_has_an_end():
    queue = await filled(*(write(str(n)) for n in range(MOST_PAGES + 1)))
    assert [len(each) for each in await groups(queue, 2)] == [MOST_PAGES, 1]


async def test_small_pages_of_both_lanes_share_a_transaction():
    queue = WriteQueue(2, SLICE_EVENTS)
    await queue.put(write("late"), behind=True)
    await queue.put(write("live"), behind=False)
    assert sorted((await groups(queue, 1))[0]) == ["late", "live"]


@pytest.mark.parametrize(("events", "room"), [(SLICE_EVENTS, 2), (5, 2), (2, 5), (0, MOST_PAGES)])
async def test_a_lane_has_room_for_more_pages_when_they_are_small(events, room):
    queue = WriteQueue(2, SLICE_EVENTS)

    async def put():
        put.count = 0
        while True:
            await queue.put(write(str(put.count), events), behind=False)
            put.count += 1

    putting = asyncio.create_task(put())
    for _ in range(200):
        await asyncio.sleep(0)
    assert put.count == room
    taken = await queue.get()
    for _ in range(200):
        await asyncio.sleep(0)
    assert put.count == room + len(taken)
    putting.cancel()
