"""The canary: one a minute whoever sends it, late when anything is, and nobody's history knows of it."""

import threading

import pytest
from sqlalchemy import func, insert, select, update

from notifier.canary import Canary, canary_minute
from notifier.latency import stage_times
from notifier.objectives import Tally
from notifier.outcomes import delivered, punctual
from notifier.schema import attempt, delivery, notice
from notifier.states import CANARY, EXPIRED, PENDING, QUEUED, move_one
from notifier.uptime import canary_latency, minutes
from store.schema import ledger_close, notice_fact_outbox
from tests.fakes.tried import tried

SECOND, MINUTE = 1_000_000, 60_000_000
CLOSED = 1_790_000_040  # a whole minute
NOW = CLOSED * SECOND + 2 * SECOND


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def canary(sqlite_database, clock):
    with sqlite_database.begin() as conn:
        conn.execute(insert(ledger_close), [{"ledger": 7, "closed_at": CLOSED}])
    return Canary(sqlite_database, channel=CANARY, clock=clock)


def rows(database, table):
    with database.read() as conn:
        return conn.execute(select(table)).all()


def tell(database, at):
    with database.begin() as conn:
        conn.execute(update(delivery).values(state="accepted", accepted_at=at))


def test_a_minute_has_one_canary_whoever_sends_it(canary, sqlite_database, clock):
    rival = Canary(sqlite_database, channel=CANARY, clock=clock)
    for sender in (canary, rival, canary, rival):
        sender.step()
    (sent,) = rows(sqlite_database, delivery)
    assert (sent.endpoint, sent.state, sent.contact_id) == (CANARY, PENDING, None)
    clock.now += MINUTE
    rival.step()
    canary.step()
    assert len(rows(sqlite_database, canary_minute)) == 2
    assert len(rows(sqlite_database, notice)) == 2


def test_before_the_first_ledger_there_is_nothing_to_pretend(sqlite_database, clock):
    early = Canary(sqlite_database, channel=CANARY, clock=clock)
    early.step()
    assert rows(sqlite_database, canary_minute) == []
    with sqlite_database.begin() as conn:
        conn.execute(insert(ledger_close), [{"ledger": 7, "closed_at": CLOSED}])
        assert canary_latency(conn, NOW) is None
        assert minutes(conn, since=0, now=NOW, seconds=30) == Tally(0, {})
    early.step()
    assert len(rows(sqlite_database, canary_minute)) == 1


def test_no_fact_of_it_enters_the_log(canary, sqlite_database):
    canary.step()
    (sent,) = rows(sqlite_database, delivery)
    with sqlite_database.begin() as conn:
        move = {"guard": {}, "now": NOW, "changes": {}}
        move_one(conn, sent.delivery_id, origin=frozenset({PENDING}), to=QUEUED, **move)
        move_one(conn, sent.delivery_id, origin=frozenset({QUEUED}), to=EXPIRED, **move)
    assert rows(sqlite_database, delivery)[0].state == EXPIRED
    assert rows(sqlite_database, notice_fact_outbox) == []


def test_it_is_counted_neither_for_peoples_objectives_nor_their_latency(canary, sqlite_database):
    canary.step()
    tell(sqlite_database, NOW)
    with sqlite_database.read() as conn:
        assert conn.execute(stage_times(since=0)).all() == []
        assert delivered(conn, 0) == Tally(0, {})
        assert punctual(conn, 0, now=NOW, seconds=1) == Tally(0, {})


def test_its_latency_is_the_last_told_ones_and_grows_while_one_waits(
    canary, sqlite_database, clock
):
    canary.step()
    with sqlite_database.read() as conn:
        assert canary_latency(conn, NOW + 5 * SECOND) == 7
    tell(sqlite_database, NOW + SECOND)
    clock.now = NOW + MINUTE
    with sqlite_database.read() as conn:
        assert canary_latency(conn, clock.now) == 3
    canary.step()  # no newer ledger is known: as news in the last one would be, it is a minute late
    with sqlite_database.read() as conn:
        assert canary_latency(conn, clock.now + SECOND) == 63
        assert canary_latency(conn, clock.now + 3 * MINUTE) == 182 + 60
        assert canary_latency(conn, clock.now + 61 * MINUTE) is None


def test_that_none_is_sent_is_late_too(canary, sqlite_database):
    canary.step()
    tell(sqlite_database, NOW)
    with sqlite_database.read() as conn:
        assert canary_latency(conn, NOW + MINUTE) == 2
        assert canary_latency(conn, NOW + 4 * MINUTE) == 240


def test_a_minute_is_up_if_its_canary_was_told_in_time(canary, sqlite_database, clock):
    for minute in (0, 1, 2, 4):  # none in the fourth minute
        clock.now = NOW + minute * MINUTE
        with sqlite_database.begin() as conn:
            conn.execute(
                insert(ledger_close).values(ledger=8 + minute, closed_at=CLOSED + 60 * minute)
            )
        canary.step()
        with sqlite_database.begin() as conn:
            told = {0: 3 * SECOND, 1: 50 * SECOND}.get(minute)
            if told:
                conn.execute(
                    update(delivery)
                    .where(delivery.c.planned_at == clock.now)
                    .values(accepted_at=clock.now + told)
                )
    with sqlite_database.read() as conn:
        tally = minutes(conn, since=0, now=NOW + 5 * MINUTE, seconds=30)
        assert (tally.good, tally.lost) == (1, 3)
        assert tally.bad == {
            "minutes whose canary took over 30 s": 1,
            "minutes whose canary was not told": 1,
            "minutes without a canary": 1,
        }
        later = minutes(conn, since=NOW + 3 * MINUTE, now=NOW + 9 * MINUTE, seconds=30)
    assert later.bad == {
        "minutes whose canary was not told": 1,
        "minutes without a canary": 3,
    }


def test_its_rows_go_after_a_day_and_its_times_stay(canary, sqlite_database, clock):
    canary.step()
    (sent,) = rows(sqlite_database, delivery)
    tell(sqlite_database, NOW + SECOND)
    with sqlite_database.begin() as conn:
        tried(conn, sent.delivery_id, 1, result="accepted", ended_at=1)
    clock.now = NOW + MINUTE
    canary.step()
    clock.now = NOW + 24 * 60 * MINUTE + SECOND
    canary.step()
    assert sent.delivery_id not in {row.delivery_id for row in rows(sqlite_database, delivery)}
    assert rows(sqlite_database, attempt) == []
    with sqlite_database.read() as conn:
        told = conn.scalars(select(canary_minute.c.told_at).order_by(canary_minute.c.minute))
        assert list(told) == [NOW + SECOND, None, None]
        assert conn.scalar(select(func.count()).select_from(canary_minute)) == 3
    clock.now = NOW + 95 * 24 * 60 * MINUTE
    canary.step()
    assert len(rows(sqlite_database, canary_minute)) == 1


def test_it_is_sent_until_told_to_stop(canary, sqlite_database):
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    canary.run(stop)
    assert len(rows(sqlite_database, canary_minute)) == 1
