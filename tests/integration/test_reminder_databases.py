"""Reminders on both databases: stories by seed, and several processes at once."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from notifier.reminder_schema import lasting_pause
from notifier.schema import delivery, notice
from notifier.still_paused import is_reminder
from store.engine import Database
from tests.fakes.chain import created, paused, resumed
from tests.fakes.reminding import DAY, Desk
from tests.fakes.reminding_story import DEEDS, EVENTS, STREAMS, WAITS, Story


@pytest.mark.parametrize("seed", range(3))
def test_no_story_reminds_twice_or_of_what_is_over(database: Database, seed: int) -> None:
    drawn = random.Random(seed)
    story = Story(database)
    for _ in range(60):
        what = drawn.choice((*EVENTS[:3], "wait", *DEEDS, "remind", "plan"))
        value = {"wait": drawn.choice(WAITS)}.get(what, drawn.choice(STREAMS))
        story.happen(what, value)
    story.settle()
    story.check()


def test_several_processes_remind_of_each_pause_once(database: Database) -> None:
    desk = Desk(database)
    streams = range(1, 41)
    desk.tell(*(created(1, n, stream_id=n) for n in streams))
    desk.tell(*(paused(2, n, stream_id=n) for n in streams))
    desk.clock.pass_seconds(DAY)
    together = Barrier(4)

    def process() -> None:
        mine = desk.process()
        together.wait()
        while mine.step():
            pass

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(process) for _ in range(4)]:
            done.result()
    rows = [row for row in desk.world.rows(select(notice)) if is_reminder(row)]
    counted = Counter((row.recipient_id, row.stream_id, row.kind) for row in rows)
    assert (len(rows), set(counted.values())) == (2 * len(streams), {1})


def test_a_pause_that_ends_while_people_are_reminded_leaves_nothing_to_send(
    database: Database,
) -> None:
    desk = Desk(database)
    streams = range(1, 21)
    desk.tell(*(created(1, n, stream_id=n) for n in streams))
    desk.tell(*(paused(2, n, stream_id=n) for n in streams))
    desk.clock.pass_seconds(DAY)
    together = Barrier(2)

    def end() -> None:
        together.wait()
        desk.world.record(*(resumed(3, n, stream_id=n) for n in streams))
        desk.world.plan()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(end)
        together.wait()
        desk.reminders.step()
        ended.result()
    theirs = select(notice, delivery.c.state, delivery.c.channel).join_from(
        notice, delivery, delivery.c.notice_id == notice.c.notice_id
    )
    rows = [row for row in desk.world.rows(theirs) if is_reminder(row)]
    assert {row.state for row in rows if row.channel != "in_app"} <= {"cancelled"}
    assert desk.world.rows(select(lasting_pause)) == []
