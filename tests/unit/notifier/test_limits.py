"""Buckets of tokens: who leaves now, who waits, who never comes to it."""

from uuid import UUID

import pytest

from notifier.limits import LAST_LOOK, Bucket, Pace, Want, admit, at_most, steady

NOW = 1_790_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND


def want(n: int, *buckets: str, urgent: bool = False, deadline_at: int = NOW + HOUR) -> Want:
    return Want(UUID(int=n), buckets, urgent=urgent, deadline_at=deadline_at)


def test_no_number_is_no_limit() -> None:
    assert steady(0, 10) is None
    assert at_most(0, 60) is None
    assert steady(2, 10) == Pace(SECOND // 2, 10)


def test_a_burst_leaves_at_once_then_one_at_a_time() -> None:
    pace, bucket = Pace(SECOND, 3), Bucket()
    left = 0
    while bucket.free_at(pace) <= NOW:
        bucket.take(pace, NOW)
        left += 1
    assert left == 3
    assert bucket.free_at(pace) == NOW + SECOND


@pytest.mark.parametrize("most", [1, 2, 5, 60])
def test_never_more_than_so_many_in_any_hour(most: int) -> None:
    pace = at_most(most, 3600)
    assert pace is not None
    bucket, left, now = Bucket(), list[int](), NOW
    for _ in range(5 * most + 5):
        now = max(now, bucket.free_at(pace))
        bucket.take(pace, now)
        left.append(now)
    for at in left:
        assert sum(at <= other < at + HOUR for other in left) <= most


def test_an_empty_bucket_holds_up_only_who_needs_it() -> None:
    buckets = {"site:a": Bucket(), "site:b": Bucket()}
    paces = dict.fromkeys(buckets, Pace(SECOND, 1))
    wants = [want(1, "site:a"), want(2, "site:a"), want(3, "site:b")]
    found = admit(wants, buckets, paces, now=NOW, most=9)
    assert found.admitted == [UUID(int=1), UUID(int=3)]
    assert found.waiting == {UUID(int=2): NOW + SECOND}


def test_all_its_buckets_must_have_a_token_and_none_is_taken_in_vain() -> None:
    buckets = {"provider:x": Bucket(), "person:ana": Bucket(held_until=NOW + SECOND)}
    paces = {"provider:x": Pace(SECOND, 1), "person:ana": None}
    found = admit([want(1, "provider:x", "person:ana")], buckets, paces, now=NOW, most=9)
    assert found.waiting == {UUID(int=1): NOW + SECOND}
    assert buckets["provider:x"].spent_until == 0


def test_who_waits_gets_turns_and_urgent_ones_the_first() -> None:
    buckets, paces = {"b": Bucket(spent_until=NOW + SECOND)}, {"b": Pace(SECOND, 1)}
    wants = [want(1, "b"), want(2, "b"), want(3, "b", urgent=True)]
    found = admit(wants, buckets, paces, now=NOW, most=9)
    assert [found.waiting[UUID(int=n)] - NOW for n in (1, 2, 3)] == [SECOND, 2 * SECOND, SECOND]


def test_who_waits_looks_again_before_long_whatever_stands_before_it() -> None:
    buckets, paces = {"b": Bucket(spent_until=NOW + SECOND)}, {"b": Pace(60 * SECOND, 1)}
    wants = [want(n, "b") for n in range(1, 30)]
    found = admit(wants, buckets, paces, now=NOW, most=9)
    assert max(found.waiting.values()) == NOW + SECOND + 300 * SECOND


def test_what_could_leave_only_after_its_deadline_does_not_wait_for_it() -> None:
    buckets, paces = {"b": Bucket(spent_until=NOW + HOUR)}, {"b": Pace(SECOND, 1)}
    found = admit([want(1, "b", deadline_at=NOW + HOUR)], buckets, paces, now=NOW, most=9)
    assert found.hopeless == [UUID(int=1)]


def test_the_last_look_comes_before_the_deadline() -> None:
    buckets = {"b": Bucket(spent_until=NOW + SECOND, line_until=NOW + 200 * SECOND)}
    deadline = NOW + 100 * SECOND
    found = admit(
        [want(1, "b", deadline_at=deadline)], buckets, {"b": Pace(SECOND, 1)}, now=NOW, most=1
    )
    assert found.waiting == {UUID(int=1): deadline - LAST_LOOK}


def test_no_more_are_let_go_than_there_is_room_for() -> None:
    found = admit([want(1), want(2)], {}, {}, now=NOW, most=1)
    assert found.admitted == [UUID(int=1)]
