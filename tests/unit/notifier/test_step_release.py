"""Steps of an escalation pass the storm brake when their time comes, as first news does."""

from sqlalchemy import select

from notifier import inbox
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, release
from notifier.schema import delivery, notice
from notifier.storm import Brake
from notifier.sweep import Sweeper
from notifier.ways import Ways
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created, paused
from tests.fakes.planning import World
from tests.fakes.postman import SECOND, Clock

ANA = ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100001")
HOLD_SECONDS = 1800
STEP_SECONDS = 900


class Desk:
    """Ana is told of four pauses by email, and by SMS a quarter of an hour later."""

    def __init__(self, database: Database, **limits: int) -> None:
        self.database = database
        self.clock = Clock(now=(chain.GENESIS + 10) // 60 * 60 * SECOND)
        ways = Ways(one_by_one=True, steps={"sms": STEP_SECONDS})
        self.world = World(database, ways=ways, clock=self.clock)
        self.world.register(ANA)
        self.world.record(*(created(1, n, stream_id=n) for n in range(1, 5)))
        self.world.record(*(paused(2, n, stream_id=n) for n in range(1, 5)))
        self.world.plan()
        brake = Brake(**({"per_minute": 0, "per_employer": 0} | limits), hold_seconds=HOLD_SECONDS)
        self.sweeper = Sweeper(database, sweep_seconds=1, brake=brake, clock=self.clock)

    def steps(self) -> list[tuple[str, str | None]]:
        rows = self.world.rows(select(delivery).where(delivery.c.channel == "sms"))
        return sorted(((row.state, row.reason) for row in rows), key=str)

    def sweep(self, seconds: float = 0) -> list[tuple[str, str | None]]:
        self.clock.pass_seconds(seconds)
        self.sweeper.step()
        return self.steps()


def test_steps_leave_at_their_time_where_there_is_no_limit(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database)
    assert desk.sweep(STEP_SECONDS - 1) == [("held", None)] * 4
    assert desk.sweep(1) == [("pending", None)] * 4


def test_steps_past_a_limit_wait_for_their_time_and_are_not_counted_twice(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database, per_employer=3)
    assert desk.sweep(STEP_SECONDS) == [("held", "storm")] + [("pending", None)] * 3
    assert desk.sweep(HOLD_SECONDS - 1) == [("held", "storm")] + [("pending", None)] * 3
    assert desk.sweep(1) == [("pending", None)] * 4


def test_a_person_may_let_them_go(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    assert desk.sweep(STEP_SECONDS).count(("held", "storm")) == 3
    with sqlite_database.begin() as conn:
        release(conn, sqlite_database.bell, Filter(reason="storm"), now=desk.clock())
    assert desk.sweep() == [("pending", None)] * 4


def test_a_step_that_the_brake_holds_still_ends_when_the_news_is_read(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    desk.sweep(STEP_SECONDS)
    with sqlite_database.begin() as conn:
        held = select(delivery.c.notice_id).where(delivery.c.reason == "storm")
        person = conn.scalars(
            select(notice.c.recipient_id).where(notice.c.notice_id.in_(held)).limit(1)
        ).one()
        inbox.mark_read(conn, person, None, desk.clock())
    assert desk.sweep() == [("cancelled", "seen")] * 3 + [("pending", None)]
