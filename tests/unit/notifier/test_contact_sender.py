"""Letters about contacts: once, never after the mark, never against the switch or the list."""

import threading
from contextlib import suppress

import pytest
from sqlalchemy import select, update

from notifier import suppression, switch
from notifier.contact_letters import contact_letter
from notifier.contact_list import Listed
from notifier.contact_sender import ContactSender
from notifier.contacts import ContactBook, Refused
from notifier.errors import ChannelUnavailable, DestinationRejected, OutcomeUnknown
from notifier.guests import GuestList
from notifier.preferences import Preferences
from notifier.privacy import Vault
from notifier.spending import Caps, Spending, standing
from notifier.wishing import set_preferences
from store.clock import now_micros
from store.errors import ConnectionLost
from tests.fakes.chain import EMPLOYEE
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY

EMAIL = "ana@example.org"


class Desk:
    def __init__(self, database) -> None:
        self.database = database
        self.vault = Vault(bytes(32))
        self.channel = FakeChannel()
        self.now = now_micros()
        self.sender = ContactSender(
            database,
            self.vault,
            {"email": self.channel},
            guests=EVERYBODY,
            poll_seconds=0.01,
            clock=lambda: self.now,
        )

    def add(self, channel: str = "email", destination: str = EMAIL) -> Listed | Refused:
        book = ContactBook(self.vault)
        with self.database.begin() as conn:
            where = {"channel": channel, "destination": destination}
            return book.add(conn, EMPLOYEE, now=self.now, **where)

    def list_for(self, reason: str) -> None:
        lookup = self.vault.destination_lookup("email", EMAIL)
        with self.database.begin() as conn:
            suppression.put(conn, "email", lookup, reason, source="test", at=self.now)

    def states(self) -> list[str]:
        with self.database.read() as conn:
            return list(conn.scalars(select(contact_letter.c.state)))

    def later(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


@pytest.fixture
def desk(sqlite_database) -> Desk:
    return Desk(sqlite_database)


async def test_a_letter_leaves_once(desk):
    desk.add()
    assert await desk.sender.step() == 1
    assert await desk.sender.step() == 0
    assert desk.states() == ["sent"]
    [(letter, to)] = desk.channel.sent
    assert to == EMAIL
    assert letter.subject.endswith("is your Pausewire code")


async def test_what_nobody_knows_of_is_not_sent_again(desk):
    desk.channel.failing = OutcomeUnknown("cut")
    desk.add()
    await desk.sender.step()
    desk.later(600)
    assert await desk.sender.step() == 0
    assert desk.states() == ["unknown"]


async def test_a_defect_after_the_mark_is_unknown_too_and_one_before_it_is_not_tried_again(desk):
    desk.channel.failing = RuntimeError("defect")
    desk.add()
    await desk.sender.step()
    desk.channel.failing, desk.channel.refusing = None, RuntimeError("defect")
    desk.add()
    await desk.sender.step()
    assert sorted(desk.states()) == ["failed", "unknown"]


async def test_what_did_not_leave_is_tried_again_a_few_times(desk):
    desk.channel.refusing = ChannelUnavailable("away")
    desk.add()
    tries = 0
    for _ in range(20):
        tries += await desk.sender.step()
        desk.later(10)
    assert tries == 4
    assert desk.states() == ["failed"]
    desk.channel.refusing = None
    assert desk.channel.sent == []


async def test_a_refused_destination_fails_at_once(desk):
    desk.channel.refusing = DestinationRejected("no such user")
    desk.add()
    await desk.sender.step()
    assert desk.states() == ["failed"]


async def test_a_letter_of_a_dead_process_is_unknown_once_its_lease_is_over(desk):
    desk.add()
    with desk.database.begin() as conn:
        values = {"state": "handed_off", "token": "dead", "lease_until": desk.now + 1}
        conn.execute(update(contact_letter).values(values))
    assert await desk.sender.step() == 0
    assert desk.states() == ["handed_off"]
    desk.later(1)
    assert await desk.sender.step() == 0
    assert desk.states() == ["unknown"]


async def test_late_letters_expire_and_old_ones_are_forgotten(desk):
    desk.add()
    desk.later(15 * 60)
    assert await desk.sender.step() == 0
    assert desk.states() == ["expired"]
    desk.later(48 * 3600)
    await desk.sender.step()
    assert desk.states() == []


async def test_nothing_leaves_while_sending_is_paused(desk):
    desk.add()
    with desk.database.begin() as conn:
        switch.pause(conn, reason=None, now=desk.now)
    assert await desk.sender.step() == 0
    assert desk.states() == ["pending"]


async def test_a_switch_turned_while_connecting_still_holds(desk):
    desk.add()
    prepare = desk.channel.prepare

    def turning(letter, destination):
        with desk.database.begin() as conn:
            switch.pause(conn, reason=None, now=desk.now)
        return prepare(letter, destination)

    desk.channel.prepare = turning
    await desk.sender.step()
    assert desk.channel.sent == []
    assert desk.states() == ["pending"]


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (suppression.HARD_BOUNCE, "sent"),
        (suppression.COMPLAINT, "sent"),
        (suppression.STOP, "withheld"),
        (suppression.OPERATOR, "withheld"),
        (suppression.UNSUBSCRIBED, "sent"),
    ],
)
async def test_the_suppression_list_holds_but_who_asks_for_a_code_may_come_back(
    desk, reason, state
):
    desk.list_for(reason)
    desk.add()
    await desk.sender.step()
    assert desk.states() == [state]


