"""One line per notice told: when, in what order, and in which words."""

import io
import threading
from contextlib import contextmanager

import pytest
from rich.console import Console
from sqlalchemy import select, update

from cli.announce import Announcer
from notifier.content import encode_content
from notifier.schema import delivery, notice
from store.clock import now_micros
from store.errors import DatabaseLocked
from tests.fakes.planned import content, plan, plan_many

CLOSED_AT = 1_784_655_000
PROMPT = "2026-07-21T17:30:00Z  stream 7 paused, employee told: "


class Ticks(threading.Event):
    """A stop that is set after so many polls."""

    def __init__(self, polls):
        super().__init__()
        self._polls = polls

    def wait(self, timeout=None):
        self._polls -= 1
        return self._polls < 0


class Screen:
    """What has been printed, poll by poll."""

    def __init__(self, database):
        self.database = database
        self._out = io.StringIO()
        self.announcer = Announcer(database, Console(file=self._out, width=40))

    def poll(self, polls=1):
        """The lines that these polls print."""
        self._out.seek(0)
        self._out.truncate()
        self.announcer.run(Ticks(polls))
        return self._out.getvalue().splitlines()

    def plan(self, channel="email", **changes):
        with self.database.begin() as conn:
            planned = plan(conn, channel, **changes)
            row = conn.execute(select(delivery).where(delivery.c.delivery_id == planned)).one()
            conn.execute(
                update(notice)
                .where(notice.c.notice_id == row.notice_id)
                .values(closed_at=CLOSED_AT)
            )
        return row

    def change(self, table, **values):
        with self.database.begin() as conn:
            conn.execute(update(table).values(**values))


@pytest.fixture
def screen(sqlite_database):
    return Screen(sqlite_database)


def after(seconds):
    return int((CLOSED_AT + seconds) * 1_000_000)


def test_a_notice_is_told_once_when_its_deliveries_are_at_rest(screen):
    screen.plan(state="accepted", accepted_at=after(2.34))
    assert screen.poll() == [f"{PROMPT}email 2.3 s"]
    assert screen.poll() == []


@pytest.mark.parametrize("state", ["pending", "queued", "claimed", "handed_off"])
def test_a_notice_under_way_waits_and_is_not_forgotten(screen, state):
    screen.plan(state=state)
    assert screen.poll(2) == []
    screen.change(delivery, state="failed")
    assert screen.poll() == [f"{PROMPT}email failed"]


def test_one_that_is_under_way_holds_nothing_back_for_others(screen):
    first = screen.plan(state="queued")
    screen.plan("sms", state="accepted", accepted_at=after(1))
    assert screen.poll() == [f"{PROMPT}sms 1.0 s"]
    with screen.database.begin() as conn:
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id == first.delivery_id)
            .values(state="accepted", accepted_at=after(3))
        )
    assert screen.poll() == [f"{PROMPT}email 3.0 s"]
    assert screen.poll() == []


def test_after_a_minute_a_notice_is_told_as_far_as_it_has_come(screen, monkeypatch):
    screen.plan(state="queued")
    monkeypatch.setattr("cli.announce.now_micros", lambda: now_micros() + 61_000_000)
    assert screen.poll() == [f"{PROMPT}email queued"]


def test_the_ways_stand_in_the_order_of_their_speed(screen):
    row = screen.plan("sms", state="accepted", accepted_at=after(4))
    for channel in ("email", "push", "in_app"):
        extra = screen.plan(state="delivered", delivered_at=after(1))
        with screen.database.begin() as conn:
            conn.execute(notice.delete().where(notice.c.notice_id == extra.notice_id))
            conn.execute(
                update(delivery)
                .where(delivery.c.delivery_id == extra.delivery_id)
                .values(notice_id=row.notice_id, channel=channel)
            )
    assert screen.poll() == [f"{PROMPT}in_app 1.0 s · push 1.0 s · email 1.0 s · sms 4.0 s"]


def test_a_pause_of_the_whole_contract_and_late_news_are_called_so(screen):
    screen.plan(state="failed")
    screen.change(
        notice,
        stream_id=None,
        kind="contract_paused",
        late=True,
        content=encode_content(content(role="employer")),
    )
    (line,) = screen.poll()
    assert line == ("2026-07-21T17:30:00Z  contract paused, late, employer told: email failed")


def test_of_somebody_erased_only_that_there_was_somebody_is_told(screen):
    screen.plan(state="cancelled")
    screen.change(notice, content=None)
    assert screen.poll() == [PROMPT.replace("employee", "somebody") + "email cancelled"]


def test_what_was_planned_before_the_start_is_not_told_again(sqlite_database):
    Screen(sqlite_database).plan(state="failed")
    assert Screen(sqlite_database).poll() == []


def test_more_notices_of_one_moment_than_a_poll_looks_at_are_all_told(screen):
    with screen.database.begin() as conn:
        plan_many(conn, [f"p{n}@example.test" for n in range(450)], state="failed")
    screen.change(notice, planned_at=now_micros())
    assert len(screen.poll(3)) == 450
    screen.plan(state="failed")
    assert len(screen.poll()) == 1


def test_a_database_that_is_away_for_a_moment_delays_the_line(screen):
    screen.plan(state="failed")
    screen.announcer._database = AwayOnce(screen.database)
    assert screen.poll(1) == []
    assert screen.poll(1) == [f"{PROMPT}email failed"]


class AwayOnce:
    def __init__(self, database):
        self._database = database
        self._away = True

    @contextmanager
    def read(self):
        if self._away:
            self._away = False
            raise DatabaseLocked("database is locked")
        with self._database.read() as conn:
            yield conn
