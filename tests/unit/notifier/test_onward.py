"""One channel after another, over a real database: failures, steps, reading, and the pause's end."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from notifier import inbox, states, steps, suppression
from notifier.contact_file import ContactLine
from notifier.onward import Onward
from notifier.preferences import Preferences, Quiet
from notifier.purpose_schema import onward
from notifier.schema import contact, delivery, notice, recipient
from notifier.spending import COST_CAP, Caps, Spending
from notifier.storm import Brake
from notifier.sweep import Sweeper
from notifier.ways import Ways
from notifier.wishing import set_preferences
from store.clock import now_micros
from store.engine import Database
from store.migrate import upgrade
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER, cancelled, created, paused, resumed
from tests.fakes.planning import FOREVER, World

MINUTE = 60_000_000
WAYS = Ways(one_by_one=True, steps={"email": 900, "sms": 7_200})
ANA = ContactLine(
    EMPLOYEE, email="ana@example.org", phone="+15550100001", push="ntfy:pausewire-ana"
)


class Desk:
    """A world in which Ana is told on one channel at a time, and the roles that look after it."""

    def __init__(self, database: Database, ways: Ways = WAYS, line: ContactLine = ANA) -> None:
        self.world = World(database, ways=ways)
        self.database = database
        self.shift = 0
        self.world.register(line)
        self.onward = Onward(
            database, self.world.vault, FOREVER, poll_seconds=0.01, clock=lambda: self.now
        )
        self.sweeper = Sweeper(database, sweep_seconds=1, clock=lambda: self.now)

    @property
    def now(self) -> int:
        return now_micros() + self.shift

    def tell(self, *facts: Any) -> None:
        self.world.record(*facts)
        self.world.plan()

    def wish(self, wish: Preferences) -> None:
        with self.database.begin() as conn:
            set_preferences(conn, self.world.vault, EMPLOYEE, wish, language="en", now=self.now)

    def end(self, channel: str, state: str, *, kind: str = "paused") -> None:
        """Let what is on a channel end, as a worker or a callback would."""
        self.change(channel, kind, lambda conn, of: self._end(conn, of, state))

    def _end(self, conn: Any, of: Any, state: str) -> None:
        if state == states.BOUNCED:
            conn.execute(update(delivery).where(of).values(state="accepted"))
        if state == states.FAILED:
            conn.execute(update(delivery).where(of).values(state="claimed"))
        origin = {states.BOUNCED: "accepted", states.FAILED: "claimed"}.get(state, "pending")
        states.move_all(
            conn, of, origin=frozenset({origin}), to=state, now=self.now, changes={"reason": "x"}
        )

    def change(self, channel: str, kind: str, change: Callable[[Any, Any], None]) -> None:
        mine = select(notice.c.notice_id).where(
            notice.c.kind == kind, notice.c.recipient_id == self.ana()
        )
        with self.database.begin() as conn:
            change(conn, (delivery.c.channel == channel) & delivery.c.notice_id.in_(mine))

    def ana(self) -> str:
        lookup = self.world.vault.account_lookup(EMPLOYEE)
        with self.database.read() as conn:
            query = select(recipient.c.recipient_id).where(recipient.c.account_lookup == lookup)
            return str(conn.scalars(query).one())

    def go(self) -> None:
        while self.onward.step():
            pass
        self.sweeper.step()  # lets out the steps that were brought forward

    def read(self) -> None:
        with self.database.begin() as conn:
            inbox.mark_read(conn, self.ana(), None, self.now)

    def stand(self, kind: str = "paused") -> dict[str, tuple[str, str | None, str | None]]:
        """(state, reason, purpose) by channel, of Ana's notice of this kind."""
        query = (
            select(delivery)
            .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
            .where(notice.c.kind == kind, notice.c.recipient_id == self.ana())
            .where(delivery.c.channel != "in_app")
        )
        return {row.channel: (row.state, row.reason, row.purpose) for row in self.world.rows(query)}


@pytest.fixture
def desk(sqlite_database: Database) -> Desk:
    made = Desk(sqlite_database)
    made.tell(created(1), paused(2))
    return made


def test_a_pause_is_told_on_the_first_channel_and_later_on_the_others(desk: Desk) -> None:
    assert desk.stand() == {
        "push": ("pending", None, None),
        "email": ("held", None, "step_until_read"),
        "sms": ("held", None, "step_until_read"),
    }
    desk.shift = 16 * MINUTE
    desk.sweeper.step()
    assert [state for state, _, _ in desk.stand().values()].count("pending") == 2
    assert desk.stand()["sms"][0] == "held"
    desk.shift = 121 * MINUTE
    desk.sweeper.step()
    assert desk.stand()["sms"][0] == "pending"


