"""The notifier's statements on both databases, and rivals at work on the same rows."""

import threading
from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain.notice import NoticeRead
from notifier import buckets, circuit, facts
from notifier.deliveries import Filter, Place, listing, redrive
from notifier.errors import CredentialsRefused
from notifier.facts import FactsAppender, remember
from notifier.latency import stage_times, summarise
from notifier.limits import Pace, Want, at_most
from notifier.pacing import Paces, Pacing
from notifier.relay import Relay, RelayOptions
from notifier.schema import delivery, provider_health
from notifier.sweep import Sweeper
from store import log
from store.clock import now_micros
from store.engine import Database
from store.schema import notice_fact_outbox
from tests.fakes.planned import delivery_row, plan, plan_many


def in_parallel(*roles: object) -> None:
    threads = [threading.Thread(target=role) for role in roles]  # type: ignore[arg-type] # callables
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_rival_relays_queue_each_delivery_once(database: Database) -> None:
    sent: list[UUID] = []

    def relay(name: str) -> Relay:
        options = RelayOptions(
            name=name, providers={"email": "smtp"}, queue_limit=1000, poll_seconds=1
        )
        return Relay(database, lambda _, delivery_id, __: sent.append(delivery_id), options)

    with database.begin() as conn:
        planned = plan_many(conn, [f"p{number}@example.test" for number in range(200)])
    in_parallel(*(relay(f"r{number}").step for number in range(4)))
    assert Counter(sent) == Counter(planned)


def test_rival_relays_share_a_bucket_and_lose_no_delivery(database: Database) -> None:
    sent: list[UUID] = []
    now = now_micros()

    def relay(name: str) -> Relay:
        options = RelayOptions(
            name=name,
            providers={"email": "smtp"},
            queue_limit=1000,
            poll_seconds=1,
            pacing=Pacing(Paces(domain=at_most(40, 60), persons={"email": Pace(1, 9)})),
        )
        return Relay(
            database,
            lambda _, delivery_id, __: sent.append(delivery_id),
            options,
            clock=lambda: now,
        )

    with database.begin() as conn:
        places = [f"p{number}@slow.test" for number in range(300)]
        slow = plan_many(conn, places, available_at=now)
        others = plan_many(conn, [f"p@d{number}.test" for number in range(30)], available_at=now)
    relays = [relay(f"r{number}") for number in range(4)]
    in_parallel(*(each.step for each in relays))
    for each in relays:
        each.step()
    assert Counter(sent) == Counter(set(sent))
    assert set(others) <= set(sent)
    assert len(set(sent) & set(slow)) == 20  # half of a minute's at once
    waiting = select(delivery.c.delivery_id).where(delivery.c.reason == "rate")
    with database.read() as conn:
        assert set(conn.scalars(waiting)) == set(slow) - set(sent)


def test_holds_and_tokens_do_not_undo_each_other(database: Database) -> None:
    now = now_micros()
    wants = [
        Want(UUID(int=n), ("provider:x",), urgent=False, deadline_at=now * 2) for n in range(50)
    ]

    def take() -> None:
        for want in wants:
            with database.begin() as conn:
                buckets.decide(conn, [want], lambda _: Pace(1_000_000, 10_000), now=now, most=1)

    def hold() -> None:
        for _ in range(50):
            with database.begin() as conn:
                buckets.hold(conn, "provider:x", seconds=60, now=now - 61_000_000)

    in_parallel(take, take, hold)
    with database.read() as conn:
        row = conn.execute(select(buckets.rate_bucket)).one()
    assert row.spent_until == now + 100 * 1_000_000
    assert row.held_until == now - 1_000_000
    with database.begin() as conn:
        buckets.give_back(conn, [("provider:x", Pace(1_000_000, 9))], now)
        assert conn.execute(select(buckets.rate_bucket.c.spent_until)).scalar_one() == (
            now + 99 * 1_000_000
        )
        assert buckets.forget(conn, now + 2 * 3_600_000_000) == 1


def test_rival_sweepers_sweep_each_row_once(database: Database) -> None:
    with database.begin() as conn:
        for state in ("queued", "claimed", "handed_off"):
            for _ in range(20):
                plan(conn, state=state, lease_until=1)
    moved: list[int] = []
    sweeper = Sweeper(database, sweep_seconds=1)
    in_parallel(*([lambda: moved.append(sweeper.step())] * 3))
    by_state = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    with database.read() as conn:
        states = {row[0]: row[1] for row in conn.execute(by_state)}
        told = conn.scalar(select(func.count()).select_from(notice_fact_outbox))
    assert sum(moved) == 60
    assert states == {"pending": 40, "unknown": 20}
    assert told == 20


def test_rival_appenders_give_each_fact_one_version(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "BATCH", 7)
    notices = [UUID(int=number) for number in range(1, 6)]

    def write() -> None:
        for at in range(20):
            with database.begin() as conn:
                remember(
                    conn,
                    [
                        NoticeRead(originator_id=n, originator_version=0, read_at=at)
                        for n in notices
                    ],
                    at,
                )

    def append() -> None:
        appender = FactsAppender(database, poll_seconds=1)
        for _ in range(60):
            appender.step()

    in_parallel(write, append, append)
    append()
    with database.read() as conn:
        events = [recorded.event for recorded in log.read_after(conn, 0, 1000)]
        assert conn.scalar(select(func.count()).select_from(notice_fact_outbox)) == 0
    assert len(events) == 100
    for notice_id in notices:
        mine = [event for event in events if event.originator_id == notice_id]
        assert [event.originator_version for event in mine] == list(range(1, 21))
        assert [event.read_at for event in mine] == list(range(20))


def test_redriving_flags_what_may_have_left(database: Database) -> None:
    now = now_micros()
    with database.begin() as conn:
        unknown = plan(conn, state="unknown")
        failed = plan(conn, state="failed")
        assert set(redrive(conn, database.bell, Filter(), now=now)) == {unknown, failed}
        assert delivery_row(conn, unknown).possible_duplicate is True
        assert delivery_row(conn, failed).possible_duplicate is False


def test_the_listing_walks_in_keyset_order(database: Database) -> None:
    with database.begin() as conn:
        for at in (1, 2, 2, 3):
            plan(conn, planned_at=at)
    with database.read() as conn:
        whole = conn.execute(listing(Filter(channel="email"), after=None, limit=10)).all()
        after = Place(whole[1].planned_at, whole[1].delivery_id)
        rest = conn.execute(listing(Filter(), after=after, limit=10)).all()
        assert summarise(conn.execute(stage_times(since=0)))["email"]["planned"]
    assert rest == whole[2:]


def test_an_open_breaker_lets_one_of_several_relays_try(database: Database) -> None:
    now = now_micros()
    with database.begin() as conn:
        plan_many(conn, [f"p{number}@example.test" for number in range(10)])
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), now)
        conn.execute(update(provider_health).values(next_try_at=now))
    sent: list[UUID] = []

    def step() -> None:
        options = RelayOptions(
            name="r", providers={"email": "smtp"}, queue_limit=1000, poll_seconds=1
        )
        Relay(database, lambda _, delivery_id, __: sent.append(delivery_id), options).step()

    in_parallel(step, step, step)
    assert len(sent) == 1
