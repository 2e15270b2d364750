"""Told once a day: nothing leaves at once on such a channel, and one message at the hour tells it all."""

import re

import msgspec
import pytest
from sqlalchemy import select

from notifier.content import DIGEST
from notifier.erasure import erase
from notifier.notice_story import story_of
from notifier.preferences import Quiet
from notifier.restraint import UNRESTRAINED, Restraint
from notifier.schema import delivery, notice
from notifier.ways import Ways
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, EMPLOYER, created, paused, resumed
from tests.fakes.daily import HOUR, MUTE, Desk, gathered
from tests.fakes.postman import RESTRAINT, WINDOW


@pytest.mark.parametrize("restraint", [RESTRAINT, UNRESTRAINED], ids=["restrained", "not"])
def test_nothing_leaves_before_the_hour_and_then_one_message_tells_it_all(
    database: Database, restraint: Restraint
) -> None:
    desk = Desk(database, gathered("email"), restraint=restraint)
    desk.tell(paused(2, 1, stream_id=1))
    desk.wait(HOUR)
    desk.tell(paused(3, 2, stream_id=2), paused(3, 3, stream_id=3))
    desk.until_the_hour(beside=-60)
    assert desk.read("email") == []
    assert [line for lines in desk.read("sms") for line in lines][:1] == [("paused", 1)]
    desk.wait(60)
    assert desk.read("email") == [[("paused", 1), ("paused", 2), ("paused", 3)]]
    states = sorted((row.state, row.reason or "") for row in desk.rows("email"))
    assert states == [("accepted", ""), ("cancelled", "digest"), ("cancelled", "digest")]


def test_each_day_has_its_own(database: Database) -> None:
    desk = Desk(database, gathered("email"))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.until_the_hour()
    desk.tell(paused(3, 3, stream_id=3), paused(3, 4, stream_id=4))
    desk.wait(23 * HOUR)
    assert len(desk.read("email")) == 1
    desk.until_the_hour()
    assert desk.read("email")[1:] == [[("paused", 3), ("paused", 4)]]


def test_a_digest_of_one_thing_is_an_ordinary_letter(database: Database) -> None:
    desk = Desk(database, gathered("email"))
    desk.tell(paused(2, 1, stream_id=1))
    desk.until_the_hour()
    (row,) = desk.rows("email")
    assert (row.state, row.digest) == ("accepted", False)
    assert desk.read("email") == [[("paused", 1)]]


def test_a_kind_may_be_gathered_while_others_leave_at_once(database: Database) -> None:
    wish = msgspec.structs.replace(gathered(), digest=(("resumed", "email"),))
    desk = Desk(database, wish)
    desk.tell(paused(2, 1, stream_id=1))
    assert desk.read("email") == [[("paused", 1)]]
    desk.wait(HOUR)
    desk.tell(resumed(3, 1, stream_id=1))
    assert len(desk.read("email")) == 1
    desk.until_the_hour()
    assert desk.read("email")[1:] == [[("resumed", 1)]]


def test_urgent_pauses_leave_at_once_and_their_end_waits(database: Database) -> None:
    desk = Desk(database, gathered("email", urgent_pauses=True))
    desk.tell(paused(2, 1, stream_id=1))
    assert desk.read("email") == [[("paused", 1)]]
    desk.wait(HOUR)
    desk.tell(resumed(3, 1, stream_id=1))
    desk.wait(HOUR)
    assert len(desk.read("email")) == 1
    desk.tell(paused(4, 1, stream_id=1))
    assert desk.read("email")[1:] == [[("paused", 1)]]
    # Its resume has been overtaken by then: the evening does not say that it runs.
    desk.until_the_hour()
    assert len(desk.read("email")) == 2


def test_what_ended_within_the_day_need_not_be_told(database: Database) -> None:
    desk = Desk(database, gathered("email"))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.wait(HOUR)
    desk.tell(resumed(3, 1, stream_id=1))
    desk.until_the_hour()
    assert desk.read("email") == [[("paused", 2)]]
    reasons = sorted(row.reason or "" for row in desk.rows("email"))
    assert reasons == ["", "answered", "answered"]


def test_nothing_is_too_late_for_its_digest(database: Database) -> None:
    """News is of use for a minute, and was told in time to be gathered for hours."""
    desk = Desk(database, gathered("email"), freshness={"email": 60})
    desk.tell(paused(2, 1, stream_id=1))
    for _ in range(5):
        desk.wait(HOUR)
    desk.until_the_hour()
    assert desk.read("email") == [[("paused", 1)]]


def test_what_would_ring_in_quiet_hours_waits_for_their_end(database: Database) -> None:
    desk = Desk(database, gathered("sms", "email", quiet=Quiet(22 * 60, 7 * 60)))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.until_the_hour()
    assert (len(desk.read("email")), len(desk.read("sms"))) == (1, 0)
    desk.wait(7 * HOUR)
    assert desk.read("sms") == []
    desk.wait(HOUR)
    assert desk.read("sms") == [[("paused", 1), ("paused", 2)]]


