"""What waited for the end of quiet hours is fresh then, on the next channel too."""

import pytest

from notifier.contact_file import ContactLine
from notifier.preferences import Preferences, Quiet
from notifier.ways import Ways
from notifier.wishing import set_preferences
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, paused
from tests.fakes.told_along import ANA, Desk

HOUR = 3_600
FRESH = {"push": HOUR, "sms": HOUR // 2}
LINE = ContactLine(EMPLOYEE, phone="+15550100001", push=ANA.push)
PUSH = frozenset({"push"})


@pytest.fixture
def desk(database: Database) -> Desk:
    """It is 17:30; she has silence from 17:00 to 02:00, and then a push would be of use until 03:00."""
    made = Desk(database, line=LINE, ways=Ways(one_by_one=True), fresh=FRESH)
    wish = Preferences(quiet=Quiet(17 * 60, 2 * 60))
    with database.begin() as conn:
        set_preferences(conn, made.world.vault, EMPLOYEE, wish, language="en", now=made.clock())
    made.tell(paused(2, 1, stream_id=1))
    assert [state for state, _ in made.stand("push")][-1:] == ["held"]
    return made


def test_what_is_refused_at_the_end_of_quiet_hours_goes_to_the_next_channel(desk: Desk) -> None:
    desk.gather(8.6 * HOUR)
    desk.postman.send(refuses=PUSH)
    desk.settle()
    assert desk.read_on("sms") == [{1}]


def test_what_was_let_go_too_late_goes_nowhere(desk: Desk) -> None:
    desk.clock.pass_seconds(15 * HOUR)
    desk.postman.gather()
    desk.settle()
    desk.settle()
    assert ("expired", "deadline") in desk.stand("push")
    assert desk.read_on("sms") == []
