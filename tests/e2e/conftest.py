"""Databases and brokers for whole deployments, and compiled modules shared by their processes."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pika
import pytest

from tests.e2e.harness import BackEnd
from tests.integration.test_store_pgbouncer import pooled_url

__all__ = ["pooled_url"]


@pytest.fixture(scope="session", autouse=True)
def _compiled_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the shell forbids it, each process compiles every library anew: three seconds, not one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest.fixture
def namespace(rabbitmq_url: str) -> Iterator[str]:
    """What begins the names of one deployment's queues on RabbitMQ, where queues outlive their users."""
    name = f"e2e-{uuid4().hex[:12]}"
    yield name
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        channel = connection.channel()
        for place in ("email", "sms", "push", "webhook"):
            for suffix in ("", ".DQ", ".XQ"):  # what Dramatiq declares beside each queue
                channel.queue_delete(f"{name}.{place}{suffix}")


@pytest.fixture
def sqlite_memory(tmp_path: Path) -> BackEnd:
    """One machine: an empty SQLite file, and the queue within each process."""
    return BackEnd(f"sqlite:///{tmp_path / 'pausewire.db'}")


@pytest.fixture
def postgresql_rabbitmq(empty_postgres_url: str, rabbitmq_url: str, namespace: str) -> BackEnd:
    """Past one process: an empty PostgreSQL database, and RabbitMQ."""
    return BackEnd(empty_postgres_url, rabbitmq_url, namespace)


@pytest.fixture
def postgresql_redis(empty_postgres_url: str, redis_url: str) -> BackEnd:
    """The same with Redis, a numbered database of its own."""
    return BackEnd(empty_postgres_url, redis_url)


_PAST_ONE_PROCESS = [
    pytest.param("postgresql_rabbitmq", marks=[pytest.mark.postgres, pytest.mark.rabbitmq]),
    pytest.param("postgresql_redis", marks=[pytest.mark.postgres, pytest.mark.redis]),
]


@pytest.fixture(params=_PAST_ONE_PROCESS)
def servers(request: pytest.FixtureRequest) -> BackEnd:
    """Each of the back ends that several processes share."""
    found: BackEnd = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["sqlite_memory", *_PAST_ONE_PROCESS])
def back_end(request: pytest.FixtureRequest) -> BackEnd:
    """Each back end."""
    found: BackEnd = request.getfixturevalue(request.param)
    return found
