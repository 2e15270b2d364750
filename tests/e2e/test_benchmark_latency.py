"""The latency benchmark runs: a bare loop and `pausewire up` are told by the same network, in turn."""

import pytest

from benchmarks import latency
from benchmarks.scale import Scale

pytestmark = pytest.mark.e2e


def test_both_sides_tell_everybody_and_are_timed():
    tiny = Scale(alerts=2, poll_seconds=(0.05,), pause_seconds=0.1)
    p50, p99 = latency.lines(tiny)
    assert 0 < p50.ours <= p99.ours
    assert 0 < p50.theirs <= p99.theirs
