"""A canary goes the real way, through relay, broker and worker, on both databases."""

import threading
import time

from pydantic import SecretStr
from sqlalchemy import insert, select

from config.settings import BrokerSettings, Settings
from notifier.canary import Canary
from notifier.schema import attempt, delivery
from notifier.states import CANARY
from notifier.uptime import canary_latency
from notifier.worker import build_worker, canary_channel
from store.clock import now_micros
from store.engine import Database
from store.schema import ledger_close, notice_fact_outbox
from tests.fakes.planned import vault

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
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    try:
        Canary(database, channel=channel).step()
        assert told(database)
    finally:
        stop.set()
        running.join()
    with database.read() as conn:
        assert conn.execute(select(notice_fact_outbox)).all() == []
        (tried,) = conn.execute(select(attempt)).all()
        assert (tried.result, tried.provider) == ("accepted", "canary")
        latency = canary_latency(conn, now_micros())
    assert latency is not None
    assert 0 <= latency < PATIENCE_SECONDS + 1


def told(database: Database) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with database.read() as conn:
            if conn.scalar(select(delivery.c.state)) == "accepted":
                return True
        time.sleep(0.05)
    return False
