"""A digest that there is no money for: what it tells of is told on the next channel, together again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from notifier import inbox
from notifier.schema import delivery, notice
from notifier.spending import COST_CAP
from store.engine import Database
from tests.fakes.chain import paused, resumed
from tests.fakes.told_along import ALL_THREE, Desk, told_together


@pytest.fixture(params=[paused, resumed], ids=["with steps", "without"])
def desk(request: pytest.FixtureRequest, sqlite_database: Database) -> Desk:
    """The first news was pushed; a digest of the other three is held: a push has no money any more."""
    made = told_together(sqlite_database, request.param)
    made.spend("push")
    made.claimed()
    return made


def test_it_goes_to_the_next_channel_as_one_message(desk: Desk) -> None:
    assert ("held", COST_CAP) in desk.stand("push")
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == [{2, 3, 4}]
    assert desk.read_on("push") == [{1}]
    assert desk.stand("push").count(("cancelled", COST_CAP)) == 3
    desk.gather(24 * 3600)
    desk.postman.send()
    assert desk.read_on("push") == [{1}]


def test_where_no_channel_has_money_it_is_told_the_next_day_as_one_message(desk: Desk) -> None:
    desk.spend("email")
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == []
    assert desk.stand("push").count(("held", COST_CAP)) == 3
    with desk.database.begin() as conn:
        conn.execute(update(delivery).values(deadline_at=delivery.c.deadline_at + 10**12))
    desk.gather(24 * 3600)
    desk.postman.send()
    assert {2, 3, 4} in desk.read_on("push")


def test_what_was_read_of_it_goes_nowhere(desk: Desk) -> None:
    with desk.database.begin() as conn:
        of_two = select(notice).join_from(
            notice, delivery, delivery.c.notice_id == notice.c.notice_id
        )
        pushed = of_two.where(notice.c.stream_id == 2, delivery.c.channel == "push")
        row = conn.execute(pushed.order_by(notice.c.position.desc()).limit(1)).one()
        inbox.mark_read(conn, row.recipient_id, [row.notice_id], desk.clock())
    desk.go()
    desk.gather()
    desk.postman.send()
    assert desk.read_on("email") == [{3, 4}]


def test_what_another_channel_was_to_tell_instead_goes_on_where_that_fails(
    sqlite_database: Database,
) -> None:
    made = told_together(sqlite_database, resumed, line=ALL_THREE)
    made.spend("push")
    made.claimed()
    made.go()
    made.gather()
    made.postman.send(refuses=frozenset({"email"}))
    assert made.stand("push").count(("cancelled", COST_CAP)) == 3
    made.settle()
    assert made.read_on("email") == []
    assert made.read_on("sms") == [{2, 3, 4}]


def seen(desk: Desk, own: Row[Any]) -> None:
    with desk.database.begin() as conn:
        inbox.mark_read(conn, own.recipient_id, [own.notice_id], desk.clock())


def over(desk: Desk, own: Row[Any]) -> None:
    desk.tell(resumed(4, 1, stream_id=own.stream_id))


@pytest.mark.parametrize("ended", [seen, over])
def test_what_an_unpaid_digest_carries_is_told_where_its_own_news_has_ended(
    sqlite_database: Database, ended: Callable[[Desk, Row[Any]], None]
) -> None:
    """Until it is taken apart, all of it hangs on the step of one notice, which ends when that is read."""
    made = told_together(sqlite_database, paused)
    made.postman.send(refuses=frozenset({"push"}))
    made.go()
    made.gather()
    made.spend("email")
    made.claimed()
    with made.database.read() as conn:
        mine = select(notice).join_from(
            notice, delivery, delivery.c.notice_id == notice.c.notice_id
        )
        own = conn.execute(mine.where(delivery.c.channel == "email", delivery.c.digest)).one()
    ended(made, own)
    made.settle()
    made.clock.pass_seconds(24 * 3600)
    made.settle()
    first, *later = made.read_on("email")
    assert first == {2, 3, 4} - {own.stream_id}
    assert not {2, 3, 4} & set().union(*later)
