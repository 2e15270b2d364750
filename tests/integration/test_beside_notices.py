"""What is learned of a pause while its letters leave: nobody waits for anybody, on PostgreSQL."""

import pytest
from sqlalchemy import select, update

from domain.actors import EMPLOYER, Actor
from notifier.actor_news import tell_actors
from notifier.content import decode_content
from notifier.schema import delivery, notice
from store.engine import Database
from tests.fakes.planned import plan_many

pytestmark = pytest.mark.postgres

CAUSE = "0000000000000000001-0000000000"
WHO = Actor("GDKIJJIKXLOM2NRMPNQZUUYK24ZPVFC6426GZAEP3KUK6KEJLACCWNMX", EMPLOYER)


@pytest.fixture
def database(postgres_url):
    opened = Database.open(postgres_url)
    yield opened
    opened.close()


def told(database):
    """By notice: who paused, in the inbox and in the letter."""
    with database.read() as conn:
        rows = conn.execute(select(notice.c.notice_id, notice.c.actor, notice.c.content)).all()
    return {
        row.notice_id: (row.actor is not None, decode_content(row.content).paused_by is not None)
        for row in rows
    }


def test_a_letter_that_is_being_claimed_keeps_its_words_and_nobody_waits(database):
    with database.begin() as conn:
        ids = sorted(plan_many(conn, ["a@example.test", "b@example.test"]))
        of = dict(conn.execute(select(delivery.c.delivery_id, delivery.c.notice_id)).all())
    first, last = ids
    with database.begin() as worker:
        # In the other order than theirs: who waited here would wait for ever.
        worker.execute(update(delivery).where(delivery.c.delivery_id == last).values(token="w"))
        with database.begin() as teller:
            teller.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
            tell_actors(teller, {CAUSE: WHO})
            worker.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            is_free = select(delivery.c.delivery_id).with_for_update(skip_locked=True)
            assert worker.scalars(is_free).all() == [last], "what may change is held until it has"
    assert told(database) == {of[first]: (True, True), of[last]: (True, False)}
