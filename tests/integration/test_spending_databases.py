"""The day's money on both databases: several processes spend it once, and no kill loses count of it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from notifier.budgets import budget
from notifier.deliver import Deliverer
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.rendering import Renderer
from notifier.schema import attempt, delivery
from notifier.spending import Caps, Spending
from store.engine import Database
from tests.fakes.delivering import LEASE_SECONDS
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import plan_many, vault

ROOT = Path(__file__).parents[2]
PRICE = 7


def booked(database: Database) -> int:
    with database.read() as conn:
        used = select(func.coalesce(func.sum(budget.c.used), 0)).where(budget.c.scope == "cost")
        return conn.scalar(used)


def counted(database: Database) -> int:
    with database.read() as conn:
        return conn.scalar(select(func.coalesce(func.sum(attempt.c.cost), 0)))


def states(database: Database) -> list[str]:
    with database.read() as conn:
        return sorted(conn.scalars(select(delivery.c.state)))


def test_several_processes_never_spend_more_than_there_is(database: Database) -> None:
    with database.begin() as conn:
        planned = plan_many(
            conn,
            [f"p{n}@example.test" for n in range(60)],
            state="queued",
            generation=1,
        )
    channel = FakeChannel()
    caps = Caps(prices={"email": PRICE}, total=20 * PRICE)

    def process(mine: list[UUID]) -> None:
        async def work() -> None:
            deliverer = Deliverer(
                moves=GroupCommit(database),
                letters=Letters(vault(), Renderer(), guests=EVERYBODY),
                channels={"email": channel},
                lease_seconds=120,
                worker="w",
                spending=Spending(caps),
            )
            await asyncio.gather(*(deliverer.deliver(each, 1) for each in mine))
            await deliverer.close()

        asyncio.run(work())

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(process, planned[n::4]) for n in range(4)]:
            done.result()
    assert len(channel.sent) == 20
    assert booked(database) == counted(database) == 20 * PRICE
    assert states(database) == ["accepted"] * 20 + ["held"] * 40


@pytest.mark.postgres
def test_crowds_that_pay_and_are_refused_do_not_wait_in_a_circle(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    spending = Spending(Caps(prices={"email": PRICE, "sms": PRICE}, total=20 * PRICE))
    has_refused = threading.Event()

    def refused_first() -> None:
        with database.begin() as conn:
            spending.refuse(conn, "sms", 1)
            has_refused.set()
            spending.take(conn, "email", PRICE, 1)

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            spending.take(conn, "email", PRICE, 1)
            other = pool.submit(refused_first)
            has_refused.wait(0.5)
            spending.refuse(conn, "sms", 1)
        other.result()
    assert booked(database) == 2 * PRICE
    database.close()


@pytest.mark.parametrize(
    ("point", "hits"),
    [*product(("after_claim", "after_handoff", "after_send", "after_result"), (1, 3))],
)
def test_a_kill_at_any_point_leaves_the_count_exact(
    sqlite_database: Database, tmp_path: Path, point: str, hits: int
) -> None:
    """Of six letters four may leave; the first provider takes none, so half of the tries are paid back."""
    with sqlite_database.begin() as conn:
        plan_many(conn, [f"p{n}@example.test" for n in range(6)])
    taken = tmp_path / "taken"
    command = [sys.executable, "-m", "tests.fakes.delivering", str(sqlite_database.url)]
    command += [str(taken), str(PRICE), str(4 * PRICE)]
    for kill in (f"{point}:{hits}", None):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if kill is not None:
            environment["PAUSEWIRE_TEST_KILL_AT"] = kill
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False
        )
        expected = 0 if kill is None else -signal.SIGKILL
        assert done.returncode == expected, done.stderr.decode()
        lease = int(LEASE_SECONDS * 1_000_000)
        with sqlite_database.begin() as conn:
            conn.execute(update(delivery).values(lease_until=delivery.c.lease_until - 40 * lease))
            waits = delivery.c.state == "retry_wait"
            conn.execute(update(delivery).where(waits).values(available_at=1))
    found = states(sqlite_database)
    assert booked(sqlite_database) == counted(sqlite_database) == 4 * PRICE
    assert (found.count("accepted") + found.count("unknown"), found.count("held")) == (4, 2)
    assert len(taken.read_text().split()) <= 4
