"""The broker and its queues."""

from uuid import UUID

import pytest
from dramatiq import Middleware, Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import ConnectionClosed

from notifier.broker import Queues, build_broker, idle_milliseconds
from notifier.errors import BrokerUnavailable


class Closing(Middleware):
    """Has nothing to close."""


class Work:
    def __init__(self) -> None:
        self.done: list[tuple[UUID, int]] = []

    async def deliver(self, delivery_id: UUID, generation: int) -> None:
        self.done.append((delivery_id, generation))
        if generation == 13:
            raise LookupError("a defect beyond every guard")


def stub() -> StubBroker:
    broker = build_broker("memory://", time_limit_seconds=5, closing=Closing())
    assert isinstance(broker, StubBroker)
    broker.emit_after("process_boot")
    return broker


def test_a_message_carries_id_and_generation_and_nothing_else() -> None:
    broker = stub()
    queues = Queues(broker, Work(), channels=["email", "sms"], prefix="t")
    queues.enqueue("sms", UUID(int=5), 2)
    assert sorted(broker.queues) == ["t.email", "t.email.DQ", "t.sms", "t.sms.DQ"]
    (raw,) = broker.queues["t.sms"].queue
    assert b'"args":["00000000-0000-0000-0000-000000000005",2]' in raw
    assert b'"kwargs":{},"options":{}' in raw


def test_a_message_reaches_the_work_once_even_if_that_fails() -> None:
    broker, work = stub(), Work()
    queues = Queues(broker, work, channels=["email"], prefix="t")
    worker = Worker(broker, worker_threads=2, worker_timeout=10)
    worker.start()
    for generation in (1, 13, 2):
        queues.enqueue("email", UUID(int=5), generation)
    broker.join("t.email", timeout=5000, fail_fast=False)
    worker.join()
    worker.stop(timeout=5000)
    assert sorted(work.done) == [(UUID(int=5), generation) for generation in (1, 2, 13)]


def test_a_broker_that_takes_no_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = stub()
    queues = Queues(broker, Work(), channels=["email"], prefix="t")

    def closed(*_: object, **__: object) -> None:
        raise ConnectionClosed(ConnectionError("gone"))  # type: ignore[no-untyped-call] # theirs

    monkeypatch.setattr(broker, "enqueue", closed)
    with pytest.raises(BrokerUnavailable, match="ConnectionClosed"):
        queues.enqueue("email", UUID(int=5), 1)


def test_nothing_connects_before_it_is_used() -> None:
    broker = build_broker("redis://127.0.0.1:1/0", time_limit_seconds=5, closing=Closing())
    assert isinstance(broker, RedisBroker)
    rabbit = build_broker("amqp://127.0.0.1:1/", time_limit_seconds=5, closing=Closing())
    assert type(rabbit).__name__ == "RabbitmqBroker"


def test_only_redis_has_to_be_polled_quickly() -> None:
    assert [idle_milliseconds(url) for url in ("redis://x", "rediss://x", "amqp://x")] == [
        20,
        20,
        100,
    ]
