"""Reminders of pauses that last: when, to whom, once each, and never of what is over."""

import pytest
from sqlalchemy import insert, select, update

from notifier.content import decode_content
from notifier.explaining import explain
from notifier.lasting import SOMEBODY_ELSES
from notifier.preferences import Preferences, Quiet, heed
from notifier.reminder_schema import lasting_pause
from notifier.reminder_times import NEVER, Times
from notifier.rendering import Renderer
from notifier.schema import delivery, notice, switch
from notifier.still_paused import is_reminder
from notifier.why import why
from store.engine import Database
from store.schema import evidence_outcome, stream_state, tracking
from tests.fakes.chain import (
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    event_id,
    paused,
    resumed,
    stored_pause,
    transferred,
)
from tests.fakes.reminding import DAY, TIMES, Desk

NUMBERED = ["reminder.1", "reminder.2", "reminder.3", "reminder.4", "reminder.5"]


@pytest.fixture
def desk(sqlite_database: Database) -> Desk:
    made = Desk(sqlite_database)
    made.tell(created(1), paused(2))
    return made


def reminders_of(desk: Desk, account: str = EMPLOYEE) -> list[str]:
    return [kind for kind in desk.notices(account) if kind.startswith("reminder.")]


def ends(desk: Desk) -> list[tuple[str, str | None]]:
    """(state, reason) of the emails of reminders."""
    rows = desk.world.rows(
        select(notice.c.kind, delivery.c.state, delivery.c.reason)
        .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(delivery.c.channel == "email")
        .order_by(notice.c.planned_at, delivery.c.delivery_id)
    )
    return [(row.state, row.reason) for row in rows if is_reminder(row)]


def test_times_rise_from_days_to_weeks_and_end() -> None:
    days = [TIMES.of(n) for n in range(1, 7)]
    assert days == [DAY, 3 * DAY, 7 * DAY, 14 * DAY, 21 * DAY, None]
    assert [TIMES.newest(n * DAY) for n in (0, 1, 2, 3, 8, 14, 99)] == [0, 1, 1, 2, 3, 4, 5]
    weekly = Times(after=(), every=7 * DAY, most=2)
    assert [weekly.newest(n * DAY) for n in (6, 7, 14, 70)] == [0, 1, 2, 2]
    assert Times(after=(DAY,), every=0, most=9).of(2) is None


def test_a_pause_that_lasts_is_told_again_at_its_times_and_no_longer(desk: Desk) -> None:
    for day in range(60):
        desk.run(DAY)
        assert len(reminders_of(desk)) == TIMES.newest((day + 1) * DAY)
    assert reminders_of(desk) == reminders_of(desk, EMPLOYER) == NUMBERED
    assert desk.read_by() == [["paused"], *[["reminder"]] * 5]
    assert [row.due_at for row in desk.world.rows(select(lasting_pause))] == [NEVER]


def test_a_reminder_says_since_when_and_how_long_and_stays_in_the_thread(desk: Desk) -> None:
    desk.run(3 * DAY)
    rows = {row.kind: row for row in desk.world.rows(select(notice))}
    assert rows["reminder.2"].cause_event_id == rows["paused"].cause_event_id
    content = decode_content(rows["reminder.2"].content)
    words = Renderer().render(content, "email", "en", "2")
    assert "paused for 3 days" in words.subject
    assert content.happened_at == rows["paused"].closed_at


@pytest.mark.parametrize("fact", [resumed, cancelled])
def test_what_ends_the_pause_ends_its_reminders(desk: Desk, fact) -> None:
    desk.run(DAY)
    desk.tell(fact(3))
    desk.run(30 * DAY)
    assert reminders_of(desk) == NUMBERED[:1]
    assert desk.world.rows(select(lasting_pause)) == []


def held_overnight(desk: Desk) -> None:
    """A reminder that waits: nothing rings before the morning."""
    desk.clock.pass_seconds(DAY)
    desk.world.plan()
    assert desk.reminders.step() == 1
    with desk.database.begin() as conn:
        email = delivery.c.channel == "email"
        theirs = delivery.c.notice_id.in_(
            select(notice.c.notice_id).where(notice.c.kind == "reminder.1")
        )
        conn.execute(
            update(delivery)
            .where(email, theirs)
            .values(state="held", reason=None, available_at=desk.clock() + 3600 * 1_000_000)
        )


def test_what_waits_is_withdrawn_by_the_end_before_the_end_is_told(desk: Desk) -> None:
    held_overnight(desk)
    desk.tell(resumed(17_300))
    assert set(ends(desk)) == {("cancelled", "over")}
    assert desk.read_by()[-1] == ["resumed"]
    assert "over" in explain("cancelled", "over").text