def test_planning_once_more_makes_no_second_step(desk: Desk) -> None:
    before = desk.stand()
    again = World(desk.database, ways=WAYS)
    again.plan()
    desk.tell(paused(2))
    assert desk.stand() == before


def test_reading_ends_the_steps(desk: Desk) -> None:
    desk.read()
    assert desk.stand()["email"] == ("cancelled", "seen", "step_until_read")
    assert desk.stand()["sms"][:2] == ("cancelled", "seen")
    assert desk.stand()["push"][0] == "pending"
    desk.read()


@pytest.mark.parametrize(
    ("fact", "kind"), [(resumed, "resumed"), (cancelled, "cancelled_while_paused")]
)
def test_the_end_of_the_pause_ends_the_steps(desk: Desk, fact: Any, kind: str) -> None:
    desk.tell(fact(3))
    assert desk.stand()["email"][:2] == ("cancelled", "over")
    assert desk.stand()["sms"][:2] == ("cancelled", "over")
    assert desk.stand(kind)["push"][0] == "pending"


def test_the_end_of_another_streams_pause_ends_nothing(desk: Desk) -> None:
    desk.tell(created(3, stream_id=8), paused(4, stream_id=8), resumed(5, stream_id=8))
    assert desk.stand()["email"] is not None
    with desk.database.read() as conn:
        held = conn.execute(
            select(notice.c.stream_id)
            .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
            .where(delivery.c.state == "held")
        ).all()
    assert {row.stream_id for row in held} == {7}


@pytest.mark.parametrize("state", ["failed", "bounced", "expired", "suppressed"])
def test_what_comes_to_nothing_brings_the_next_step_forward(desk: Desk, state: str) -> None:
    desk.end("push", state)
    desk.go()
    assert desk.stand()["email"] == ("pending", None, "step_until_read")
    assert desk.stand()["sms"][0] == "held"
    desk.end("email", state)
    desk.go()
    assert desk.stand()["sms"][0] == "pending"
    desk.end("sms", state)
    desk.go()
    assert {each[0] for each in desk.stand().values()} == {state}


def test_news_that_does_not_matter_goes_onward_by_failures_only(desk: Desk) -> None:
    desk.tell(resumed(3))
    assert set(desk.stand("resumed")) == {"push"}
    desk.end("push", "failed", kind="resumed")
    desk.go()
    assert desk.stand("resumed")["email"] == ("pending", None, "instead_of_push")
    assert "sms" not in desk.stand("resumed")
    desk.go()
    desk.end("email", "failed", kind="resumed")
    desk.go()
    assert desk.stand("resumed")["sms"] == ("pending", None, "instead_of_email")


def test_a_failure_that_is_told_twice_makes_one_delivery(desk: Desk) -> None:
    desk.tell(resumed(3))
    desk.end("push", "failed", kind="resumed")
    desk.go()
    with desk.database.begin() as conn:
        ids = conn.scalars(select(notice.c.notice_id)).all()
        conn.execute(insert(onward), [{"notice_id": each, "created_at": 1} for each in ids])
    desk.go()
    assert set(desk.stand("resumed")) == {"push", "email"}


def test_a_person_whose_row_is_spoilt_keeps_nobody_else_waiting(desk: Desk) -> None:
    desk.world.register(ContactLine(OTHER, email="bo@example.org", push="ntfy:pausewire-bo"))
    desk.tell(created(3, stream_id=9, employee=OTHER), paused(4, stream_id=9, employee=OTHER))
    with desk.database.begin() as conn:
        mine = recipient.c.recipient_id == desk.ana()
        conn.execute(update(recipient).where(mine).values(wrapped_key=b"spoilt" * 20))
        pushes = delivery.c.channel == "push"
        states.move_all(
            conn,
            pushes,
            origin=frozenset({"pending"}),
            to=states.SUPPRESSED,
            now=desk.now,
            changes={"reason": "x"},
        )
    desk.go()
    emails = desk.world.rows(
        select(delivery.c.state, notice.c.stream_id)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(delivery.c.channel == "email", notice.c.kind == "paused")
    )
    assert {row.stream_id: row.state for row in emails} == {7: "held", 9: "pending"}


@pytest.mark.parametrize("state", ["unknown", "accepted", "delivered", "retry_wait"])
def test_what_another_channel_carries_needs_no_other_way(desk: Desk, state: str) -> None:
    desk.tell(resumed(3))
    with desk.database.begin() as conn:
        conn.execute(update(delivery).where(delivery.c.channel == "push").values(state=state))
        conn.execute(
            insert(onward),
            [
                {"notice_id": each, "created_at": 1}
                for each in conn.scalars(select(notice.c.notice_id))
            ],
        )
    desk.go()
    assert set(desk.stand("resumed")) == {"push"}


