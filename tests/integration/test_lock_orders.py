"""Nobody who moves several deliveries holds one while it waits for one with a lower id.

Workers lock a group's deliveries by id; whoever locks in another order waits with them in a circle, which
the server ends after a second at somebody's cost.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select, update

from notifier import attempts, withdrawing
from notifier.attempts import Mark, Message
from notifier.callbacks import effects
from notifier.callbacks.effects import Later
from notifier.callbacks.tidings import Tidings
from notifier.channels.channel import Receipt
from notifier.channels.loopback import LoopbackChannel
from notifier.commits import Commits
from notifier.ending import End
from notifier.lasting import Lasting
from notifier.letters import Letters
from notifier.onward import Onward
from notifier.pacing import Pacing
from notifier.plan import Planner
from notifier.recipients import Roster
from notifier.reminder_schema import lasting_pause
from notifier.rendering import Renderer
from notifier.result import SENDING, Result
from notifier.schema import delivery, notice
from notifier.spending import UNCOUNTED
from notifier.states import look_for_another
from notifier.till import Till
from notifier.ways import STEP_UNTIL_DELIVERED
from store.engine import Database
from tests.fakes.chain import created, paused
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import plan_many, vault
from tests.fakes.reminding import DAY, Desk

pytestmark = pytest.mark.postgres

ACCEPTED = {"state": "accepted", "provider": "p"}
CALLBACK = {
    "provider": "p",
    "callback_id": 1,
    "message_id": None,
    "happened_at": None,
    "received_at": 3,
}


@pytest.fixture
def database(postgres_url: str):
    database = Database.open(postgres_url)
    yield database
    database.close()


def planned(database: Database) -> tuple[UUID, UUID]:
    """Two that come in the order in which nobody is to lock them: written, and changed, high first."""
    low, high = UUID(int=1), UUID(int=2)
    with database.begin() as conn:
        made = plan_many(conn, ["ana@example.test", "ben@example.test"], state="failed")
        for mine, name, at in zip(made, (high, low), (1, 2), strict=True):
            changed = update(delivery).where(delivery.c.delivery_id == mine)
            conn.execute(changed.values(delivery_id=name, updated_at=at))
    return low, high


def assert_waits_with_nothing_in_hand(database: Database, low: UUID, high: UUID, work: Callable):
    """While somebody holds the lower one, `work` must not have locked the higher one."""

    def lock(conn, mine: UUID):
        mine_alone = select(delivery.c.state).where(delivery.c.delivery_id == mine)
        return conn.execute(mine_alone.with_for_update(nowait=True)).one()

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            lock(conn, low)
            done = pool.submit(work)
            with pytest.raises(TimeoutError):
                done.result(0.5)
            lock(conn, high)
        done.result(10)


def test_planning_and_reminding_take_turns(database: Database) -> None:
    """Planning locks bundles and then pauses that last, chunk after chunk; reminding the reverse."""
    desk = Desk(database)
    desk.tell(created(1), paused(2))
    desk.clock.pass_seconds(DAY)
    lasting = Lasting(Roster(desk.world.vault), desk.times)
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            Planner(desk.world.writer, database.bell, desk.clock, lasting=lasting).apply(conn, [])
            done = pool.submit(desk.reminders.step)
            with pytest.raises(TimeoutError):
                done.result(0.5)
            conn.execute(select(lasting_pause).with_for_update(nowait=True)).one()
        assert done.result(10) == 1


def test_going_onward_locks_by_id(database: Database) -> None:
    low, high = planned(database)
    with database.begin() as conn:
        both = conn.scalars(select(notice.c.notice_id)).all()
        # The one notice after the other, the one with the higher delivery first.
        mine = select(delivery.c.notice_id).where(delivery.c.delivery_id == high)
        first = conn.scalars(mine).one()
        look_for_another(conn, [first], 1)
        look_for_another(conn, [each for each in both if each != first], 2)
    onward = Onward(database, vault(), {"sms": 1800}, poll_seconds=1)
    assert_waits_with_nothing_in_hand(database, low, high, onward.step)


def test_going_onward_with_what_was_told_along_locks_by_id(database: Database) -> None:
    low, high = planned(database)
    with database.begin() as conn:
        digest, carried = (delivery.c.delivery_id == each for each in (high, low))
        conn.execute(update(delivery).where(digest).values(digest=True))
        told = {"state": "cancelled", "reason": "digest", "carried_by": high}
        conn.execute(update(delivery).where(carried).values(told))
        mine = select(delivery.c.notice_id).where(digest)
        look_for_another(conn, conn.scalars(mine).all(), 1)
    onward = Onward(database, vault(), {"sms": 1800}, poll_seconds=1)
    assert_waits_with_nothing_in_hand(database, low, high, onward.step)


def test_withdrawing_locks_by_id(database: Database) -> None:
    low, high = planned(database)
    with database.begin() as conn:
        conn.execute(update(delivery).values(state="pending"))

    def withdraw() -> None:
        with database.begin() as conn:
            withdrawing.withdraw(conn, notice.c.kind == "paused", "superseded", 1)

    assert_waits_with_nothing_in_hand(database, low, high, withdraw)


@pytest.fixture
def arriving(database: Database) -> tuple[Mark, UUID, UUID]:
    """A letter on its way, and the step that ends when it arrives, whose id is lower."""
    low, high = planned(database)
    with database.begin() as conn:
        mine = conn.scalars(select(delivery.c.notice_id).where(delivery.c.delivery_id == high))
        step = {"state": "held", "purpose": STEP_UNTIL_DELIVERED, "notice_id": mine.one()}
        changed = update(delivery).where(delivery.c.delivery_id == low)
        conn.execute(changed.values(**step, channel="sms"))
        letter = update(delivery).where(delivery.c.delivery_id == high)
        conn.execute(letter.values(state="queued", generation=1))
        (held,) = attempts.claim(conn, [Message(high, 1, "t")], now=1, lease_until=2**50)
        assert held is not None
        mark = Mark(held, "p")
        assert attempts.hand_off(conn, [mark], worker="w", now=2, lease_until=2**50) == [True]
    return mark, low, high


def test_what_arrives_is_locked_together_with_the_steps_that_it_ends(
    database: Database, arriving: tuple[Mark, UUID, UUID]
) -> None:
    mark, low, high = arriving
    taken = Receipt(provider_message_id="m", has_arrived=True)
    result = Result(phase=SENDING, provider="p", worker="w", ended_at=3, answer=taken)
    commits = Commits(
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"email": LoopbackChannel()},
        pacing=Pacing(),
        till=Till(UNCOUNTED),
        bell=database.bell,
        lease=1,
        worker="w",
        clock=lambda: 3,
    )

    def settle() -> None:
        with database.begin() as conn:
            commits.write(conn, [End(mark.held, result, 0.5)])

    assert_waits_with_nothing_in_hand(database, low, high, settle)


def test_a_callback_waits_for_no_step(
    database: Database, arriving: tuple[Mark, UUID, UUID]
) -> None:
    _, low, high = arriving
    row = cast("Any", SimpleNamespace(**CALLBACK, delivery_id=high))

    def heed() -> type:
        with database.begin() as conn:
            conn.execute(update(delivery).where(delivery.c.delivery_id == high).values(ACCEPTED))
            return type(effects.apply(conn, vault(), row, Tidings(state="delivered"), 4).end)

    with ThreadPoolExecutor(1) as pool, database.begin() as conn:
        conn.execute(select(delivery).where(delivery.c.delivery_id == low).with_for_update()).one()
        assert pool.submit(heed).result(10) is Later