def test_a_letter_of_a_pause_that_the_log_knows_is_over_does_not_leave(desk: Desk) -> None:
    held_overnight(desk)
    desk.world.record(resumed(3))  # planning has not met it
    desk.clock.pass_seconds(3600)
    desk.deliver()
    assert set(ends(desk)) == {("cancelled", "over")}
    assert desk.read_by() == [["paused"]]


def test_no_reminder_is_made_where_the_log_knows_the_end_and_planning_does_not(desk: Desk) -> None:
    desk.world.record(resumed(3))
    desk.clock.pass_seconds(DAY)
    assert desk.reminders.step() == 1
    assert reminders_of(desk) == []
    desk.run(DAY)
    assert reminders_of(desk) == []


def test_a_row_whose_end_planning_never_meets_is_looked_at_ever_more_seldom(desk: Desk) -> None:
    desk.world.record(resumed(3))
    desk.clock.pass_seconds(DAY)
    looks = 0
    for _ in range(30 * 24):
        looks += desk.reminders.step()
        desk.clock.pass_seconds(3600)
    assert looks == 5  # after 1, 2, 4, 8 and 16 days
    assert reminders_of(desk) == []


def test_who_gets_the_stream_gets_the_reminders(desk: Desk) -> None:
    held_overnight(desk)
    desk.tell(transferred(3))
    assert sorted(ends(desk)) == [("cancelled", SOMEBODY_ELSES), ("held", None)]
    desk.run(3 * DAY)
    assert (reminders_of(desk), reminders_of(desk, OTHER)) == (NUMBERED[:1], NUMBERED[1:2])
    assert "somebody else" in explain("cancelled", SOMEBODY_ELSES).text


def test_an_outage_leaves_one_reminder_behind_not_three(desk: Desk) -> None:
    desk.run(10 * DAY)
    assert reminders_of(desk) == ["reminder.3"]
    desk.run(4 * DAY)
    assert reminders_of(desk) == ["reminder.3", "reminder.4"]


def test_a_pause_learned_late_is_reminded_of_once(sqlite_database: Database) -> None:
    desk = Desk(sqlite_database)
    desk.clock.pass_seconds(10 * DAY)
    desk.tell(created(2))
    desk.world.record(paused(1))  # refused: nobody knew the stream then
    desk.tell(stored_pause(3))
    assert reminders_of(desk) == ["reminder.3"]
    desk.run(60)
    assert reminders_of(desk) == ["reminder.3"]


def test_an_employer_of_many_paused_streams_gets_one_message_a_day(
    sqlite_database: Database,
) -> None:
    desk = Desk(sqlite_database, together_seconds=DAY)
    streams = range(1, 31)
    desk.tell(*(created(1, n, stream_id=n) for n in streams))
    desk.tell(*(paused(2, n, stream_id=n) for n in streams[:20]))
    desk.run(3600)
    desk.tell(*(paused(3, n, stream_id=n) for n in streams[20:]))
    before = len(desk.read_by(EMPLOYER))
    for _ in range(47):
        desk.run(3600)
    told = desk.read_by(EMPLOYER)[before:]
    assert [len(lines) for lines in told] == [30] or [len(lines) for lines in told] == [20, 10]
    assert {line for lines in told for line in lines} == {"reminder"}


def test_a_whole_contract_that_stays_paused_is_told_to_everybody_in_it(desk: Desk) -> None:
    desk.tell(resumed(3), created(3, 1, stream_id=8, employee=OTHER))
    desk.tell(contract_pause(4))
    desk.run(DAY)
    for account in (EMPLOYEE, OTHER, EMPLOYER):
        assert reminders_of(desk, account) == ["reminder.1"]
    desk.tell(contract_pause(5, value=False))
    desk.run(7 * DAY)
    assert reminders_of(desk) == ["reminder.1"]


def test_a_contracts_letter_does_not_leave_once_the_log_knows_that_it_is_resumed(
    desk: Desk,
) -> None:
    desk.tell(resumed(3), contract_pause(4))
    held_overnight(desk)
    desk.world.record(contract_pause(5, value=False))
    desk.clock.pass_seconds(3600)
    desk.deliver()
    assert set(ends(desk)) == {("cancelled", "over")}


