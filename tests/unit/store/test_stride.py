"""How much a follower takes at once follows from how long it took."""

from hypothesis import given
from hypothesis import strategies as st

from store.stride import Stride


def test_it_begins_small_and_grows_to_its_limit():
    stride = Stride(500)
    taken = []
    for _ in range(7):
        taken.append(stride.events)
        stride.took(stride.events, 0.1)
    assert taken == [25, 50, 100, 200, 400, 500, 500]


def test_a_small_limit_is_kept_from_the_beginning():
    stride = Stride(3)
    stride.took(3, 0.0)
    stride.took(3, 9.0)
    assert stride.events == 3


def test_a_chunk_that_took_long_is_followed_by_half_of_it_but_never_by_few():
    stride = Stride(200)
    for _ in range(3):
        stride.took(stride.events, 0.1)
    for wanted in (100, 50, 25, 25):
        stride.took(stride.events, 4.0)
        assert stride.events == wanted


def test_some_events_that_took_long_are_halved_not_the_many_that_might_have_come():
    stride = Stride(500)
    for _ in range(5):
        stride.took(stride.events, 0.1)
    stride.took(80, 3.0)
    assert stride.events == 40


def test_what_is_neither_long_nor_short_changes_nothing():
    stride = Stride(500)
    stride.took(25, 1.5)
    assert stride.events == 25


def test_a_few_events_that_were_quick_say_nothing_about_many():
    stride = Stride(500)
    stride.took(2, 0.001)
    assert stride.events == 25


@given(st.integers(1, 10_000), st.lists(st.floats(0, 100)))
def test_it_stays_within_its_bounds(limit, took):
    stride = Stride(limit)
    for seconds in took:
        stride.took(stride.events, seconds)
        assert min(limit, 25) <= stride.events <= limit
