"""A digest that comes to nothing: what it was to tell along is told on the next channel, together again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from notifier import inbox, states, suppression
from notifier.notice_story import story_of
from notifier.schema import delivery, notice
from notifier.spending import Caps
from notifier.told_as import DELIVERIES, told_columns
from notifier.ways import Ways
from store.engine import Database
from tests.fakes.chain import paused, resumed
from tests.fakes.postman import SECOND, WINDOW
from tests.fakes.told_along import ALL_THREE, ANA, STEP_SECONDS, Desk, told_together

PUSH = frozenset({"push"})
HOUR = 3_600


def is_refused(desk: Desk) -> None:
    desk.postman.send(refuses=PUSH)


def fails_till_it_is_too_late(desk: Desk) -> None:
    be_late(desk, 1)
    desk.postman.send(fails=PUSH)


def comes_too_late(desk: Desk) -> None:
    be_late(desk, 0)
    desk.postman.sweep()


def be_late(desk: Desk, seconds: int) -> None:
    due = delivery.c.digest & (delivery.c.state == "pending")
    at = desk.clock() + seconds * SECOND
    with desk.database.begin() as conn:
        conn.execute(update(delivery).where(due).values(deadline_at=at))


def is_suppressed_meanwhile(desk: Desk) -> None:
    lookup = desk.world.vault.destination_lookup("push", ANA.push)
    with desk.database.begin() as conn:
        suppression.put(conn, "push", lookup, "stop", source="t", at=desk.clock())
    desk.postman.send()


def bounces(desk: Desk) -> None:
    desk.postman.send()
    with desk.database.begin() as conn:
        back(conn, desk, delivery.c.digest & (delivery.c.state == "accepted"))


def bounces_after_silence(desk: Desk) -> None:
    """Nobody knew whether it had left, until its provider said that it did not arrive."""
    desk.postman.send(dies="sent")
    desk.clock.pass_seconds(31)
    desk.postman.sweep()
    with desk.database.begin() as conn:
        back(conn, desk, delivery.c.digest & (delivery.c.state == "unknown"))


def was_not_sent_after_all(desk: Desk) -> None:
    desk.postman.send(dies="sent")
    desk.clock.pass_seconds(31)
    desk.postman.sweep()
    with desk.database.begin() as conn:
        unknown = delivery.c.digest & (delivery.c.state == "unknown")
        back(conn, desk, unknown, to=states.FAILED)


def back(conn: Any, desk: Desk, which: Any, to: str = states.BOUNCED) -> None:
    origin = frozenset({"accepted", "delivered", "unknown"} if to == "bounced" else {"unknown"})
    lost = states.move_all(
        conn, which, origin=origin, to=to, now=desk.clock(), changes={"reason": to}
    )
    gone = {row.delivery_id for row in lost}
    assert gone
    desk.postman.messages = [each for each in desk.postman.messages if each.delivery_id not in gone]


ENDS = (
    *(is_refused, fails_till_it_is_too_late, comes_too_late, is_suppressed_meanwhile),
    *(bounces, bounces_after_silence, was_not_sent_after_all),
)


@pytest.mark.parametrize("news", [paused, resumed], ids=["with steps", "without"])
@pytest.mark.parametrize("ends", ENDS)
def test_it_goes_to_the_next_channel_as_one_message(
    database: Database, ends: Callable[[Desk], None], news: Callable[..., Any]
) -> None:
    desk = told_together(database, news)
    ends(desk)
    assert desk.read_on("push")[:1] == [{1}]
    desk.settle()
    assert desk.read_on("email") == [{2, 3, 4}]
    for _ in range(4):
        desk.settle()
        desk.clock.pass_seconds(HOUR)
    assert desk.read_on("email")[:1] == [{2, 3, 4}]
    assert not {2, 3, 4} & set().union(*desk.read_on("email")[1:])
    assert desk.read_on("push") == [{1}]


def test_what_was_read_or_arrived_on_another_device_goes_nowhere(database: Database) -> None:
    desk = told_together(database, resumed)
    with database.begin() as conn:
        row = conn.execute(notice_of(2)).one()
        inbox.mark_read(conn, row.recipient_id, [row.notice_id], desk.clock())
        other = conn.execute(notice_of(3)).one()
        mine = select(delivery).where(
            delivery.c.notice_id == other.notice_id, delivery.c.channel == "push"
        )
        device = dict(conn.execute(mine).one()._mapping)
        device |= {"delivery_id": other.notice_id, "endpoint": "another", "carried_by": None}
        conn.execute(insert(delivery).values(device | {"state": "accepted", "digest": False}))
    is_refused(desk)
    desk.settle()
    assert desk.read_on("email") == [{4}]


def notice_of(stream_id: int) -> Any:
    """The last that Ana is told of a stream."""
    pushed = select(delivery.c.notice_id).where(delivery.c.channel == "push")
    mine = select(notice).where(notice.c.stream_id == stream_id, notice.c.notice_id.in_(pushed))
    return mine.order_by(notice.c.position.desc()).limit(1)


def test_what_comes_to_nothing_again_goes_on_together(database: Database) -> None:
    desk = told_together(database, paused, line=ALL_THREE)
    is_refused(desk)
    desk.go()
    desk.gather()
    desk.postman.send(refuses=frozenset({"email"}))
    desk.settle()
    assert desk.read_on("sms") == [{2, 3, 4}]
    assert desk.read_on("email") == []


def test_the_money_of_the_next_channel_counts(database: Database) -> None:
    caps = Caps(prices={"email": 1}, channels={"email": 1})
    desk = told_together(database, resumed, line=ALL_THREE, caps=caps)
    desk.spend("email")
    is_refused(desk)
    desk.settle()
    assert desk.read_on("email") == []
    assert desk.read_on("sms") == [{2, 3, 4}]


def test_two_digests_that_bounce_one_after_the_other_are_no_two_messages_at_once(
    database: Database,
) -> None:
    desk = told_together(database, paused)
    desk.postman.send()
    desk.clock.pass_seconds(4 * WINDOW)
    desk.tell(*(resumed(4, n, stream_id=n) for n in (1, 2)))
    desk.gather(WINDOW)
    desk.postman.send()
    desk.clock.pass_seconds(4 * WINDOW)
    desk.tell(*(paused(5, n, stream_id=n) for n in (1, 2)))
    desk.gather(WINDOW)
    desk.postman.send()
    with database.begin() as conn:
        of_three = delivery.c.notice_id == conn.execute(notice_of(4)).one().notice_id
        back(conn, desk, of_three & delivery.c.digest)
    desk.settle()
    assert desk.read_on("email") == [{3, 4}]
    with database.begin() as conn:
        last = delivery.c.notice_id == conn.execute(notice_of(2)).one().notice_id
        back(conn, desk, last & (delivery.c.channel == "push"))
    desk.clock.pass_seconds(5)
    desk.settle()
    assert desk.read_on("email") == [{3, 4}]
    desk.clock.pass_seconds(WINDOW)
    desk.settle()
    assert desk.read_on("email") == [{3, 4}, {2}]


def test_what_newer_news_has_overtaken_is_not_told_elsewhere(database: Database) -> None:
    desk = told_together(database, paused, ways=Ways(one_by_one=True))
    desk.postman.send()
    desk.clock.pass_seconds(4 * WINDOW)
    desk.tell(resumed(4, 2, stream_id=2))
    assert desk.read_on("push")[-1] == {2}
    with database.begin() as conn:
        back(conn, desk, delivery.c.digest)
    desk.settle()
    assert desk.read_on("email") == [{3, 4}]


def test_what_another_channel_told_counts_where_news_is_answered(database: Database) -> None:
    """The pause was mailed instead: of what waits for the next push only its end is left to tell."""
    desk = Desk(database, ways=Ways(one_by_one=True))
    desk.world.record(paused(2, 1, stream_id=1))
    desk.world.plan()
    is_refused(desk)
    desk.settle()
    assert desk.read_on("email") == [{1}]
    for news in (paused, resumed):
        desk.clock.pass_seconds(4 * WINDOW)
        desk.tell(news(3, 2 + (news is resumed), stream_id=2))
    for ledger, news in enumerate((resumed, paused, resumed), 4):
        desk.tell(news(ledger, 1, stream_id=1))
    desk.gather(WINDOW)
    desk.postman.send()
    told = [
        line.kind for each in desk.postman.messages for line in each.lines if line.stream_id == 1
    ]
    assert told == ["paused", "resumed"]


def test_what_arrived_ends_the_steps_of_all_that_was_told_along_until_it_bounces(
    database: Database,
) -> None:
    ways = Ways(one_by_one=True, steps={"email": STEP_SECONDS}, until_delivered=True)
    desk = told_together(database, paused, ways=ways)
    desk.postman.send(arrives=True)
    assert desk.stand("email").count(("cancelled", "arrived")) == 3
    with database.begin() as conn:
        back(conn, desk, delivery.c.digest & (delivery.c.state == "delivered"))
    desk.settle()
    assert desk.read_on("email") == [{2, 3, 4}]


def test_it_is_explained_and_no_row_says_that_it_was_told(database: Database) -> None:
    desk = told_together(database, paused, ways=Ways(one_by_one=True))
    is_refused(desk)
    desk.settle()
    with database.read() as conn:
        carried = select(delivery.c.notice_id).where(
            delivery.c.carried_by.is_not(None), delivery.c.channel == "push"
        )
        rows = conn.execute(select(notice).where(notice.c.notice_id.in_(carried))).all()
        stories = [story_of(conn, row)["deliveries"] for row in rows]
        told = conn.execute(
            select(delivery.c.channel, *told_columns())
            .select_from(DELIVERIES)
            .where(delivery.c.notice_id.in_([row.notice_id for row in rows]))
        ).all()
    pushes = [each for story in stories for each in story if each["channel"] == "push"]
    mails = [each for story in stories for each in story if each["channel"] == "email"]
    for push, mail in zip(pushes, mails, strict=True):
        assert push["explanation"].startswith("was to be told in one message together")
        assert push["explanation"].endswith("the provider refused this address or number")
        assert str(push["carried_by"]) in push["explanation"]
        assert mail["explanation"].endswith(
            "; instead of push, which came to nothing, or of which nobody could tell"
        )
    assert {(row.channel, row.state) for row in told} >= {("push", "failed"), ("email", "accepted")}
    assert ("push", "accepted") not in {(row.channel, row.state) for row in told}


def test_what_failed_is_not_told_elsewhere_once_what_came_after_it_has_answered_it(
    database: Database,
) -> None:
    """Nobody looks for its next channel for more than a window: the stream runs again meanwhile."""
    desk = Desk(database, ways=Ways(one_by_one=True))
    desk.world.record(paused(2, 1, stream_id=1))
    desk.world.plan()
    is_refused(desk)
    flips(desk, resumed, paused, resumed)
    assert desk.stand("push").count(("cancelled", "answered")) == 3
    desk.settle()
    assert desk.read_on("email") == []


def test_what_bounces_is_told_elsewhere_where_what_came_after_it_left_it_true(
    database: Database,
) -> None:
    desk = Desk(database, ways=Ways(one_by_one=True))
    desk.tell(paused(2, 1, stream_id=1))
    assert desk.read_on("push") == [{1}]
    flips(desk, resumed, paused)
    assert desk.stand("push").count(("cancelled", "answered")) == 2
    with database.begin() as conn:
        of_one = select(notice.c.notice_id).where(notice.c.stream_id == 1)
        back(conn, desk, (delivery.c.state == "accepted") & delivery.c.notice_id.in_(of_one))
    desk.settle()
    assert desk.read_on("email") == [{1}]


def flips(desk: Desk, *kinds: Callable[..., Any]) -> None:
    """So much happens to the stream in one window that it answers itself."""
    for news in (paused, resumed):  # so that what follows waits for a window
        desk.clock.pass_seconds(4 * WINDOW)
        desk.tell(news(3, 2 + (news is resumed), stream_id=2))
    for ledger, news in enumerate(kinds, 4):
        desk.tell(news(ledger, 1, stream_id=1))
    desk.gather(WINDOW)
    desk.postman.send()
