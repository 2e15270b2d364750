"""Restraint: what leaves at once, what is told together, and what need not be told any more."""

import pytest
from sqlalchemy import select, update

from notifier import switch
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, cancel, release
from notifier.erasure import erase
from notifier.explaining import explain
from notifier.notice_story import story_of
from notifier.outcomes import punctual
from notifier.preferences import Preferences, Quiet
from notifier.restraint import Restraint
from notifier.schema import delivery, notice
from notifier.told_as import DELIVERIES, told_columns
from notifier.wishing import set_preferences
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, cancelled, created, paused, resumed
from tests.fakes.planning import World
from tests.fakes.postman import RESTRAINT, SECOND, Clock, Postman, Told

ANA = ContactLine(EMPLOYEE, email="ana@example.org")
PAYER = ContactLine(EMPLOYER, email="pay@example.org")


class Desk:
    """A world with restraint, its clock and its postman."""

    def __init__(self, database: Database, restraint: Restraint = RESTRAINT) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(database, restraint=restraint, clock=self.clock)
        self.postman = Postman(self.world, self.clock)

    def tell(self, *facts, after: float = 0) -> None:
        """Record, plan, and let leave what may."""
        self.clock.pass_seconds(after)
        self.world.record(*facts)
        self.world.plan()
        self.postman.send()

    def wait(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)
        self.postman.sweep()
        self.postman.gather()
        self.postman.send()

    def read(self) -> list[list[tuple]]:
        """The messages so far, line by line."""
        return [[tuple(line) for line in each.lines] for each in self.postman.messages]

    def emails(self) -> list[tuple[str, str | None]]:
        rows = self.world.rows(
            select(delivery, notice.c.position)
            .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
            .where(delivery.c.channel == "email")
            .order_by(notice.c.position)
        )
        return [(row.state, row.reason) for row in rows]


@pytest.fixture
def desk(sqlite_database: Database) -> Desk:
    desk = Desk(sqlite_database)
    desk.world.register(ANA)
    desk.tell(*(created(1, number, stream_id=number) for number in range(1, 6)))
    return desk


def test_the_first_news_leaves_at_once_and_what_follows_is_told_together(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), paused(3, 3, stream_id=3), after=5)
    assert desk.read() == [[("paused", 1)]]
    desk.wait(54)
    assert desk.read() == [[("paused", 1)]]
    desk.wait(1)
    assert desk.read()[1:] == [[("paused", 2), ("paused", 3)]]
    assert desk.emails() == [("accepted", None), ("cancelled", "digest"), ("accepted", None)]


def test_another_kind_has_its_own_first_news(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(resumed(3, 1, stream_id=1), after=5)
    assert desk.read() == [[("paused", 1)], [("resumed", 1)]]


def test_a_window_begins_anew_with_what_was_told_together(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), after=30)
    desk.wait(30)
    desk.tell(paused(4, 3, stream_id=3), after=1)
    desk.wait(58)
    assert len(desk.read()) == 2
    desk.wait(1)
    assert desk.read()[2:] == [[("paused", 3)]]
    desk.tell(paused(5, 4, stream_id=4), after=61)
    assert desk.read()[3:] == [[("paused", 4)]]


def test_a_pause_and_its_end_that_both_wait_answer_each_other(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), after=5)
    desk.tell(resumed(4, 2, stream_id=2), after=5)
    desk.wait(60)
    assert desk.read() == [[("paused", 1)]]
    assert desk.emails()[1:] == [("cancelled", "answered")] * 2


def test_a_resume_that_has_not_left_is_withdrawn_with_the_next_pause(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.clock.pass_seconds(5)
    desk.world.record(resumed(3, 1, stream_id=1))
    desk.world.plan()
    desk.postman.send(fails=frozenset({"email"}))
    desk.world.record(paused(4, 1, stream_id=1))
    desk.world.plan()
    desk.wait(66)
    desk.wait(66)
    assert desk.read() == [[("paused", 1)]]
    assert desk.emails()[1:] == [("cancelled", "answered")] * 2


def test_a_cancellation_is_told_though_the_pause_before_it_is_not(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), after=5)
    desk.tell(cancelled(4, 2, stream_id=2), after=5)
    desk.wait(60)
    assert desk.read()[1:] == [[("cancelled_while_paused", 2)]]


