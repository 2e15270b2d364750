"""10 The broker: what carries (delivery id, generation) from relays to workers, and nothing else.

The database is the queue of record, so any of these may lose or repeat messages without harm. No
retries, no delays: `delivery.available_at` holds both.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

import dramatiq
from dramatiq import Broker, Middleware
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerError
from dramatiq.middleware import AsyncIO, Retries, ShutdownNotifications, TimeLimit

from notifier.errors import BrokerUnavailable

NAMESPACE = "pausewire"
# How long an idle consumer sleeps. Redis is polled: at its default of 1,000 ms a message waits 435 ms
# in the middle, at 20 ms it waits 8. The others wake by themselves; there it is the time a stop takes.
IDLE_MILLISECONDS = {"redis": 20, "rediss": 20}
DEFAULT_IDLE_MILLISECONDS = 100


class Work(Protocol):
    """What a message asks for."""

    async def deliver(self, delivery_id: UUID, generation: int) -> None:
        """Attempt a delivery."""
        ...


def build_broker(url: str, *, time_limit_seconds: float, closing: Middleware) -> Broker:
    """A broker for `memory://`, `redis://`, `rediss://`, `amqp://` or `amqps://`; nothing connects yet.

    `closing`: last in line, so that it still has the event loop when the worker stops.
    """
    middleware = [
        AsyncIO(),
        TimeLimit(time_limit=time_limit_seconds * 1000),
        ShutdownNotifications(),
        Retries(max_retries=0),
        closing,
    ]
    scheme = url.partition("://")[0]
    if scheme in ("redis", "rediss"):
        from dramatiq.brokers.redis import RedisBroker

        connect: Callable[..., Broker] = RedisBroker  # it carries no annotations
        return connect(url=url, middleware=middleware, namespace=NAMESPACE)
    if scheme in ("amqp", "amqps"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        # No confirms: they cost a factor of eleven, and a lost message costs its lease only.
        return RabbitmqBroker(url=url, middleware=middleware)
    return StubBroker(middleware=middleware)


def idle_milliseconds(url: str) -> int:
    """How long a consumer of this broker may sleep."""
    return IDLE_MILLISECONDS.get(url.partition("://")[0], DEFAULT_IDLE_MILLISECONDS)


class Queues:
    """One queue and one actor per channel, so that a slow provider holds nobody else up."""

    def __init__(self, broker: Broker, work: Work, *, channels: list[str], prefix: str) -> None:
        self._faults = _faults(broker)
        self._actors = {
            channel: dramatiq.actor(
                broker=broker,
                actor_name=f"deliver_{channel}",
                queue_name=f"{prefix}.{channel}",
            )(_actor(work))
            for channel in channels
        }

    def enqueue(self, channel: str, delivery_id: UUID, generation: int) -> None:
        """Send one message. Raises BrokerUnavailable."""
        try:
            self._actors[channel].send(str(delivery_id), generation)
        except self._faults as error:
            raise BrokerUnavailable(type(error).__name__) from error


def _actor(work: Work) -> Callable[[str, int], Awaitable[None]]:
    async def deliver(delivery_id: str, generation: int) -> None:
        await work.deliver(UUID(delivery_id), generation)

    return deliver


def _faults(broker: Broker) -> tuple[type[Exception], ...]:
    """What this broker raises when it cannot take a message."""
    name = type(broker).__name__
    if name == "RedisBroker":
        from redis.exceptions import RedisError

        return BrokerError, OSError, RedisError
    if name == "RabbitmqBroker":
        from pika.exceptions import AMQPError

        return BrokerError, OSError, AMQPError
    return (BrokerError,)
