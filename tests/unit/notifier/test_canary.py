"""The canary: one a minute whoever sees to it, late when anything is, and nobody's history knows of it."""

import threading

import pytest
from sqlalchemy import func, insert, select, update
from structlog.testing import capture_logs

from notifier.canary import Canary, canary_minute
from notifier.canary_planning import CANARY_NOT_PLANNED
from notifier.latency import stage_times
from notifier.objectives import Tally
from notifier.outcomes import delivered, punctual
from notifier.schema import attempt, delivery, notice
from notifier.states import CANARY, EXPIRED, PENDING, QUEUED, move_one
from notifier.uptime import canary_latency, minutes
from store.errors import DatabaseLocked
from store.schema import ledger_close, notice_fact_outbox
from tests.fakes.chain import created, paused
from tests.fakes.planning import World
from tests.fakes.tried import tried

SECOND, MINUTE, DAY = 1_000_000, 60_000_000, 86_400_000_000
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


class Sender:
    """A process that has canaries fall due, and plans while `plans`."""

    def __init__(self, database, clock):
        self.canary = Canary(database, clock=clock)
        self.world = World(database, canaries=CANARY, clock=clock)
        self.plans = True

    def step(self):
        self.canary.step()
        if self.plans:
            self.world.plan()


@pytest.fixture
def canary(sqlite_database, clock):
    with sqlite_database.begin() as conn:
        conn.execute(insert(ledger_close), [{"ledger": 7, "closed_at": CLOSED}])
    return Sender(sqlite_database, clock)


def rows(database, table):
    with database.read() as conn:
        return conn.execute(select(table)).all()


def tell(database, at):
    with database.begin() as conn:
        conn.execute(update(delivery).values(state="accepted", accepted_at=at))


def test_a_minute_has_one_canary_whoever_sends_it(canary, sqlite_database, clock):
    rival = Sender(sqlite_database, clock)
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
    early = Sender(sqlite_database, clock)
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
        # An outage of a day is late for a day.
        assert canary_latency(conn, clock.now + DAY) == DAY // SECOND + 62
        assert canary_latency(conn, clock.now + 8 * DAY) is None


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
    canary.canary.run(stop)
    assert len(rows(sqlite_database, canary_minute)) == 1


def tally(database, now):
    with database.read() as conn:
        return minutes(conn, since=0, now=now, seconds=30)


def test_while_planning_stands_still_its_minutes_are_down(canary, sqlite_database, clock):
    """As long as nobody plans, nothing is to be told: the canary is late, then missed, as news is."""
    canary.step()
    tell(sqlite_database, NOW + SECOND)
    canary.plans = False
    for minute in range(1, 11):
        clock.now = NOW + minute * MINUTE
        canary.step()
    assert len(rows(sqlite_database, delivery)) == 1
    with sqlite_database.read() as conn:
        assert canary_latency(conn, clock.now) == 602  # of the first that is not told
    down = tally(sqlite_database, clock.now + 2 * MINUTE)
    assert (down.good, down.bad["minutes whose canary was not told"]) == (1, 10)
    canary.plans = True
    canary.step()
    planned = {row.minute for row in rows(sqlite_database, canary_minute) if not row.waits_for}
    first = NOW // MINUTE
    # The log is empty, so that each waits for position 0: those within the deadline are planned now.
    waiting = {
        row.minute for row in rows(sqlite_database, canary_minute) if row.waits_for is not None
    }
    assert waiting == {first + minute for minute in range(1, 6)}
    assert len(rows(sqlite_database, delivery)) == 6
    assert planned >= {first, first + 6, first + 10}


def test_planning_tells_of_it_when_it_has_come_to_where_it_fell_due(canary, sqlite_database):
    canary.world.record(created(1), paused(2), paused(3))
    canary.plans = False
    canary.step()
    one_by_one = World(sqlite_database, canaries=CANARY, chunk_events=1, clock=canary.canary._clock)
    passed = []
    while one_by_one.follower.step():
        with sqlite_database.read() as conn:
            told = conn.scalar(select(func.count()).where(delivery.c.endpoint == CANARY))
            passed.append((one_by_one.follower.position(conn), told))
    assert passed[:3] == [(1, 0), (2, 0), (3, 1)]


def test_planning_that_cannot_go_on_plans_no_canary_either(canary, sqlite_database):
    def fail(*_):
        raise DatabaseLocked

    canary.world.record(created(1), paused(2))
    canary.world.follower._apply = fail
    with pytest.raises(DatabaseLocked):
        canary.step()
    assert rows(sqlite_database, delivery) == []
    assert rows(sqlite_database, canary_minute)[0].waits_for == 2


def test_a_canary_that_fails_does_not_stop_planning(canary, sqlite_database):
    no_column_takes_this = 2**70
    world = World(sqlite_database, canaries=no_column_takes_this, clock=canary.canary._clock)
    world.record(created(1), paused(2))
    canary.plans = False
    canary.step()
    with capture_logs() as logs:
        world.plan()
    with sqlite_database.read() as conn:
        assert world.follower.position(conn) == 2
        assert set(conn.scalars(select(notice.c.kind))) == {"paused"}
    assert {each["event"] for each in logs} == {CANARY_NOT_PLANNED}


def test_with_nothing_new_in_the_log_it_makes_planning_take_its_step(canary, sqlite_database):
    assert canary.world.follower.step() == 0
    canary.canary.step()
    assert canary.world.follower.step() == 0  # no position was passed
    (sent,) = rows(sqlite_database, delivery)
    assert sent.state == PENDING
    assert canary.world.follower.step() == 0
    assert len(rows(sqlite_database, delivery)) == 1