def test_an_employer_who_pauses_many_streams_reads_one_summary(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database)
    desk.world.register(PAYER)
    many = range(1, 501)
    desk.tell(*(created(1, number, stream_id=number) for number in many))
    desk.tell(*(paused(2, number, stream_id=number) for number in many))
    assert desk.read() == []
    desk.wait(3)
    (message,) = desk.postman.messages
    assert len(message.lines) == 500
    assert {line.kind for line in message.lines} == {"paused"}
    desk.wait(300)
    assert len(desk.read()) == 1


def test_an_employers_first_news_of_one_stream_comes_a_moment_later(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database)
    desk.world.register(PAYER)
    desk.tell(created(1), paused(2))
    assert desk.read() == []
    desk.wait(3)
    assert desk.read() == [[("paused", 7)]]
    desk.tell(resumed(3), after=5)
    desk.wait(3)
    assert desk.read()[1:] == [[("resumed", 7)]]


def test_an_employers_pause_taken_back_at_once_leaves_the_next_one_the_first(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database)
    desk.world.register(PAYER)
    desk.tell(created(1), paused(2), resumed(3))
    desk.wait(3)
    assert desk.read() == []
    desk.tell(paused(4), after=1)
    desk.wait(3)
    assert desk.read() == [[("paused", 7)]]


def test_a_provider_that_was_away_leaves_one_message_behind(desk: Desk) -> None:
    away = frozenset({"email"})
    for number in range(1, 5):
        desk.clock.pass_seconds(40)
        desk.world.record(paused(1 + number, number, stream_id=number))
        desk.world.plan()
        desk.postman.gather()
        desk.postman.send(fails=away)
    for _ in range(5):
        desk.wait(61)
    (message,) = desk.postman.messages
    assert message.lines == tuple(Told("paused", number) for number in range(1, 5))


def test_what_waits_on_is_not_left_with_a_message_that_no_longer_tells_it(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), paused(3, 3, stream_id=3), after=5)
    away = frozenset({"email"})
    desk.clock.pass_seconds(55)
    desk.postman.gather()
    desk.postman.send(fails=away)
    desk.clock.pass_seconds(10)
    desk.world.record(resumed(4, 2, stream_id=2))
    desk.world.plan()
    desk.clock.pass_seconds(1)
    desk.world.record(paused(5, 2, stream_id=2), paused(5, 4, stream_id=4))
    desk.world.record(resumed(6, 4, stream_id=4))
    desk.world.plan()
    desk.wait(49)
    assert desk.read()[1:] == [[("paused", 3)]]
    desk.wait(10)
    desk.wait(60)
    assert desk.read()[2:] == [[("paused", 2)]]


