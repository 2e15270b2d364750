"""A pause that cannot be read is put off with an error; whoever else is due hears of theirs."""

import pytest
from sqlalchemy import insert, select

from notifier.notices import NoticeWriter
from notifier.pauses_before import NOT_TAKEN_UP
from notifier.reminder_schema import lasting_pause
from notifier.reminders import REMINDING_FAILED
from notifier.schema import plan_parked, switch
from store.engine import Database
from store.schema import recorded_event
from tests.fakes.chain import created, event_id, paused
from tests.fakes.reminding import DAY, Desk

HOUR = 3_600


@pytest.fixture
def desk(sqlite_database: Database) -> Desk:
    """Streams 7 and 8 are paused; what the log holds of 7 is damaged."""
    made = Desk(sqlite_database)
    made.tell(created(1), paused(2), created(3, stream_id=8), paused(4, stream_id=8))
    with made.database.begin() as conn:
        of_seven = select(lasting_pause.c.originator_id).where(lasting_pause.c.stream_id == 7)
        unreadable = {"originator_id": conn.scalar(of_seven), "topic": "stream.history_revised.1"}
        where = {"position": 10_000, "originator_version": 10_000}
        conn.execute(
            insert(recorded_event).values(**unreadable, **where, state=b"\xc1", recorded_at=0)
        )
    return made


def kept(desk: Desk) -> dict[str, int]:
    """By the event of each pause, how many reminders were told."""
    return {row.cause: row.told for row in desk.world.rows(select(lasting_pause))}


def test_one_that_cannot_be_read_silences_no_other(desk: Desk, capsys) -> None:
    desk.clock.pass_seconds(DAY)
    assert desk.reminders.step() == 2
    assert desk.notices().count("reminder.1") == 1
    assert kept(desk) == {event_id(2): 0, event_id(4): 1}
    assert desk.reminders.step() == 0  # it is put off, not tried without end
    assert REMINDING_FAILED in capsys.readouterr().out


def test_one_that_cannot_be_read_keeps_no_other_from_being_taken_up(desk: Desk, capsys) -> None:
    with desk.database.begin() as conn:
        conn.execute(lasting_pause.delete())
        conn.execute(switch.delete())
    desk.process().step()
    assert kept(desk) == {event_id(4): 0}
    assert NOT_TAKEN_UP in capsys.readouterr().out


def test_one_that_cannot_be_written_is_put_off(desk: Desk, capsys, monkeypatch) -> None:
    write = NoticeWriter.write

    def fails(self, conn, news, now):
        if any(each.is_reminder for each in news):
            raise KeyError
        return write(self, conn, news, now)

    monkeypatch.setattr(NoticeWriter, "write", fails)
    desk.clock.pass_seconds(DAY)
    assert desk.reminders.step() == 2
    assert kept(desk) == {event_id(2): 0, event_id(4): 0}
    assert capsys.readouterr().out.count(REMINDING_FAILED) == 2
    assert desk.world.rows(select(plan_parked)) == []  # no event of the log is at fault
    monkeypatch.undo()
    assert desk.reminders.step() == 0
    desk.clock.pass_seconds(HOUR)
    assert desk.reminders.step() == 2
    assert kept(desk) == {event_id(2): 0, event_id(4): 1}
    assert desk.notices().count("reminder.1") == 1
