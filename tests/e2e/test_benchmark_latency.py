"""The latency benchmark runs: a bare loop and `pausewire up` are told by the same network, in turn."""

import pytest

from benchmarks import latency
from benchmarks.scale import Scale

pytestmark = pytest.mark.e2e


def test_both_sides_tell_everybody_and_are_timed():
    tiny = Scale(alerts=2, poll_seconds=(0.05,), pause_seconds=0.1)
    p50, p99 = latency.lines(tiny)
    # "visible" is when a client that asks every 10 ms saw the event: who asks sooner may be ahead of it.
    assert -1 < p50.ours <= p99.ours
    assert -1 < p50.theirs <= p99.theirs