def test_what_is_overtaken_by_newer_news_stays_here(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(resumed(3, 1, stream_id=1), after=100)
    with desk.world.database.begin() as conn:
        first = delivery.c.notice_id.in_(
            select(notice.c.notice_id).where(notice.c.kind == "paused")
        )
        again = {"state": "pending", "available_at": desk.clock()}
        conn.execute(update(delivery).where(first, delivery.c.channel == "email").values(**again))
    desk.wait(1)
    assert len(desk.read()) == 2
    assert desk.emails()[0] == ("cancelled", "overtaken")


def test_a_digest_without_the_one_that_carries_it_is_told_all_the_same(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(*(paused(3, number, stream_id=number) for number in (2, 3, 4)), after=5)
    desk.clock.pass_seconds(60)
    desk.postman.gather()
    with desk.world.database.begin() as conn:
        carrier = conn.scalar(select(delivery.c.delivery_id).where(delivery.c.digest))
        assert cancel(conn, Filter(delivery=carrier), now=desk.clock()) == [carrier]
    desk.wait(1)
    assert desk.read()[1:] == [[("paused", 2), ("paused", 3)]]
    assert desk.emails()[-1] == ("cancelled", "operator")


def test_a_person_who_is_forgotten_is_told_nothing_of_what_waits(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(*(paused(3, number, stream_id=number) for number in (2, 3)), after=5)
    desk.clock.pass_seconds(60)
    desk.postman.gather()
    with desk.world.database.begin() as conn:
        erase(conn, desk.world.vault, EMPLOYEE, desk.clock())
    desk.wait(1)
    assert len(desk.read()) == 1
    assert desk.emails()[1:] == [("cancelled", "erased")] * 2


def test_quiet_hours_end_with_one_message(desk: Desk) -> None:
    desk.world.register(ContactLine(EMPLOYEE, phone="+15550100001"))
    minute = desk.clock() // SECOND % 86_400 // 60
    quiet = Quiet((minute - 1) % 1440, (minute + 10) % 1440)
    with desk.world.database.begin() as conn:
        set_preferences(
            conn,
            desk.world.vault,
            EMPLOYEE,
            Preferences(quiet=quiet),
            language="en",
            now=desk.clock(),
        )
    for number in range(1, 5):
        desk.tell(paused(1 + number, number, stream_id=number), after=90)
    assert {each.place[0] for each in desk.postman.messages} == {"email"}
    desk.wait(600)
    (message,) = (each for each in desk.postman.messages if each.place[0] == "sms")
    assert len(message.lines) == 4


def test_no_window_lets_every_notice_leave_by_itself(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, Restraint(window_seconds=0, collect_seconds=3))
    desk.world.register(ANA, PAYER)
    desk.tell(created(1, 1, stream_id=1), created(1, 2, stream_id=2))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    assert len(desk.read()) == 4


def test_what_is_held_says_so_and_what_is_carried_names_its_carrier(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(*(paused(3, number, stream_id=number) for number in (2, 3)), after=5)
    assert desk.emails()[1:] == [("held", "gathered")] * 2
    assert "to be told in one message" in explain("held", "gathered").text
    desk.wait(60)
    with desk.world.database.read() as conn:
        carried = select(delivery.c.notice_id).where(delivery.c.carried_by.is_not(None))
        row = conn.execute(select(notice).where(notice.c.notice_id.in_(carried))).one()
        (story,) = (
            each for each in story_of(conn, row)["deliveries"] if each["channel"] == "email"
        )
        told = conn.execute(
            select(*told_columns())
            .select_from(DELIVERIES)
            .where(delivery.c.carried_by.is_not(None))
        ).one()
    assert story["reason"] == "digest"
    assert str(story["carried_by"]) in story["explanation"]
    assert "taken by the provider" in story["explanation"]
    assert told.state == "accepted"
    assert told.accepted_at == desk.clock()


def test_a_held_delivery_is_punctual_by_when_it_was_let_go(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2), after=5)
    desk.wait(60)
    with desk.world.database.read() as conn:
        tally = punctual(conn, 0, now=desk.clock(), seconds=30)
    assert (tally.good, sum(tally.bad.values())) == (2, 0)


def test_the_sending_switch_holds_a_digest_back_whole(desk: Desk) -> None:
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(*(paused(3, number, stream_id=number) for number in (2, 3)), after=5)
    with desk.world.database.begin() as conn:
        switch.pause(conn, reason=None, now=desk.clock())
    desk.wait(60)
    assert len(desk.read()) == 1
    with desk.world.database.begin() as conn:
        switch.resume(conn, desk.world.database.bell, now=desk.clock())
    desk.wait(1)
    assert desk.read()[1:] == [[("paused", 2), ("paused", 3)]]


def test_what_an_operator_lets_go_beyond_the_days_money_is_so_in_its_digest_too(desk: Desk) -> None:
    """The newest news of each stream leaves, be it released or not: it stands for what was."""
    desk.clock.pass_seconds(1)
    desk.world.record(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.world.plan()
    email = delivery.c.channel == "email"
    tomorrow = desk.clock() + 86_400 * SECOND
    with desk.world.database.begin() as conn:
        held = {"state": "held", "reason": "cost_cap", "available_at": tomorrow}
        conn.execute(update(delivery).where(email).values(held | {"deadline_at": tomorrow}))
        release(conn, desk.world.database.bell, Filter(reason="cost_cap"), now=desk.clock())
    desk.world.record(resumed(3, 1, stream_id=1))
    desk.world.plan()
    desk.wait(0)
    rows = desk.world.rows(select(delivery).where(email))
    assert {row.over_cap for row in rows if row.state == "accepted"} == {True}
