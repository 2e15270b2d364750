"""A canary goes the real way, through planning, relay, broker and worker, on both databases."""

import threading
import time

import pytest
from pydantic import SecretStr
from sqlalchemy import func, insert, select, text, update

from config.settings import BrokerSettings, Settings
from notifier.canary import Canary
from notifier.schema import attempt, delivery
from notifier.states import CANARY
from notifier.uptime import canary_latency
from notifier.worker import build_worker, canary_channel
from store.clock import now_micros
from store.engine import Database
from store.schema import ledger_close, notice_fact_outbox, tracking
from tests.fakes.chain import created, paused
from tests.fakes.planned import vault
from tests.fakes.planning import World

PATIENCE_SECONDS = 45


def test_a_canary_is_told_and_leaves_no_fact(database: Database) -> None:
    settings = Settings(broker=BrokerSettings(url=SecretStr("memory://"), worker_threads=2))
    channel = canary_channel(settings)
    assert channel == CANARY
    now = now_micros()
    with database.begin() as conn:
        conn.execute(insert(ledger_close).values(ledger=1, closed_at=now // 1_000_000))
    worker = build_worker(settings, database, vault())
    stop = threading.Event()
    planner = World(database, canaries=channel).follower
    running = [threading.Thread(target=each, args=(stop,)) for each in (worker.run, planner.run)]
    for each in running:
        each.start()
    try:
        Canary(database).step()
        assert told(database)
    finally:
        stop.set()
        for each in running:
            each.join()
    with database.read() as conn:
        assert conn.execute(select(notice_fact_outbox)).all() == []
        (tried,) = conn.execute(select(attempt)).all()
        assert (tried.result, tried.provider) == ("accepted", "canary")
        latency = canary_latency(conn, now_micros())
    assert latency is not None
    assert 0 <= latency < PATIENCE_SECONDS + 1


@pytest.mark.postgres
def test_while_planning_hangs_no_canary_is_planned(postgres_url: str) -> None:
    """Somebody holds the row that planning moves: what it holds up is held up for the canary, too."""
    database = Database.open(postgres_url)
    world = World(database, canaries=CANARY)
    world.record(created(1))
    world.plan()
    with database.begin() as conn:
        conn.execute(insert(ledger_close).values(ledger=1, closed_at=now_micros() // 1_000_000))
    stop = threading.Event()
    planning = threading.Thread(target=world.follower.run, args=(stop,))
    with database.begin() as holder:
        holder.execute(update(tracking).where(tracking.c.name == "plan").values(name="plan"))
        planning.start()
        try:
            world.record(paused(2))
            Canary(database).step()
            assert blocked(database)
            assert count(database) == 0
        finally:
            stop.set()
    planning.join()
    world.plan()
    assert count(database) == 1
    database.close()


def blocked(database: Database) -> bool:
    """Whether a session has come to wait for another's lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with database.read() as conn:
            if conn.scalar(query):
                return True
        time.sleep(0.05)
    return False


def count(database: Database) -> int:
    with database.read() as conn:
        of_canaries = select(func.count()).where(delivery.c.endpoint == CANARY)
        return conn.scalar(of_canaries) or 0


def told(database: Database) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with database.read() as conn:
            if conn.scalar(select(delivery.c.state)) == "accepted":
                return True
        time.sleep(0.05)
    return False