async def test_a_stop_keeps_a_code_away_whatever_else_stands_against_the_place(desk):
    for reason in (suppression.HARD_BOUNCE, suppression.STOP):
        desk.list_for(reason)
    desk.add()
    await desk.sender.step()
    assert desk.states() == ["withheld"]


async def test_a_code_that_was_asked_for_before_the_place_bounced_does_not_go_there(desk):
    desk.add()
    desk.later(1)
    desk.list_for(suppression.HARD_BOUNCE)
    await desk.sender.step()
    assert desk.states() == ["withheld"]
    desk.add()  # what stayed here was no code of this day
    await desk.sender.step()
    assert sorted(desk.states()) == ["sent", "withheld"]


@pytest.mark.parametrize("reason", suppression.WARY)
async def test_a_place_that_refused_us_gets_one_code_in_any_day(desk, reason):
    desk.list_for(reason)
    desk.add()
    await desk.sender.step()
    desk.later(24 * 3600 - 1)
    desk.list_for(reason)  # it bounced again, which starts no new day
    assert desk.add() is Refused.CODE_TOMORROW
    desk.later(1)
    desk.add()
    await desk.sender.step()
    assert len(desk.channel.sent) == 2


async def test_outside_production_only_guests_get_letters_and_these_name_the_network(desk):
    guests = frozenset({"@example.org"})
    for place, state in ((guests, "sent"), (frozenset(), "withheld")):
        desk.sender = ContactSender(
            desk.database,
            desk.vault,
            {"email": desk.channel},
            poll_seconds=0.01,
            guests=GuestList(everybody=False, places=place, network="Test"),
            clock=lambda: desk.now,
        )
        desk.add()
        await desk.sender.step()
        assert desk.states()[-1] == state
        desk.later(1)
    [(letter, _)] = desk.channel.sent
    assert letter.subject.startswith("(Test)")
    assert letter.text.startswith("(Test)")


async def test_a_channel_that_is_switched_off_withholds_its_letters(desk):
    desk.add("sms", "+15550100123")
    await desk.sender.step()
    assert desk.states() == ["withheld"]


def test_the_role_ends_when_told_and_closes_its_channels(desk):
    desk.add()
    stop = threading.Event()
    desk.channel.on_send = stop.set
    desk.sender.run(stop)
    assert desk.states() == ["sent"]
    assert desk.channel.closed


