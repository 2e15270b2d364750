"""Tasks end, also one that swallows a cancellation."""

import asyncio

import pytest

from ingest.ending import TASK_WOULD_NOT_END, end


async def swallows(times):
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def fails():
    raise ValueError("why")


async def started(*coroutines):
    tasks = [asyncio.create_task(each) for each in coroutines]
    await asyncio.sleep(0)
    return tasks


async def test_all_end_and_the_errors_that_some_had_ended_with_are_given():
    tasks = await started(fails(), asyncio.Event().wait())
    (error,) = await end(tasks)
    assert str(error) == "why"
    assert [task.done() for task in tasks] == [True, True]


async def test_one_that_swallows_it_is_cancelled_again_and_named(capsys):
    tasks = await started(swallows(2))
    async with asyncio.timeout(30):
        assert await end(tasks, again_seconds=0.01) == []
    assert tasks[0].cancelled()
    said = capsys.readouterr().out
    assert TASK_WOULD_NOT_END in said
    assert "swallows" in said
    assert "test_ending.py" in said


@pytest.mark.parametrize("count", [0, 3])
async def test_none_and_several(count):
    assert await end(await started(*(swallows(0) for _ in range(count)))) == []
