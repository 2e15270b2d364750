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


async def test_none_outlives_one_who_is_cancelled_while_it_ends_them():
    """As a leadership that is told to end again, because it has not ended yet."""
    tasks = await started(swallows(2))
    ending = asyncio.create_task(end(tasks, again_seconds=30))
    await asyncio.sleep(0)
    for _ in range(3):
        ending.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert tasks[0].cancelled()
