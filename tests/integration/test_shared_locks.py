"""What all processes share is locked after what is one's own: storm rows, providers, and buckets last."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Select, insert, select, text, update

from notifier import attempts, ending
from notifier.attempts import Message
from notifier.budgets import budget
from notifier.ending import End
from notifier.errors import ChannelUnavailable
from notifier.limits import Pace
from notifier.pacing import Paces, Pacing
from notifier.relay import Relay, RelayOptions
from notifier.result import PREPARING, Result
from notifier.schema import delivery, provider_health
from notifier.storm import Brake
from notifier.sweep import Sweeper
from notifier.ways import Ways
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import created, paused, resumed
from tests.fakes.planned import plan
from tests.fakes.planning import FOREVER, World
from tests.fakes.postman import SECOND, Clock
from tests.fakes.told_along import ANA

pytestmark = pytest.mark.postgres

PACED = Pacing(Paces(providers={"a": Pace(SECOND, 5)}))
PROVIDERS = {"email": "a", "sms": "b"}
A_STEP = select(delivery.c.delivery_id).where(delivery.c.purpose.is_not(None))


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    opened = Database.open(postgres_url)
    yield opened
    opened.close()


def while_held(
    database: Database, held: Select[Any], work: Callable[[], object], then: Callable[..., object]
) -> None:
    """`work` waits for what somebody holds; meanwhile `then` may be done by them."""
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            assert conn.execute(held.with_for_update()).all()
            done = pool.submit(work)
            waits_for_somebody(database)
            then(conn)
        done.result(30)


def waits_for_somebody(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with database.read() as conn:
            if conn.scalar(waiting):
                return
    pytest.fail("it waits for nobody")


def buckets_are_free(conn: Connection) -> None:
    asking = text("SELECT pg_try_advisory_xact_lock(hashtextextended('rate_bucket', 0))")
    assert conn.scalar(asking)


def is_free(row: Select[Any]) -> Callable[[Connection], object]:
    return lambda conn: conn.execute(row.with_for_update(nowait=True)).one()


def braked(database: Database) -> tuple[World, Brake, Clock]:
    """A pause is told, and its step waits; the brake has counted it."""
    clock = Clock(now=(chain.GENESIS + 10) // 60 * 60 * SECOND)
    brake = Brake(per_minute=100, per_employer=0, hold_seconds=60)
    ways = Ways(one_by_one=True, steps={"email": 1})
    world = World(database, FOREVER, brake=brake, ways=ways, clock=clock)
    world.register(ANA)
    world.record(created(1), paused(2))
    world.plan()
    return world, brake, clock


def test_planning_locks_steps_before_it_counts_by_the_brake(database: Database) -> None:
    world, _, _ = braked(database)
    world.record(resumed(3))
    while_held(database, A_STEP, world.plan, is_free(select(budget)))
    assert {row.reason for row in world.rows(select(delivery)) if row.purpose} == {"over"}


def test_the_sweeper_gives_back_after_it_has_counted_by_the_brake(database: Database) -> None:
    _, brake, clock = braked(database)
    with database.begin() as conn:
        lost = delivery.c.channel == "push"
        conn.execute(update(delivery).where(lost).values(state="queued", lease_until=1))
    clock.pass_seconds(1)
    sweeper = Sweeper(
        database,
        sweep_seconds=1,
        brake=brake,
        pacing=PACED,
        providers={"push": "a"},
        clock=clock,
    )
    while_held(database, select(budget), sweeper.step, buckets_are_free)


def test_the_relay_asks_for_all_providers_before_it_takes_of_a_bucket(database: Database) -> None:
    with database.begin() as conn:
        for channel in PROVIDERS:
            plan(conn, channel)
        conn.execute(insert(provider_health).values(_healthy("b")))
    options = RelayOptions(
        name="t", providers=PROVIDERS, queue_limit=10, poll_seconds=1, pacing=PACED
    )
    relay = Relay(database, lambda *message: None, options)
    while_held(database, select(provider_health), relay.step, buckets_are_free)


def test_faults_of_providers_are_counted_in_one_order(database: Database) -> None:
    with database.begin() as conn:
        made = [plan(conn, channel, state="queued") for channel in PROVIDERS]
        conn.execute(insert(provider_health), [_healthy("a"), _healthy("b")])
        messages = [Message(each, 0, str(each)) for each in made]
        claims = attempts.claim(conn, messages, now=1, lease_until=2**50)
    ends = [
        End(
            held,
            Result(
                phase=PREPARING,
                provider=provider,
                worker="w",
                ended_at=2,
                answer=ChannelUnavailable("away"),
            ),
            0.5,
        )
        for held, provider in zip(claims, ("b", "a"), strict=True)
        if held is not None
    ]

    def settle() -> None:
        with database.begin() as conn:
            assert all(ending.settle(conn, ends))

    mine, others = (select(provider_health).where(provider_health.c.provider == n) for n in "ab")
    while_held(database, mine, settle, is_free(others))


def _healthy(provider: str) -> dict[str, object]:
    return {"provider": provider, "state": "closed", "failures": 0} | dict.fromkeys(
        ("next_try_at", "changed_at"), 1
    )
