"""The storm brake: what is too much for a minute waits, for a person or for its time, and is never lost."""

import pytest
from sqlalchemy import select

from notifier import storm
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, cancel, release
from notifier.explaining import explain
from notifier.restraint import UNRESTRAINED, Restraint
from notifier.schema import delivery
from notifier.storm import Brake
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, created, paused
from tests.fakes.planning import World
from tests.fakes.postman import RESTRAINT, SECOND, Clock, Postman

ANA = ContactLine(EMPLOYEE, email="ana@example.org")
HOLD_SECONDS = 1800


class Desk:
    """A world that lets everything leave by itself, up to a limit."""

    def __init__(
        self, database: Database, *, restraint: Restraint = UNRESTRAINED, **limits: int
    ) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) // 60 * 60 * SECOND)
        brake = Brake(**({"per_minute": 0, "per_employer": 0} | limits), hold_seconds=HOLD_SECONDS)
        self.world = World(database, restraint=restraint, brake=brake, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.world.register(ANA)
        self.tell(*(created(1, number, stream_id=number) for number in range(1, 9)))

    def tell(self, *facts) -> None:
        self.world.record(*facts)
        self.world.plan()
        self.postman.sweep()
        self.postman.gather()
        self.postman.send()

    def emails(self) -> list[tuple[str, str | None]]:
        return [
            (state, why) for channel, state, why in self.world.deliveries() if channel == "email"
        ]

    def held(self) -> int:
        with self.world.database.read() as conn:
            return storm.standing(conn).held


@pytest.mark.parametrize(
    "limits", [{"per_minute": 2}, {"per_employer": 2}, {"per_minute": 9, "per_employer": 2}]
)
def test_past_a_limit_the_rest_is_held_and_the_inbox_is_not(
    sqlite_database: Database, limits: dict[str, int]
) -> None:
    desk = Desk(sqlite_database, **limits)
    desk.tell(*(paused(2, number, stream_id=number) for number in range(1, 5)))
    assert desk.emails() == [("accepted", None)] * 2 + [("held", "storm")] * 2
    inbox = [state for channel, state, _ in desk.world.deliveries() if channel == "in_app"]
    assert inbox == ["delivered"] * 8
    with desk.world.database.read() as conn:
        assert storm.standing(conn) == (2, desk.clock())


def test_the_next_minute_has_a_limit_of_its_own(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(2, 2, stream_id=2))
    assert desk.held() == 1
    desk.clock.pass_seconds(60)
    desk.tell(paused(3, 3, stream_id=3))
    desk.clock.pass_seconds(120)
    desk.tell(paused(4, 4, stream_id=4))
    assert desk.held() == 1
    assert len(desk.postman.messages) == 3


def test_one_employers_storm_holds_up_no_other(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_employer=1)
    desk.world.register(ContactLine(EMPLOYER, email="pay@example.org"))
    other = chain.facts.StreamPaused(
        **chain.place(2, 9), stream_id=99, employer=chain.OTHER, employee=EMPLOYEE
    )
    desk.tell(paused(2, 1, stream_id=1), other)
    assert desk.held() == 1
    assert {line.stream_id for each in desk.postman.messages for line in each.lines} == {1, 99}


def test_what_nobody_looks_at_leaves_after_its_time(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    desk.tell(*(paused(2, number, stream_id=number) for number in (1, 2, 3)))
    desk.clock.pass_seconds(HOLD_SECONDS)
    desk.tell()
    assert desk.emails() == [("accepted", None)] * 3


def test_what_was_held_is_told_together_where_it_may_be(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1, restraint=RESTRAINT)
    desk.world.register(ContactLine(EMPLOYEE, phone="+15550100001"))
    desk.tell(*(paused(2, number, stream_id=number) for number in (1, 2, 3)))
    desk.clock.pass_seconds(HOLD_SECONDS)
    desk.tell()
    assert [len(each.lines) for each in desk.postman.messages] == [1, 2, 3]


def test_counts_of_past_minutes_are_forgotten(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    desk.tell(paused(2, 1, stream_id=1))
    desk.clock.pass_seconds(3600)
    with desk.world.database.begin() as conn:
        assert storm.forget(conn, desk.clock()) == 0
        assert storm.forget(conn, desk.clock() + 60 * SECOND) == 1


def test_an_operator_releases_or_withdraws_what_is_held(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, per_minute=1)
    desk.tell(*(paused(2, number, stream_id=number) for number in (1, 2, 3)))
    database = desk.world.database
    held = desk.world.rows(select(delivery.c.delivery_id).where(delivery.c.reason == "storm"))
    one = held[0].delivery_id
    with database.begin() as conn:
        assert release(
            conn, database.bell, Filter(delivery=one, reason="storm"), now=desk.clock()
        ) == [one]
    desk.tell()
    assert len(desk.postman.messages) == 2
    with database.begin() as conn:
        assert len(cancel(conn, Filter(reason="storm"), now=desk.clock())) == 1
    assert desk.held() == 0
    assert sorted(desk.emails()) == [
        ("accepted", None),
        ("accepted", None),
        ("cancelled", "operator"),
    ]
    assert "release" in str(explain("held", "storm").remedy)
