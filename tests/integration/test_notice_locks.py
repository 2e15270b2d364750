"""Whoever changes notices locks deliveries first, then notices by id: no two wait for each other.

Telling who paused holds what has not begun to leave, then changes the notices; readers and erasure change
both, too.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, Table, select, update

from domain.actors import EMPLOYER, Actor
from notifier import seen_by_link
from notifier.actor_news import tell_actors
from notifier.inbox import mark_read
from notifier.schema import delivery, notice
from notifier.ways import STEP_UNTIL_READ
from store.engine import Database
from tests.fakes.planned import plan_many

pytestmark = pytest.mark.postgres

WHO = Actor("GDKIJJIKXLOM2NRMPNQZUUYK24ZPVFC6426GZAEP3KUK6KEJLACCWNMX", EMPLOYER)
LOW, HIGH = UUID(int=1), UUID(int=2)
Work = Callable[[Connection], object]


def reads(conn: Connection) -> object:
    return mark_read(conn, conn.scalars(select(notice.c.recipient_id).limit(1)).one(), None, 1)


def sees(conn: Connection) -> object:
    return seen_by_link.see(conn, HIGH, 1)


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    opened = Database.open(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def steps(database: Database) -> None:
    """Two steps of Ana's that wait, with the ids of their notices, the higher written first.

    The higher one is of a letter that carries the lower one.
    """
    with database.begin() as conn:
        places = ["a@example.test", "b@example.test"]
        made = plan_many(conn, places, state="held", purpose=STEP_UNTIL_READ)
        for mine, name in zip(made, (HIGH, LOW), strict=True):
            row = conn.execute(select(delivery).where(delivery.c.delivery_id == mine)).one()
            conn.execute(
                update(notice)
                .where(notice.c.notice_id == row.notice_id)
                .values(notice_id=name, cause_event_id=str(name), planned_at=name.int)
            )
            conn.execute(
                update(delivery)
                .where(delivery.c.delivery_id == mine)
                .values(delivery_id=name, notice_id=name)
            )
        lower = delivery.c.delivery_id == LOW
        conn.execute(update(delivery).where(lower).values(carried_by=HIGH))
        ana = conn.scalars(select(notice.c.recipient_id).where(notice.c.notice_id == HIGH)).one()
        conn.execute(update(notice).values(recipient_id=ana))


def begin(database: Database, work: Work) -> None:
    with database.begin() as conn:
        work(conn)


@pytest.mark.parametrize("work", [reads, sees])
@pytest.mark.usefixtures("steps")
def test_who_reads_and_who_tells_of_the_actor_both_end(database: Database, work: Work) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            conn.execute(select(delivery).with_for_update(nowait=True)).all()
            done = pool.submit(begin, database, work)
            with pytest.raises(TimeoutError):
                done.result(0.5)
            tell_actors(conn, {str(LOW): WHO, str(HIGH): WHO})
        done.result(10)
    with database.read() as conn:
        rows = conn.execute(select(notice.c.actor, notice.c.read_at)).all()
        assert all(row.actor is not None and row.read_at == 1 for row in rows)
        assert set(conn.scalars(select(delivery.c.state))) == {"cancelled"}


@pytest.mark.parametrize(
    ("work", "table"),
    [(sees, delivery), (sees, notice), (reads, notice)],
)
@pytest.mark.usefixtures("steps")
def test_who_reads_locks_by_id(database: Database, work: Work, table: Table) -> None:
    key = next(iter(table.primary_key))
    if work is reads:  # found from the oldest on, where a link's are found from the newest on
        begin(database, lambda conn: conn.execute(_TURNED))

    def lock(conn: Connection, mine: UUID) -> None:
        conn.execute(select(key).where(key == mine).with_for_update(nowait=True)).one()

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as conn:
            lock(conn, LOW)
            done = pool.submit(begin, database, work)
            with pytest.raises(TimeoutError):
                done.result(0.5)
            lock(conn, HIGH)
        done.result(10)


_TURNED = update(notice).values(planned_at=10 - notice.c.planned_at)
