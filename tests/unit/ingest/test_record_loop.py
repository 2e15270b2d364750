"""The record loop goes on whoever waits for it, or no longer does."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from ingest.record_loop import RecordLoop
from ingest.write_queue import WriteQueue, hand_over


async def test_who_waits_no_more_does_not_end_the_loop():
    """As when contracts are added while a source records its gap: its task is ended (roster.py)."""
    queue = WriteQueue(2)
    waiting = asyncio.create_task(hand_over(queue, lambda: "gap"))
    await asyncio.sleep(0)
    waiting.cancel()
    with ThreadPoolExecutor(1) as recording:
        running = asyncio.create_task(RecordLoop(None, None, recording, lambda: None).run(queue))
        behind = asyncio.create_task(hand_over(queue, lambda: "page"))
        await asyncio.wait({running, behind}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        assert behind.done()
        assert behind.result() == "page"
        running.cancel()
