"""What a day may cost: held beyond it, counted exactly, let go by a person or the next day."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, update
from structlog.testing import capture_logs

from notifier import spending
from notifier.budgets import budget
from notifier.deliver import Deliverer
from notifier.deliveries import Filter, redrive, release
from notifier.errors import ChannelUnavailable, DestinationRejected, OutcomeUnknown, RateLimited
from notifier.explaining import explain
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.purpose_schema import onward
from notifier.rendering import Renderer
from notifier.schema import attempt, delivery
from notifier.spending import COST_CAP, Caps, Spending
from notifier.states import EXPIRED
from notifier.sweep import Sweeper
from store.engine import Database
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import delivery_row, plan, vault

DAY = 86_400_000_000
NOON = 20_800 * DAY + DAY // 2
PRICE = 70
CAPS = Caps(prices={"sms": PRICE}, channels={"sms": 3 * PRICE})


class Bench:
    """A deliverer with a price list, over fake channels and a real database."""

    def __init__(
        self, database: Database, caps: Caps = CAPS, counted_by: type[Spending] = Spending
    ) -> None:
        self.database = database
        self.now = NOON
        self.channels = {name: FakeChannel(provider=name) for name in ("sms", "email")}
        self.deliverer = Deliverer(
            moves=GroupCommit(database),
            letters=Letters(vault(), Renderer(), guests=EVERYBODY),
            channels=self.channels,
            lease_seconds=120,
            worker="w1",
            spending=counted_by(caps),
            clock=lambda: self.now,
        )
        self.sweeper = Sweeper(database, sweep_seconds=1, clock=lambda: self.now)

    def queued(self, channel: str = "sms", **changes: Any) -> UUID:
        with self.database.begin() as conn:
            given = {
                "state": "queued",
                "generation": 1,
                "deadline_at": self.now + DAY,
                "available_at": self.now,
            }
            return plan(conn, channel, **(given | changes))

    async def send(self, channel: str = "sms", **changes: Any) -> UUID:
        planned = self.queued(channel, **changes)
        await self.deliverer.deliver(planned, 1)
        return planned

    async def again(self, planned: UUID) -> None:
        """As the relay would have it queued once more."""
        row = self.row(planned)
        assert row.state in ("pending", "retry_wait"), row.state
        with self.database.begin() as conn:
            mine = delivery.c.delivery_id == planned
            again = update(delivery).where(mine)
            conn.execute(again.values(state="queued", generation=row.generation + 1))
        await self.deliverer.deliver(planned, row.generation + 1)

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)

    def stands(self, planned: UUID) -> tuple[str, str | None]:
        row = self.row(planned)
        return row.state, row.reason

    def standing(self) -> spending.Standing:
        with self.database.read() as conn:
            return spending.standing(conn, self.now)

    def counted(self) -> int:
        """What the attempts say that was spent, of all days."""
        with self.database.read() as conn:
            return conn.scalar(select(func.coalesce(func.sum(attempt.c.cost), 0)))

    def booked(self) -> int:
        """What the budgets say."""
        with self.database.read() as conn:
            of_all = select(func.coalesce(func.sum(budget.c.used), 0))
            return conn.scalar(of_all.where(budget.c.scope == "cost"))


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    made = Bench(sqlite_database)
    yield made
    await made.deliverer.close()
    assert made.counted() == made.booked()


async def test_beyond_the_cap_paid_messages_are_held_and_free_ones_go_on(bench: Bench) -> None:
    with capture_logs() as logs:
        sent = [await bench.send() for _ in range(5)]
    states = [bench.stands(each) for each in sent]
    assert states == [("accepted", None)] * 3 + [("held", COST_CAP)] * 2
    free = await bench.send("email")
    assert bench.stands(free) == ("accepted", None)
    standing = bench.standing()
    assert (standing.spent["sms"], standing.held, standing.refused) == (3 * PRICE, 2, 2)
    assert [line["event"] for line in logs].count(spending.COST_CAP_REACHED) == 1
    assert len(bench.channels["sms"].prepared) == 3  # the provider was not even asked
    assert "release" in str(explain("held", COST_CAP).remedy)


async def test_what_is_held_looks_for_another_channel(bench: Bench) -> None:
    sent = [await bench.send() for _ in range(4)]
    with bench.database.read() as conn:
        looking = conn.scalars(select(onward.c.notice_id)).all()
    assert looking == [bench.row(sent[3]).notice_id]


@pytest.mark.parametrize(
    ("answer", "price"),
    [
        (RateLimited("slower"), 0),
        (DestinationRejected("no such number"), 0),
        (OutcomeUnknown("no answer"), PRICE),
        (LookupError("ours"), PRICE),
    ],
)
async def test_what_was_not_taken_costs_nothing_and_what_nobody_knows_does(
    bench: Bench, answer: Exception, price: int
) -> None:
    bench.channels["sms"].failing = answer
    await bench.send()
    assert bench.standing().spent["sms"] == price


async def test_what_did_not_leave_was_never_paid(bench: Bench) -> None:
    bench.channels["sms"].refusing = ChannelUnavailable("away")
    await bench.send()
    assert bench.standing().spent == {}


async def test_a_try_that_was_refused_pays_when_it_is_taken(bench: Bench) -> None:
    bench.channels["sms"].failing = RateLimited("slower")
    planned = await bench.send()
    bench.channels["sms"].failing = None
    bench.now += 3_600_000_000
    await bench.again(planned)
    assert bench.standing().spent["sms"] == PRICE


async def test_what_is_paid_back_is_paid_back_to_the_day_it_was_taken_from(bench: Bench) -> None:
    bench.now = NOON + DAY // 2 - 1

    def midnight() -> None:
        bench.now += 10

    bench.channels["sms"].on_send = midnight
    bench.channels["sms"].failing = RateLimited("slower")
    await bench.send()
    assert bench.standing().spent == {}
    bench.now = NOON
    assert bench.standing().spent["sms"] == 0


async def test_the_next_day_lets_out_what_is_in_time_and_not_what_is_late(bench: Bench) -> None:
    for _ in range(3):
        await bench.send()
    late = await bench.send(deadline_at=NOON + 1_800_000_000)
    in_time = await bench.send()
    bench.now += DAY // 2
    bench.sweeper.step()
    bench.sweeper.step()
    assert bench.stands(late) == (EXPIRED, COST_CAP)
    assert bench.row(in_time).state == "pending"
    await bench.again(in_time)
    assert bench.row(in_time).state == "accepted"
    assert bench.standing().spent["sms"] == PRICE
    assert "redrive" in str(explain(EXPIRED, COST_CAP).remedy)


async def test_an_operator_lets_it_out_beyond_the_cap_and_it_is_counted(bench: Bench) -> None:
    sent = [await bench.send() for _ in range(5)]
    with bench.database.begin() as conn:
        wanted = Filter(delivery=sent[3], reason=COST_CAP)
        assert release(conn, bench.database.bell, wanted, now=bench.now) == [sent[3]]
    bench.sweeper.step()
    await bench.again(sent[3])
    assert bench.row(sent[3]).state == "accepted"
    assert bench.stands(sent[4]) == ("held", COST_CAP)
    assert bench.standing().spent["sms"] == 4 * PRICE


async def test_what_expired_for_want_of_money_is_sent_where_a_person_says_so(bench: Bench) -> None:
    for _ in range(3):
        await bench.send()
    late = await bench.send(deadline_at=NOON + 1)
    bench.now += 1_000_000
    bench.sweeper.step()
    with bench.database.begin() as conn:
        assert redrive(conn, bench.database.bell, Filter(reason=COST_CAP), now=bench.now) == [late]
    await bench.again(late)
    assert bench.row(late).state == "accepted"


async def test_an_sms_costs_each_of_its_parts_and_the_last_one_is_not_half_paid(
    sqlite_database: Database,
) -> None:
    bench = Bench(sqlite_database, Caps(prices={"sms": PRICE}, total=2 * PRICE))
    counted = Spending(Caps(prices={"sms": PRICE}, total=2 * PRICE))
    assert counted.cost("sms", "x" * 161) == 2 * PRICE
    assert counted.cost("email", "x" * 161) == 0
    assert Spending(Caps(prices={"sms": PRICE})).cost("sms", "x" * 161) == 2 * PRICE
    with sqlite_database.begin() as conn:
        assert counted.take(conn, "sms", PRICE, bench.now)
        assert not counted.is_spent(conn, "sms", bench.now)
        assert not counted.take(conn, "sms", 2 * PRICE, bench.now)
        assert counted.take(conn, "sms", PRICE, bench.now)
        assert counted.is_spent(conn, "sms", bench.now)
        assert not counted.is_spent(conn, "sms", bench.now + DAY)
    await bench.deliverer.close()


async def test_an_attempt_remembers_its_price_where_no_cap_is_set_and_waits_for_nobody(
    sqlite_database: Database,
) -> None:
    class NeverOpened(Spending):
        def open(self, conn: Connection) -> None:
            raise AssertionError("it waits for whoever counts")

    caps = Caps(prices={"sms": PRICE}, channels={"email": 1})
    bench = Bench(sqlite_database, caps, NeverOpened)
    await bench.send()
    assert (bench.counted(), bench.booked()) == (PRICE, 0)
    bench.channels["sms"].failing = RateLimited("slower")
    await bench.send()
    assert (bench.counted(), bench.booked()) == (PRICE, 0)
    with sqlite_database.read() as conn:
        assert conn.scalars(select(attempt.c.cost).order_by(attempt.c.cost)).all() == [0, PRICE]
    await bench.deliverer.close()


def test_a_channels_cap_and_the_sum_of_all_both_count(sqlite_database: Database) -> None:
    caps = Caps(prices={"sms": 5, "email": 1}, total=7, channels={"email": 1})
    counted = Spending(caps)
    with sqlite_database.begin() as conn:
        assert counted.take(conn, "email", 1, NOON)
        assert not counted.take(conn, "email", 1, NOON)
        assert counted.take(conn, "sms", 5, NOON)
        assert not counted.take(conn, "sms", 5, NOON)
        found = spending.standing(conn, NOON)
        assert found.spent == {"": 6, "email": 1, "sms": 5}
        assert spending.forget(conn, NOON) == 0
        assert spending.forget(conn, NOON + 41 * DAY) == 3


def test_without_a_price_or_a_cap_nothing_is_counted(sqlite_database: Database) -> None:
    for caps in (
        Caps(prices={"sms": 5}),
        Caps(total=5),
        Caps(prices={"sms": 5}, channels={"email": 1}),
    ):
        assert not Spending(caps).is_counted("sms")
        with sqlite_database.begin() as conn:
            assert Spending(caps).take(conn, "sms", 5, NOON)
            Spending(caps).give_back(conn, "sms", 5, NOON)
            assert not Spending(caps).is_spent(conn, "sms", NOON)
    with sqlite_database.read() as conn:
        assert spending.standing(conn, NOON).spent == {}
