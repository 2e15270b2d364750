"""The callback benchmark runs: two API processes, one killed on the way, and the judge finds no fault."""

import pytest

from benchmarks import callbacks, k6
from benchmarks.k6 import Stage
from benchmarks.scale import Scale

pytestmark = pytest.mark.e2e


@pytest.mark.skipif(k6.program() is None, reason="k6 is not installed (make tools)")
def test_every_callback_counts_once_though_a_node_is_killed(postgres_server):
    stages = (Stage(2, 10), Stage(8, 10), Stage(1, 0))
    lines = callbacks.lines(Scale(postgres=postgres_server, callback_stages=stages))
    figures = {line.what.rpartition(", ")[2]: line.ours for line in lines}
    assert figures["p50"] > 0
    assert (figures["refused or given up"], figures["not begun in time"]) == (0, 0)