async def test_a_letter_speaks_the_language_and_the_time_zone_of_whom_it_is_for(desk):
    wishes = Preferences(time_zone="Asia/Kolkata")
    with desk.database.begin() as conn:
        set_preferences(conn, desk.vault, EMPLOYEE, wishes, language="de-AT", now=desk.now)
    desk.add()
    await desk.sender.step()
    [(letter, _)] = desk.channel.sent
    assert letter.subject.endswith("ist Ihr Pausewire-Code")
    assert 'lang="de"' in letter.html
    assert "15 Minuten" in letter.text


async def test_only_news_that_may_go_on_can_be_ended_by_its_foot(desk):
    desk.sender = ContactSender(
        desk.database,
        desk.vault,
        {"email": desk.channel},
        guests=EVERYBODY,
        poll_seconds=0.01,
        public_url="https://pay.example",
        clock=lambda: desk.now,
    )
    for place in (EMAIL, "ben@example.org"):
        desk.later(1)
        desk.add("email", place)
        await desk.sender.step()
        code = desk.channel.sent[-1][0].subject.split()[0]
        with desk.database.begin() as conn:
            book = ContactBook(desk.vault)
            contact_id = book.list(conn, EMPLOYEE)[-1].contact_id
            book.verify(conn, EMPLOYEE, contact_id, code, desk.now)
    with desk.database.begin() as conn:
        book.remove(conn, EMPLOYEE, contact_id, desk.now)
    while await desk.sender.step():
        pass
    sent = {letter.kind: letter for letter, _ in desk.channel.sent}
    assert sorted(sent) == ["contact_added", "contact_code", "contact_removed"]
    for kind, letter in sent.items():
        assert "https://pay.example/#/inbox/settings" in letter.text
        assert ("/v1/unsubscribe/" in letter.text) == (kind == "contact_added")
        assert (letter.unsubscribe_url is not None) == (kind == "contact_added")


async def test_codes_are_paid_for_out_of_the_days_money_and_wait_where_it_is_spent(desk):
    spending = Spending(Caps(prices={"email": 5}, total=10))
    desk.sender = ContactSender(
        desk.database,
        desk.vault,
        {"email": desk.channel},
        guests=EVERYBODY,
        poll_seconds=0.01,
        spending=spending,
        clock=lambda: desk.now,
    )
    desk.channel.failing = DestinationRejected("no such user")
    desk.add(destination="first@example.org")
    await desk.sender.step()
    with desk.database.read() as conn:
        assert standing(conn, desk.now).spent == {"": 0, "email": 0}
    desk.channel.failing = None
    for name in ("ana", "ben", "eva"):
        desk.add(destination=f"{name}@example.org")
        await desk.sender.step()
    assert sorted(desk.states()) == ["failed", "pending", "sent", "sent"]
    with desk.database.read() as conn:
        found = standing(conn, desk.now)
    assert (found.spent["email"], found.refused) == (10, 1)
    assert await desk.sender.step() == 0


async def test_what_was_not_taken_is_paid_back_in_the_transaction_that_says_so(desk, monkeypatch):
    """A process that dies right after it would otherwise count money that nobody has spent."""
    desk.sender = ContactSender(
        desk.database,
        desk.vault,
        {"email": desk.channel},
        guests=EVERYBODY,
        poll_seconds=0.01,
        spending=Spending(Caps(prices={"email": 5}, total=10)),
        clock=lambda: desk.now,
    )
    desk.channel.failing = DestinationRejected("no such user")
    desk.add()
    begin, begun = desk.database.begin, []

    def dying():
        begun.append(1)
        if len(begun) > len(("claim", "mark", "result")):
            raise ConnectionLost("died")
        return begin()

    monkeypatch.setattr(desk.database, "begin", dying)
    with suppress(ConnectionLost):
        await desk.sender.step()
    assert desk.states() == ["failed"]
    with desk.database.read() as conn:
        assert standing(conn, desk.now).spent["email"] == 0
