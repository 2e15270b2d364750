"""Nobody who moves several deliveries holds one while it waits for one with a lower id.

Workers lock a group's deliveries by id; whoever locks in another order waits with them in a circle, which
the server ends after a second at somebody's cost.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from notifier import withdrawing
from notifier.lasting import Lasting
from notifier.onward import Onward
from notifier.plan import Planner
from notifier.recipients import Roster
from notifier.reminder_schema import lasting_pause
from notifier.schema import delivery, notice
from notifier.states import look_for_another
from store.engine import Database
from tests.fakes.chain import created, paused
from tests.fakes.planned import plan_many, vault
from tests.fakes.reminding import DAY, Desk

pytestmark = pytest.mark.postgres


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
            Planner(desk.world.writer, database.bell, desk.clock, lasting).apply(conn, [])
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