def test_one_of_two_devices_that_fails_is_not_the_channel(desk: Desk) -> None:
    desk.tell(resumed(3))
    with desk.database.begin() as conn:
        row = conn.execute(select(delivery).where(delivery.c.channel == "push")).first()
        assert row is not None
        second = dict(row._mapping) | {"delivery_id": UUID(int=5), "endpoint": "another"}
        conn.execute(insert(delivery).values(second))
    desk.change(
        "push",
        "resumed",
        lambda conn, of: desk._end(conn, of & (delivery.c.endpoint == "another"), "failed"),
    )
    desk.go()
    assert set(desk.stand("resumed")) == {"push"}


def test_consent_and_suppression_are_respected(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database)
    desk.wish(Preferences(off=(("resumed", "email"),)))
    lookup = desk.world.vault.destination_lookup("sms", ANA.phone)
    with sqlite_database.begin() as conn:
        suppression.put(conn, "sms", lookup, "stop", source="t", at=1)
    desk.tell(created(1), paused(2), resumed(3))
    desk.end("push", "failed", kind="resumed")
    desk.go()
    assert "pending" not in {each[0] for each in desk.stand("resumed").values()}


def test_another_way_keeps_quiet_hours(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database)
    desk.tell(created(1), paused(2))
    desk.wish(Preferences(quiet=Quiet(0, 24 * 60 - 1), order=("push", "sms")))
    desk.end("push", "failed")
    desk.go()
    assert desk.stand()["sms"][0] == "held"  # a step that is brought forward, to their end
    desk.wish(Preferences(order=("push", "sms")))
    desk.tell(resumed(3))
    desk.wish(Preferences(quiet=Quiet(0, 24 * 60 - 1), order=("push", "sms")))
    desk.end("push", "failed", kind="resumed")
    desk.go()
    assert desk.stand("resumed")["sms"] == ("held", None, "instead_of_push")


def test_who_has_read_it_or_is_gone_needs_no_other_way(desk: Desk) -> None:
    desk.tell(resumed(3))
    desk.read()
    desk.end("push", "failed", kind="resumed")
    desk.go()
    assert set(desk.stand("resumed")) == {"push"}
    with desk.database.begin() as conn:
        conn.execute(insert(onward).values(notice_id=UUID(int=9), created_at=1))
        conn.execute(update(notice).values(read_at=None, content=None))
        conn.execute(
            insert(onward),
            [
                {"notice_id": each, "created_at": 1}
                for each in conn.scalars(select(notice.c.notice_id))
            ],
        )
    desk.go()
    assert set(desk.stand("resumed")) == {"push"}


def test_news_that_is_too_old_for_every_channel_goes_nowhere(desk: Desk) -> None:
    desk.tell(resumed(3))
    late = Onward(desk.database, desk.world.vault, {"email": 1, "sms": 1}, poll_seconds=1)
    desk.end("push", "failed", kind="resumed")
    while late.step():
        pass
    assert set(desk.stand("resumed")) == {"push"}


def test_who_is_told_everywhere_at_once_gets_nothing_twice(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, Ways())
    desk.tell(created(1), paused(2))
    desk.end("push", "failed")
    desk.go()
    assert {name: each[0] for name, each in desk.stand().items()} == {
        "push": "failed",
        "email": "pending",
        "sms": "pending",
    }


def test_a_contact_that_came_later_is_a_way_for_everybody(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database, Ways(), ContactLine(EMPLOYEE, email=ANA.email))
    desk.tell(created(1), paused(2))
    desk.world.register(ANA)
    desk.end("email", "bounced")
    desk.go()
    assert desk.stand()["push"] == ("pending", None, "instead_of_email")


def test_a_confirmation_ends_steps_where_settings_say_so(sqlite_database: Database) -> None:
    ways = Ways(one_by_one=True, steps=WAYS.steps, until_delivered=True)
    desk = Desk(sqlite_database, ways)
    desk.tell(created(1), paused(2))

    def arrive(conn: Any, of: Any) -> None:
        for each in conn.scalars(select(delivery.c.notice_id).where(of)).all():
            steps.arrived(conn, each, desk.now)

    desk.change("push", "paused", arrive)
    assert desk.stand()["email"][:2] == ("cancelled", "arrived")


def test_a_confirmation_ends_nothing_where_it_must_be_read(desk: Desk) -> None:
    with desk.database.begin() as conn:
        for each in conn.scalars(select(notice.c.notice_id)).all():
            assert steps.arrived(conn, each, desk.now) == 0


