"""Restraint under any story: nobody is spammed, the last word is true, each notice is accounted for."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.state import ACTIVE
from notifier.digests import ANSWERED, OVERTAKEN
from notifier.schema import delivery, notice
from notifier.states import ACCEPTED, HELD
from store.schema import stream_state
from tests.fakes.postman import SECOND, WINDOW, Message
from tests.fakes.restraint_story import STREAMS, Story, told_story

_events = st.tuples(
    st.just("event"), st.sampled_from(sorted(STREAMS)), st.sampled_from(["flip"] * 9 + ["cancel"])
)
_steps = st.one_of(
    _events,
    _events,
    st.tuples(st.just("pass"), st.sampled_from([0.5, 2, 3, 10, 31, 45, 60, 90])),
    st.just(("plan",)),
    st.just(("gather",)),
    st.tuples(
        st.just("send"),
        st.sets(st.sampled_from(["email", "sms", "push"]), max_size=2),
        st.sampled_from([None, None, None, "queued", "claimed", "sent"]),
    ),
    st.just(("sweep",)),
)


SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(steps=st.lists(_steps, max_size=40))
def test_nobody_is_spammed_or_left_with_a_false_belief(
    sqlite_template: Path, steps: list[tuple]
) -> None:
    with told_story(sqlite_template) as story:
        for step in steps:
            story.play(step)
        assert_held_ones_have_a_time(story)
        story.finish()
        assert_each_is_accounted_for(story)
        assert_last_words_are_true(story)
        assert_nobody_is_spammed(story)


def assert_held_ones_have_a_time(story: Story) -> None:
    """Whatever is held is let go within a window of its last planning or gathering."""
    latest = story.clock() + WINDOW * SECOND
    for row in story.world.rows(select(delivery).where(delivery.c.state == HELD)):
        assert row.available_at <= latest
        assert row.deadline_at > row.available_at


def assert_each_is_accounted_for(story: Story) -> None:
    rows = {row.delivery_id: row for row in story.world.rows(select(delivery))}
    read = {message.delivery_id for message in story.postman.messages}
    for row in rows.values():
        if row.channel == "in_app":
            continue
        if row.state == "cancelled":
            assert row.reason in (ANSWERED, OVERTAKEN, "digest")
            if row.reason == "digest":
                carrier = rows[row.carried_by]
                assert carrier.digest
                assert carrier.delivery_id in read or carrier.reason == OVERTAKEN
            continue
        assert row.state in (ACCEPTED, "unknown")
        assert row.delivery_id in read
    assert len(read) == len(story.postman.messages), "something was sent twice"


def assert_last_words_are_true(story: Story) -> None:
    truth = {
        row.stream_id: row.status
        for row in story.world.rows(select(stream_state.c.stream_id, stream_state.c.status))
    }
    assert {each: truth[each] for each in story.status} == story.status
    last: dict[tuple, str] = {}
    for message in story.postman.messages:
        for line in message.lines:
            last[message.recipient_id, message.place, line.stream_id] = line.status
    concerned = story.world.rows(
        select(notice.c.recipient_id, notice.c.stream_id, delivery.c.channel, delivery.c.endpoint)
        .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(delivery.c.channel != "in_app")
        .distinct()
    )
    for row in concerned:
        key = (row.recipient_id, (row.channel, row.endpoint), row.stream_id)
        assert last.get(key, ACTIVE) == truth[row.stream_id], key


def assert_nobody_is_spammed(story: Story) -> None:
    """Of a kind, about an employer: after a first message at most one more in a window, after others none.

    By when they were let go: how long a provider then lets them wait is not ours.
    """
    let_go = {
        row.delivery_id: (row.released_at or row.planned_at, row.released_at is None)
        for row in story.world.rows(select(delivery))
    }
    kinds: dict[tuple, list[tuple[int, bool, Message]]] = defaultdict(list)
    for message in story.postman.messages:
        at, led = let_go[message.delivery_id]
        for kind in {line.kind for line in message.lines}:
            employers = {STREAMS[line.stream_id][0] for line in message.lines}
            assert len(employers) == 1, "one message tells of one employer"
            key = (message.recipient_id, message.place, *employers, kind)
            kinds[key].append((at, led, message))
    for key, told in kinds.items():
        told.sort(key=lambda each: each[0])
        for (before, led, _), (after, leads, _) in pairwise(told):
            near = after - before < WINDOW * SECOND
            assert not near or (led and not leads), (key, told)
