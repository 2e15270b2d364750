"""One channel after the other under any story: what one loses, alone or told along, the next one tells.

Of every person and stream the last word is true, nothing is told twice, and nobody is spammed.
"""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.state import ACTIVE
from notifier.digests import ANSWERED, OVERTAKEN
from notifier.schema import delivery, notice
from notifier.states import CAME_TO_NOTHING
from notifier.told_as import DELIVERIES, ENDED_AS, STATE
from notifier.ways import Ways
from store.schema import stream_state
from tests.fakes.postman import SECOND, WINDOW
from tests.fakes.restraint_story import STREAMS, Story, told_story

CHANNELS = ("push", "email", "sms")
TOLD = ("accepted", "unknown")

_events = st.tuples(
    st.just("event"), st.sampled_from(sorted(STREAMS)), st.sampled_from(["flip"] * 9 + ["cancel"])
)
_sends = st.tuples(
    st.just("send"),
    st.sets(st.sampled_from(CHANNELS), max_size=1),
    st.sampled_from([None, None, None, "queued", "claimed", "sent"]),
    st.sampled_from([None, "push", "push", "email"]),
)
_steps = st.one_of(
    _events,
    _events,
    st.tuples(st.just("pass"), st.sampled_from([0.5, 2, 10, 31, 60, 90])),
    st.just(("plan",)),
    st.just(("gather",)),
    _sends,
    _sends,
    st.tuples(st.just("bounce"), st.sampled_from(CHANNELS)),
    st.just(("onward",)),
    st.just(("sweep",)),
)
SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ALL = [("event", number, "flip") for number in (1, 2, 4)]
TOGETHER = [
    *ALL,
    ("plan",),
    ("send", set(), None, None),
    *ALL,
    ("plan",),
    ("pass", 60),
    ("gather",),
]
REFUSED = ("send", set(), None, "push")


@SETTINGS
@given(steps=st.lists(_steps, max_size=40))
@example(steps=[*TOGETHER, REFUSED, ("onward",)])
@example(steps=[*TOGETHER, ("send", set(), None, None), ("bounce", "push")])
def test_what_a_channel_loses_another_one_tells(sqlite_template: Path, steps: list[tuple]) -> None:
    with told_story(sqlite_template, Ways(one_by_one=True)) as story:
        for step in steps:
            story.play(step)
        story.finish()
        assert_nothing_is_lost_or_told_twice(story)
        assert_last_words_are_true(story)
        assert_nobody_is_spammed(story)


def standing(story: Story) -> dict[object, list]:
    """The deliveries of each notice, the inbox aside, as they ended."""
    found = defaultdict(list)
    query = (
        select(
            *(delivery.c.notice_id, delivery.c.channel, delivery.c.reason),
            *(notice.c.recipient_id, notice.c.stream_id),
            *(STATE.label("told_as"), ENDED_AS.label("ended_as")),
        )
        .select_from(DELIVERIES)
        .join(notice, notice.c.notice_id == delivery.c.notice_id)
        .where(delivery.c.channel != "in_app")
    )
    for row in story.world.rows(query):
        found[row.notice_id].append(row)
    return found


def exhausted(story: Story) -> set[tuple[str, int]]:
    """People and streams of which some news came to nothing on every channel that they have."""
    return {
        (each[0].recipient_id, each[0].stream_id)
        for each in standing(story).values()
        if all(row.ended_as in CAME_TO_NOTHING for row in each)
    }


def assert_nothing_is_lost_or_told_twice(story: Story) -> None:
    places, at = story.places(), story.positions()
    overtakes = newest_told(story)
    for notice_id, rows in standing(story).items():
        told = [row for row in rows if row.told_as in TOLD]
        assert len(told) <= 1, "told twice"
        if told or any(row.reason in (ANSWERED, OVERTAKEN) for row in rows):
            continue
        assert all(row.ended_as in CAME_TO_NOTHING or row.told_as == "cancelled" for row in rows)
        tried = {row.channel for row in rows}
        ended = {row.ended_as for row in rows} <= CAME_TO_NOTHING
        whose = rows[0].recipient_id
        newer = overtakes.get((whose, rows[0].stream_id), -1) > at[notice_id]
        assert newer or not ended or tried == places[whose], (notice_id, rows)


def newest_told(story: Story) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    at = story.positions()
    for notice_id, rows in standing(story).items():
        if all(row.ended_as in CAME_TO_NOTHING for row in rows):
            continue
        key = (rows[0].recipient_id, rows[0].stream_id)
        found[key] = max(found.get(key, -1), at[notice_id])
    return found


def assert_last_words_are_true(story: Story) -> None:
    truth = {
        row.stream_id: row.status
        for row in story.world.rows(select(stream_state.c.stream_id, stream_state.c.status))
    }
    last: dict[tuple, str] = {}
    for message in story.postman.messages:
        for line in message.lines:
            last[message.recipient_id, line.stream_id] = line.status
    in_vain = exhausted(story)
    for rows in standing(story).values():
        key = (rows[0].recipient_id, rows[0].stream_id)
        if key not in in_vain:
            assert last.get(key, ACTIVE) == truth[key[1]], key


def assert_nobody_is_spammed(story: Story) -> None:
    """Of a kind, about an employer, at a place: after a first message at most one more in a window."""
    rows = {row.delivery_id: row for row in story.world.rows(select(delivery))}
    kinds: dict[tuple, list[tuple[int, bool]]] = defaultdict(list)
    for message in story.postman.messages:
        row = rows[message.delivery_id]
        at, led = row.released_at or row.planned_at, row.released_at is None
        for kind in {line.kind for line in message.lines}:
            employers = {STREAMS[line.stream_id][0] for line in message.lines}
            assert len(employers) == 1, "one message tells of one employer"
            kinds[(message.recipient_id, message.place, *employers, kind)].append((at, led))
    for key, told in kinds.items():
        for (before, led), (after, leads) in pairwise(sorted(told)):
            near = after - before < WINDOW * SECOND
            assert not near or (led and not leads), (key, told)