def test_a_large_contract_is_reminded_in_steps_and_each_person_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.fanout.STREAMS_PER_STEP", 2)
    desk.tell(*(created(3, n, stream_id=n, employee=OTHER) for n in range(10, 15)))
    desk.tell(contract_pause(4))
    desk.clock.pass_seconds(DAY)
    contract = select(lasting_pause).where(lasting_pause.c.stream_id.is_(None))
    steps = 0
    while desk.reminders.step():
        steps += 1
        desk.reminders = desk.process()  # the one before was killed
    assert steps > 3
    assert reminders_of(desk, OTHER) == ["reminder.1"]
    (row,) = desk.world.rows(contract)
    assert (row.told, row.after_stream) == (1, None)


def test_whoever_wants_none_has_them_in_the_inbox_alone(desk: Desk) -> None:
    desk.wish(EMPLOYEE, Preferences(off=(("reminder", "email"),)))
    desk.run(DAY)
    assert reminders_of(desk) == ["reminder.1"]
    assert desk.read_by() == [["paused"]]
    desk.wish(EMPLOYEE, Preferences(pauses_only=True))
    desk.run(2 * DAY)
    assert desk.read_by() == [["paused"], ["reminder"]]


def test_reminders_do_not_ring_at_night_whatever_pauses_may() -> None:
    night = Preferences(quiet=Quiet(0, 23 * 60 + 59), urgent_pauses=True)
    assert heed(night, "reminder.2", "sms", 0).held_until is not None
    assert heed(night, "paused", "sms", 0).held_until is None


def test_employers_are_left_in_peace_where_the_deployment_says_so(
    sqlite_database: Database,
) -> None:
    times = Times(after=(DAY,), every=0, most=1, employers=False)
    desk = Desk(sqlite_database, times)
    desk.tell(created(1), paused(2))
    desk.run(DAY)
    assert (reminders_of(desk), reminders_of(desk, EMPLOYER)) == (["reminder.1"], [])


def test_pauses_from_before_are_taken_up_and_nobody_hears_of_the_past(desk: Desk) -> None:
    desk.tell(contract_pause(3))
    with desk.database.begin() as conn:
        conn.execute(lasting_pause.delete())
        conn.execute(switch.delete())
    desk.clock.pass_seconds(4 * DAY)
    desk.reminders = desk.process()
    desk.run()
    assert reminders_of(desk) == []
    desk.run(3 * DAY)
    assert reminders_of(desk) == ["reminder.3", "reminder.3"]  # the stream's, and the contract's


def test_a_cache_that_is_behind_the_log_misleads_nobody(sqlite_database: Database) -> None:
    """Ingest writes `stream_state` some versions late."""
    desk = Desk(sqlite_database)
    desk.tell(created(1))
    (before,) = desk.world.rows(select(stream_state))

    def fall_back() -> None:
        with desk.database.begin() as conn:
            conn.execute(update(stream_state).values(before._asdict()))

    desk.tell(paused(2))
    fall_back()
    desk.run(DAY)
    assert desk.read_by() == [["paused"], ["reminder"]]
    desk.clock.pass_seconds(2 * DAY)
    assert desk.reminders.step() == 1
    desk.world.record(resumed(3))
    fall_back()
    desk.clock.pass_seconds(5)  # an employer's own news is collected
    desk.deliver()
    assert ends(desk) == [("accepted", None)] * 2 + [("cancelled", "over")] * 2
    with desk.database.begin() as conn:
        conn.execute(lasting_pause.delete())
        conn.execute(switch.delete())
    desk.world.record(paused(4))
    fall_back()
    desk.process().step()
    assert [row.cause for row in desk.world.rows(select(lasting_pause))] == [event_id(4)]


def test_planning_the_log_again_reminds_nobody_again(desk: Desk) -> None:
    desk.run(DAY)
    with desk.database.begin() as conn:
        conn.execute(update(tracking).where(tracking.c.name == "plan").values(position=0))
        conn.execute(lasting_pause.delete())
    desk.run()
    desk.run(60)
    assert reminders_of(desk) == ["reminder.1"]
    assert len(desk.read_by()) == 2


def test_why_says_how_often_and_when_next(desk: Desk) -> None:
    desk.run(DAY)
    row = lasting_pause.c.cause == event_id(2)
    assert len(desk.world.rows(select(lasting_pause).where(row))) == 1
    with desk.database.begin() as conn:
        conn.execute(
            insert(evidence_outcome).values(
                event_id=event_id(2), n=1, outcome="applied", profile="p@1", position=2
            )
        )
        found = why(
            conn,
            desk.world.vault,
            account_id=EMPLOYEE,
            event_id=event_id(2),
            configured=["email"],
        )
    assert found["steps"][-1]["what"] == "reminders"
    assert "reminders so far: 1, the next one comes" in found["steps"][-1]["found"]
    assert [each["kind"] for each in found["notices"]] == ["paused", "reminder.1"]
