"""The latency benchmark runs: a bare loop and `pausewire up` are told by the same network, in turn."""

import pytest

from benchmarks import brokers, latency
from benchmarks.scale import Scale

pytestmark = pytest.mark.e2e


def timed(broker):
    tiny = Scale(alerts=2, poll_seconds=(0.05,), pause_seconds=0.1, brokers=(broker,))
    p50, p99 = latency.lines(tiny)
    # "visible" is when a client that asks every 10 ms saw the event: who asks sooner may be ahead of it.
    assert -1 < p50.ours <= p99.ours
    assert -1 < p50.theirs <= p99.theirs
    return p50.what


def test_both_sides_tell_everybody_and_are_timed():
    assert timed(brokers.MEMORY) == "visible to accepted, poll 0.05 s, p50, sqlite"


@pytest.mark.redis
def test_it_is_measured_over_redis(redis_url, monkeypatch):
    monkeypatch.setenv(brokers.REDIS_VARIABLE, redis_url)
    assert timed(brokers.REDIS) == "visible to accepted, poll 0.05 s, p50, sqlite, redis"


@pytest.mark.rabbitmq
def test_it_is_measured_over_rabbitmq(rabbitmq_url, monkeypatch):
    monkeypatch.setenv(brokers.RABBITMQ_VARIABLE, rabbitmq_url)
    assert timed(brokers.RABBITMQ) == "visible to accepted, poll 0.05 s, p50, sqlite, rabbitmq"
