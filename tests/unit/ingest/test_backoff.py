"""Waiting after trouble."""

import random

from ingest.backoff import MOST_SECONDS, RETRY_AFTER_MOST_SECONDS, Backoff


def test_waits_double_up_to_a_bound_and_start_over_after_a_reset():
    backoff = Backoff(random.Random(1))
    waits = [backoff.next() for _ in range(50)]
    assert waits[0] < 0.26
    assert waits[1] > waits[0] * 1.1
    assert max(waits) <= MOST_SECONDS * 1.25
    assert waits[-1] > MOST_SECONDS * 0.7
    backoff.reset()
    assert backoff.next() < 0.26


def test_the_far_sides_own_wish_wins_within_reason():
    backoff = Backoff()
    assert backoff.next(7.0) == 7.0
    assert backoff.next(-3.0) == 0.0
    assert backoff.next(1e9) == RETRY_AFTER_MOST_SECONDS