def test_the_employer_has_ways_of_their_own(desk: Desk) -> None:
    desk.world.register(ContactLine(EMPLOYER, email="boss@example.org"))
    desk.tell(created(3, stream_id=9), paused(4, stream_id=9))
    rows = desk.world.rows(
        select(delivery)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(notice.c.recipient_id != desk.ana(), delivery.c.channel == "email")
    )
    assert [(row.state, row.purpose) for row in rows] == [("pending", None)]


ACTS = ("fail push", "fail email", "fail sms", "read", "resume", "go", "go", "replan", "later")


def deeds_of(desk: Desk) -> dict[str, Callable[[], None]]:
    def later() -> None:
        desk.shift += 60 * MINUTE
        desk.sweeper.step()

    def fail(channel: str) -> Callable[[], None]:
        return lambda: desk.change(
            channel, "paused", lambda conn, of: desk._end(conn, of, "expired")
        )

    return {
        **{f"fail {channel}": fail(channel) for channel in ("push", "email", "sms")},
        "read": desk.read,
        "resume": lambda: desk.tell(resumed(3)),
        "go": desk.go,
        "replan": lambda: World(desk.database, ways=WAYS).plan(),
        "later": later,
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_in_any_order_nobody_is_told_twice_and_nothing_outlives_its_purpose(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("ways") / "x.db"
    upgrade(f"sqlite:///{path}")
    database = Database.open(f"sqlite:///{path}")
    desk = Desk(database)
    desk.tell(created(1), paused(2))
    over = False
    deeds = deeds_of(desk)
    for act in acts:
        deeds[act]()
        over = over or act in ("read", "resume")
        stand = desk.stand()
        if over:
            assert not [each for each in stand.values() if each[0] == "held" and each[2]]
    keys = [(row.notice_id, row.channel, row.endpoint) for row in desk.world.rows(select(delivery))]
    assert len(keys) == len(set(keys))
    assert desk.world.rows(select(contact))
    database.close()


def unpaid(desk: Desk) -> None:
    """The first channel's money is spent: its delivery is held, and looks for another way."""
    with desk.database.begin() as conn:
        first = (delivery.c.channel == "push") & (delivery.c.state == "pending")
        held = {"state": "held", "reason": COST_CAP}
        held |= {"available_at": desk.now + 3_600_000_000}
        conn.execute(update(delivery).where(first).values(held))
        ids = conn.scalars(select(delivery.c.notice_id).where(delivery.c.reason == COST_CAP)).all()
        conn.execute(insert(onward), [{"notice_id": each, "created_at": 1} for each in ids])


def test_what_there_is_no_money_for_is_told_on_the_next_channel_instead(desk: Desk) -> None:
    desk.tell(resumed(3))
    unpaid(desk)
    desk.go()
    assert desk.stand("resumed") == {
        "push": ("cancelled", COST_CAP, None),
        "email": ("pending", None, "instead_of_push"),
    }


def test_a_channel_without_money_is_no_way_out(desk: Desk) -> None:
    spent = Spending(Caps(prices={"email": 1, "sms": 1}, channels={"email": 1, "sms": 1}))
    desk.onward = Onward(
        desk.database,
        desk.world.vault,
        FOREVER,
        poll_seconds=0.01,
        spending=spent,
        clock=lambda: desk.now,
    )
    with desk.database.begin() as conn:
        spent.take(conn, "email", 1, desk.now)
        spent.take(conn, "sms", 1, desk.now)
    desk.tell(resumed(3))
    unpaid(desk)
    desk.go()
    assert desk.stand("resumed") == {"push": ("held", COST_CAP, None)}


def test_other_ways_pass_the_storm_brake(desk: Desk) -> None:
    """One delivery a minute: the step that was brought forward leaves, what is made instead waits."""
    brake = Brake(per_minute=1, per_employer=0, hold_seconds=1800)
    desk.sweeper = Sweeper(desk.database, sweep_seconds=1, brake=brake, clock=lambda: desk.at)
    desk.onward = Onward(
        desk.database,
        desk.world.vault,
        FOREVER,
        poll_seconds=0.01,
        brake=brake,
        clock=lambda: desk.at,
    )
    desk.at = desk.now
    desk.tell(created(3, stream_id=8), paused(4, stream_id=8), resumed(5, stream_id=8))
    desk.end("push", "failed")
    desk.go()
    desk.end("push", "failed", kind="resumed")
    desk.go()
    emails = [
        (row.state, row.reason, row.purpose)
        for row in desk.world.rows(select(delivery).where(delivery.c.channel == "email"))
        if row.state != "cancelled"
    ]
    assert sorted(emails, key=str).count(("held", "storm", "instead_of_push")) == 1
    assert ("pending", None, "step_until_read") in emails
