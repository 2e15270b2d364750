"""Whole worker processes' worth of delivering: each database, each broker, real SMTP."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from config.channel_settings import EmailSettings
from config.settings import BrokerSettings, NotifierSettings, Settings
from notifier import switch
from notifier.schema import delivery
from notifier.worker import build_worker
from store.clock import now_micros
from store.engine import Database
from store.schema import recorded_event
from tests.fakes.mail_server import ScriptedMail, mail_server
from tests.fakes.planned import plan_many, vault

SETUPS = [
    pytest.param("sqlite_url", None, id="sqlite-memory"),
    pytest.param("sqlite_url", "redis_url", id="sqlite-redis", marks=pytest.mark.redis),
    pytest.param("postgres_url", None, id="postgres-memory", marks=pytest.mark.postgres),
    pytest.param(
        "postgres_url",
        "redis_url",
        id="postgres-redis",
        marks=[pytest.mark.postgres, pytest.mark.redis],
    ),
    pytest.param(
        "postgres_url",
        "rabbitmq_url",
        id="postgres-rabbitmq",
        marks=[pytest.mark.postgres, pytest.mark.rabbitmq],
    ),
]


@pytest.fixture
def far_side() -> ScriptedMail:
    return ScriptedMail()


@pytest.fixture
def port(far_side: ScriptedMail) -> Iterator[int]:
    with mail_server(far_side) as port:
        yield port


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database.open(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def delivering(database: Database, port: int, broker_url: str | None) -> Iterator[None]:
    settings = Settings(
        email=EmailSettings(
            enabled=True,
            host="127.0.0.1",
            port=port,
            tls="none",
            sender="alerts@pausewire.test",
            connections=4,
            timeout_seconds=2,
        ),
        broker=BrokerSettings(url=SecretStr(broker_url or "memory://"), worker_threads=8),
        notifier=NotifierSettings(poll_seconds=0.1, sweep_seconds=0.2),
    )
    worker = build_worker(
        settings, database, vault(), queue_prefix=f"pausewire-test-{uuid4().hex[:8]}"
    )
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def states(database: Database) -> Counter[str]:
    by_state = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    with database.read() as conn:
        return Counter({row[0]: row[1] for row in conn.execute(by_state)})


def wait_until(reached: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reached()


@pytest.mark.parametrize(("database_fixture", "broker_fixture"), SETUPS)
def test_every_letter_leaves_once_and_every_outcome_is_logged(
    request: pytest.FixtureRequest,
    far_side: ScriptedMail,
    port: int,
    database_fixture: str,
    broker_fixture: str | None,
) -> None:
    broker_url = request.getfixturevalue(broker_fixture) if broker_fixture else None
    with opened(request.getfixturevalue(database_fixture)) as database:
        people = [f"p{number}@example.test" for number in range(60)]
        with database.begin() as conn:
            plan_many(conn, [*people, "nobody@example.test", "cut@example.test"])
            database.bell.ring(conn, "outbox")
        with delivering(database, port, broker_url):
            wait_until(
                lambda: states(database) == {"accepted": 60, "failed": 1, "unknown": 1}, seconds=30
            )
            wait_until(lambda: facts(database) == 62)
    arrived = Counter(address for address, _ in far_side.mails)
    assert arrived == Counter([*people, "cut@example.test"])


def facts(database: Database) -> int:
    with database.read() as conn:
        return conn.scalar(select(func.count()).select_from(recorded_event)) or 0


@pytest.mark.postgres
def test_two_workers_share_the_letters(
    postgres_url: str, far_side: ScriptedMail, port: int, redis_url: str
) -> None:
    with opened(postgres_url) as one, opened(postgres_url) as other:
        people = [f"p{number}@example.test" for number in range(100)]
        with one.begin() as conn:
            plan_many(conn, people)
        # Workers of one process share its event loop: the second one only relays and sweeps.
        with delivering(one, port, redis_url):
            rival = Settings(notifier=NotifierSettings(poll_seconds=0.1, sweep_seconds=0.1))
            stop = threading.Event()
            roles = build_worker(rival, other, vault()).roles
            threads = [threading.Thread(target=role, args=(stop,)) for role in roles.values()]
            for thread in threads:
                thread.start()
            try:
                wait_until(lambda: states(one) == {"accepted": 100} and facts(one) == 100)
            finally:
                stop.set()
                for thread in threads:
                    thread.join(10)
    assert Counter(address for address, _ in far_side.mails) == Counter(people)


@pytest.mark.parametrize("database_fixture", ["sqlite_url"])
def test_the_switch_is_obeyed_within_two_seconds_and_loses_nothing(
    request: pytest.FixtureRequest, far_side: ScriptedMail, port: int, database_fixture: str
) -> None:
    people = [f"p{number}@example.test" for number in range(400)]
    with opened(request.getfixturevalue(database_fixture)) as database:
        with database.begin() as conn:
            plan_many(conn, people)
        with delivering(database, port, None):
            wait_until(lambda: len(far_side.mails) >= 10)
            with database.begin() as conn:
                switch.pause(conn, reason="test", now=now_micros())
            time.sleep(0.5)
            sent = len(far_side.mails)
            time.sleep(0.5)
            assert len(far_side.mails) == sent < 400
            with database.begin() as conn:
                switch.resume(conn, database.bell, now=now_micros())
            wait_until(lambda: states(database) == {"accepted": 400})
    assert Counter(address for address, _ in far_side.mails) == Counter(people)


def test_a_stopped_worker_leaves_nothing_queued(
    sqlite_url: str, far_side: ScriptedMail, port: int
) -> None:
    with opened(sqlite_url) as database:
        with database.begin() as conn:
            plan_many(conn, [f"p{number}@example.test" for number in range(200)])
        with delivering(database, port, None):
            wait_until(lambda: len(far_side.mails) >= 5)
        left = states(database)
        assert set(left) <= {"pending", "accepted"}
        assert left["pending"] > 0
        with delivering(database, port, None):
            wait_until(lambda: states(database) == {"accepted": 200})
    assert len(far_side.mails) == 200