def test_who_asks_to_be_forgotten_is_not_told(database: Database) -> None:
    desk = Desk(database, gathered("email"))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    with database.begin() as conn:
        erase(conn, desk.world.vault, EMPLOYEE, desk.clock())
    desk.until_the_hour()
    assert desk.read("email") == []
    assert {row.state for row in desk.rows("email")} == {"cancelled"}


def test_who_is_both_is_told_as_each(database: Database) -> None:
    """The words say whose streams they are: those that one is paid by, and those that one pays."""
    desk = Desk(database, gathered("email", off=MUTE))
    mine = {"employer": EMPLOYEE, "employee": EMPLOYER}
    facts = [msgspec.structs.replace(paused(2, n, stream_id=n + 90), **mine) for n in (1, 2)]
    born = [msgspec.structs.replace(created(1, n, stream_id=n + 90), **mine) for n in (6, 7)]
    desk.tell(*born)
    desk.tell(*facts, paused(2, 3, stream_id=3), paused(2, 4, stream_id=4))
    desk.until_the_hour()
    told = sorted(desk.read("email"), key=str)
    assert told == [[("paused", 3), ("paused", 4)], [("paused", 91), ("paused", 92)]]


def test_the_next_channel_follows_the_evening_and_not_the_event(database: Database) -> None:
    """Nobody can have seen in time what is told in the evening."""
    wish = gathered("email", one_by_one=True, order=("email", "sms"), off=(("paused", "push"),))
    desk = Desk(database, wish, ways=Ways(steps={"sms": HOUR}))
    desk.tell(paused(2, 1, stream_id=1))
    desk.wait(3 * HOUR)
    assert desk.read("sms") == []
    desk.until_the_hour()
    assert desk.read("email") == [[("paused", 1)]]
    desk.wait(HOUR - 60)
    assert desk.read("sms") == []
    desk.wait(60)
    assert desk.read("sms") == [[("paused", 1)]]


def test_a_step_on_such_a_channel_is_gathered_too(database: Database) -> None:
    wish = gathered("email", one_by_one=True, order=("push", "email"))
    desk = Desk(database, wish, ways=Ways(steps={"email": HOUR}))
    desk.tell(paused(2, 1, stream_id=1))
    desk.tell(paused(3, 2, stream_id=2))
    desk.wait(2 * HOUR)
    assert desk.read("email") == []
    desk.until_the_hour()
    assert desk.read("email") == [[("paused", 1), ("paused", 2)]]


def test_what_was_refused_elsewhere_waits_for_the_evening(database: Database) -> None:
    wish = gathered("email", one_by_one=True, order=("push", "email"))
    desk = Desk(database, wish)
    push = frozenset({"push"})
    desk.tell(paused(2, 1, stream_id=1), refuses=push)
    desk.wait(WINDOW, refuses=push)
    desk.tell(paused(3, 2, stream_id=2), refuses=push)
    desk.wait(WINDOW, refuses=push)
    desk.wait(WINDOW, refuses=push)
    assert desk.read("email") == []
    desk.until_the_hour()
    assert desk.read("email") == [[("paused", 1), ("paused", 2)]]


def test_an_evening_that_is_refused_is_told_on_the_next_channel_as_one(database: Database) -> None:
    wish = gathered("email", one_by_one=True, order=("email", "sms"))
    desk = Desk(database, wish)
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.until_the_hour(refuses=frozenset({"email"}))
    for _ in range(3):
        desk.wait(WINDOW)
    assert desk.read("email") == []
    assert desk.read("sms") == [[("paused", 1), ("paused", 2)]]


def test_its_words_say_since_when(database: Database) -> None:
    desk = Desk(database, gathered("email", off=MUTE))
    desk.tell(paused(2, 1, stream_id=1), paused(2, 2, stream_id=2))
    desk.until_the_hour()
    (text,) = (" ".join(each.text.split()) for each in desk.postman.letters if each.kind == DIGEST)
    assert re.search(r"to your pay streams since 21 Jul\w* 2026, 17:30", text)


def test_support_is_told_until_when(database: Database) -> None:
    desk = Desk(database, gathered("email"))
    desk.tell(paused(2, 1, stream_id=1))
    with database.read() as conn:
        held = select(delivery.c.notice_id).where(delivery.c.state == "held")
        row = conn.execute(select(notice).where(notice.c.notice_id.in_(held))).one()
        story = story_of(conn, row)
    (mail,) = (each for each in story["deliveries"] if each["channel"] == "email")
    assert mail["explanation"] == "gathered for the person's daily digest until 2026-07-21T23:00Z"
    assert "PUT /v1/me/preferences" in mail["remedy"]
