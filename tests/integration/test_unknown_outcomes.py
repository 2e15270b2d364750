"""Letters that may have left, and of which nobody tells: another channel, a second mail, or a person."""

import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from notifier import inbox, suppression
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, listing, redrive
from notifier.notice_story import story_of
from notifier.onward import Onward
from notifier.preferences import Preferences
from notifier.purpose_schema import onward
from notifier.push_places import WEB_PUSH
from notifier.schema import attempt, delivery, notice
from notifier.storm import Brake
from notifier.sweep import Sweeper
from notifier.ways import Ways
from notifier.wishing import set_preferences
from store.engine import Database
from tests.fakes.called_back import Desk as Callbacks
from tests.fakes.called_back import status
from tests.fakes.chain import EMPLOYEE, paused, resumed
from tests.fakes.planned import plan
from tests.fakes.planning import FOREVER
from tests.fakes.postman import WINDOW
from tests.fakes.told_along import ANA, WAYS, Desk, told_together

PATIENCE = 600
LEASE = 31
MAIL_ALONE = ContactLine(EMPLOYEE, email=ANA.email)
SMS_ALONE = ContactLine(EMPLOYEE, phone="+15550100001")
MAIL_AND_SMS = ContactLine(EMPLOYEE, email=ANA.email, phone="+15550100001")
AT_ONCE = Ways()


class Doubtful(Desk):
    """Ana's stream is paused; whoever sends the news dies with the bytes on their way."""

    def __init__(self, database: Database, line: ContactLine, ways: Ways = WAYS) -> None:
        super().__init__(database, line=line, ways=ways)
        self.world.record(paused(2, 1, stream_id=1))
        self.world.plan()

    def give_up(self, patience: float = PATIENCE) -> None:
        """Nobody tells, until patience is over."""
        self.clock.pass_seconds(LEASE)
        self.postman.sweep()
        self.clock.pass_seconds(PATIENCE)
        sweeper(self, patience).step()

    def look(self) -> None:
        self.go()
        self.gather()

    def row(self, channel: str = "email") -> Any:
        (row,) = self.world.rows(
            select(delivery).where(delivery.c.channel == channel, delivery.c.purpose.is_(None))
        )
        return row

    def ends(self, channel: str = "email") -> tuple[str, str | None, bool]:
        row = self.row(channel)
        return row.state, row.reason, row.possible_duplicate

    def arrives(self, channel: str = "email") -> None:
        """As its provider calls back to say."""
        callbacks = Callbacks(self.database, clock=self.clock)
        callbacks.now = self.clock()
        self.clock.pass_seconds(2)
        callbacks.tell(status("SM1", "delivered"), delivery=self.row(channel).delivery_id)


def sweeper(desk: Desk, patience: float = PATIENCE) -> Sweeper:
    return Sweeper(desk.database, sweep_seconds=1, patience_seconds=patience, clock=desk.clock)


def unanswered(database: Database, line: ContactLine = MAIL_ALONE, ways: Ways = WAYS) -> Doubtful:
    desk = Doubtful(database, line, ways)
    desk.postman.send(dies="sent")
    return desk


def test_a_mail_that_has_no_other_way_leaves_once_more_and_never_again(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up()
    assert desk.ends() == ("unknown", "unresolved", False)
    with capture_logs() as said:
        desk.look()
    assert desk.ends() == ("pending", "resent", True)
    assert {"event": "mails_sent_again", "deliveries": 1, "log_level": "info"} in said
    desk.postman.send(dies="sent")
    first, second = desk.postman.messages
    assert first.delivery_id == second.delivery_id  # which the Message-ID is made of
    assert first.lines == second.lines
    for _ in range(3):
        desk.give_up()
        desk.look()
        desk.postman.send()
    assert desk.ends() == ("unknown", "no_other_way", True)
    assert len(desk.postman.messages) == 2


def test_a_digest_that_has_no_other_way_leaves_once_more_for_those_that_need_it(
    database: Database,
) -> None:
    desk = told_together(database, resumed, line=MAIL_ALONE)
    desk.postman.send(dies="sent")
    with database.begin() as conn:
        left = delivery.c.digest & (delivery.c.state == "handed_off")
        digest = conn.execute(select(delivery).where(left)).one()
        own = update(notice).where(notice.c.notice_id == digest.notice_id)
        conn.execute(own.values(read_at=desk.clock()))
    desk.clock.pass_seconds(LEASE)
    desk.postman.sweep()
    desk.clock.pass_seconds(PATIENCE)
    sweeper(desk).step()
    desk.settle()
    assert desk.read_on("email") == [{1}, {2, 3, 4}, {2, 3, 4}]
    assert ("accepted", None) in desk.stand("email")


def test_the_second_mails_end_is_the_deliverys(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up()
    desk.look()
    desk.postman.send()
    assert desk.ends() == ("accepted", None, True)
    results = [each.result for each in desk.world.rows(select(attempt).order_by(attempt.c.n))]
    assert results == ["unknown", "accepted"]


def test_before_patience_is_over_and_without_any_nothing_moves(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up(patience=PATIENCE + 1)
    desk.give_up(patience=0)
    desk.look()
    assert desk.ends() == ("unknown", "lease_expired", False)
    assert desk.world.rows(select(onward)) == []


@pytest.mark.parametrize("news", [paused, resumed], ids=["with steps", "without"])
def test_what_a_push_may_have_told_alone_or_along_is_told_by_mail(
    database: Database, news: Any
) -> None:
    desk = told_together(database, news)
    desk.postman.send(dies="sent")
    desk.clock.pass_seconds(LEASE)
    desk.postman.sweep()
    desk.settle()
    assert desk.read_on("email") == []
    desk.clock.pass_seconds(PATIENCE)
    sweeper(desk).step()
    desk.settle()
    assert desk.read_on("email") == [{2, 3, 4}]
    assert ("unknown", "told_elsewhere") in desk.stand("push")
    for _ in range(3):
        desk.clock.pass_seconds(PATIENCE)
        sweeper(desk).step()
        desk.settle()
    assert desk.read_on("push") == [{1}, {2, 3, 4}]
    assert desk.read_on("email") == [{2, 3, 4}]


def test_an_sms_is_never_sent_again_by_itself(database: Database) -> None:
    desk = unanswered(database, SMS_ALONE)
    desk.give_up()
    desk.look()
    desk.postman.send()
    assert desk.ends("sms") == ("unknown", "no_other_way", False)
    wanted = Filter(state="unknown", reason="no_other_way")
    with database.begin() as conn:
        (listed,) = conn.execute(listing(wanted, after=None, limit=9)).all()
        assert listed.channel == "sms"
        of = conn.execute(select(notice).where(notice.c.notice_id == listed.notice_id)).one()
        (told,) = [each for each in story_of(conn, of)["deliveries"] if each["channel"] == "sms"]
        assert "no other channel" in told["explanation"]
        assert "redrive" in told["remedy"]
        assert redrive(conn, database.bell, wanted, now=desk.clock()) == [listed.delivery_id]
    assert desk.ends("sms") == ("pending", None, True)


def test_who_has_it_on_another_channel_gets_no_second_mail(database: Database) -> None:
    desk = Doubtful(database, MAIL_AND_SMS, AT_ONCE)
    with database.begin() as conn:
        late = {"available_at": desk.clock() + 1_000_000}
        conn.execute(update(delivery).where(delivery.c.channel == "sms").values(late))
    desk.postman.send(dies="sent")
    desk.clock.pass_seconds(1)
    desk.postman.send()
    desk.give_up()
    desk.look()
    assert desk.ends() == ("unknown", "told_elsewhere", False)
    desk.postman.bounce("sms")
    desk.look()
    assert desk.ends() == ("pending", "resent", True)


def test_of_two_that_nobody_knows_of_the_mail_leaves_again(database: Database) -> None:
    desk = unanswered(database, MAIL_AND_SMS, AT_ONCE)
    desk.give_up()
    desk.look()
    assert desk.ends() == ("pending", "resent", True)
    assert desk.ends("sms") == ("unknown", "no_other_way", False)


def reads(desk: Doubtful) -> None:
    with desk.database.begin() as conn:
        for who in conn.scalars(select(notice.c.recipient_id).distinct()).all():
            inbox.mark_read(conn, who, None, desk.clock())


def hears_newer_news(desk: Doubtful) -> None:
    desk.world.record(resumed(3, 2, stream_id=1))
    desk.world.plan()
    desk.postman.send()
    desk.gather(2 * WINDOW)
    desk.postman.send()


@pytest.mark.parametrize("meanwhile", [reads, hears_newer_news])
def test_who_saw_it_or_has_newer_news_needs_nothing(database: Database, meanwhile: Any) -> None:
    desk = unanswered(database)
    meanwhile(desk)
    before = len(desk.postman.messages)
    desk.give_up()
    desk.look()
    desk.postman.send()
    row = first_of(desk, "paused")
    assert (row.state, row.reason, row.possible_duplicate) == ("unknown", "not_needed", False)
    assert len(desk.postman.messages) == before


def first_of(desk: Doubtful, kind: str) -> Any:
    (row,) = desk.world.rows(
        select(delivery)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(notice.c.kind == kind, delivery.c.channel == "email")
    )
    return row


def test_a_callback_in_time_settles_it(database: Database) -> None:
    desk = unanswered(database)
    desk.clock.pass_seconds(LEASE)
    desk.postman.sweep()
    desk.arrives()
    desk.give_up()
    desk.look()
    assert desk.ends()[0] == "delivered"


def test_a_callback_after_patience_and_before_another_way_settles_it(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up()
    desk.arrives()
    desk.look()
    desk.postman.send()
    assert desk.ends() == ("delivered", None, False)
    assert len(desk.postman.messages) == 1


def test_a_callback_before_the_second_mail_leaves_keeps_it_back(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up()
    desk.look()
    desk.arrives()
    desk.postman.send()
    assert desk.ends()[0] == "delivered"
    assert len(desk.postman.messages) == 1


def test_a_callback_after_another_channel_told_it_still_settles_the_first(
    database: Database,
) -> None:
    desk = unanswered(database, ANA)
    desk.give_up()
    desk.look()
    desk.postman.send()
    assert [each.place[0] for each in desk.postman.messages] == ["push", "email"]
    desk.arrives("push")
    assert desk.ends("push")[0] == "delivered"


def test_who_dies_between_patience_and_another_way_leaves_the_work_to_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = unanswered(database)
    desk.give_up()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(database.bell, "ring", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.onward.step()
    assert desk.ends() == ("unknown", "unresolved", False)
    desk.look()
    assert desk.ends() == ("pending", "resent", True)


@pytest.mark.parametrize("why", ["deadline", "brake", "suppressed", "declined", "too old"])
def test_no_second_mail_leaves_where_none_may(database: Database, why: str) -> None:
    desk = unanswered(database)
    if why == "deadline":
        with database.begin() as conn:
            conn.execute(update(delivery).values(deadline_at=desk.clock()))
    if why == "suppressed":
        lookup = desk.world.vault.destination_lookup("email", ANA.email)
        with database.begin() as conn:
            suppression.put(conn, "email", lookup, "stop", source="t", at=1)
    if why == "declined":
        wishes(desk, Preferences(off=(("paused", "email"),)))
    brake = Brake(per_minute=int(why == "brake"), per_employer=0, hold_seconds=1800)
    freshness = {"email": 1} if why == "too old" else FOREVER
    desk.onward = Onward(
        database, desk.world.vault, freshness, poll_seconds=1, brake=brake, clock=desk.clock
    )
    desk.give_up()
    if why == "brake":
        with database.begin() as conn:
            assert brake.admits(conn, ["somebody"], desk.clock()) == [True]
    desk.look()
    desk.postman.send()
    assert desk.ends() == ("unknown", "no_other_way", False)
    assert len(desk.postman.messages) == 1


def wishes(desk: Doubtful, wish: Preferences) -> None:
    with desk.database.begin() as conn:
        vault, now = desk.world.vault, desk.clock()
        set_preferences(conn, vault, EMPLOYEE, wish, language="en", now=now)


def test_who_may_have_seen_a_push_is_told_that_it_is_over(database: Database) -> None:
    """The push waits to be repeated; what came meanwhile ends as if nothing had been told."""
    desk = unanswered(database, ANA)
    with database.begin() as conn:
        pushed = delivery.c.channel == "push"
        conn.execute(update(delivery).where(pushed).values(provider=WEB_PUSH))
    desk.clock.pass_seconds(LEASE)
    desk.postman.sweep()
    assert desk.ends("push") == ("retry_wait", "lease_expired", True)
    desk.world.record(resumed(3, 1, stream_id=1), paused(4, 1, stream_id=1))
    desk.world.record(resumed(5, 1, stream_id=1))
    desk.world.plan()
    for _ in range(3):
        desk.gather(WINDOW)
        desk.postman.send()
    told = [line.kind for each in desk.postman.messages for line in each.lines]
    assert told[0] == "paused"
    assert told[-1] == "resumed"


def test_canaries_and_webhooks_have_no_other_way(database: Database) -> None:
    desk = Desk(database)
    with database.begin() as conn:
        doubt = {"state": "unknown", "reason": "defect", "updated_at": 1, "deadline_at": 2**61}
        plan(conn, endpoint="canary", **doubt)
        plan(conn, "webhook", **doubt)
    sweeper(desk).step()
    assert desk.world.rows(select(onward)) == []
    reasons = desk.world.rows(select(delivery.c.reason).where(delivery.c.state == "unknown"))
    assert [row.reason for row in reasons] == ["unresolved"] * 2


def test_rivals_let_each_mail_leave_again_once(database: Database) -> None:
    desk = unanswered(database)
    desk.give_up()
    rivals = [
        Onward(database, desk.world.vault, FOREVER, poll_seconds=1, clock=desk.clock)
        for _ in range(4)
    ]
    threads = [threading.Thread(target=each.step) for each in rivals]
    threads += [threading.Thread(target=sweeper(desk).step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert desk.ends() == ("pending", "resent", True)
    assert desk.world.rows(select(func.count()).select_from(onward))[0][0] == 0


@pytest.mark.postgres
def test_a_callback_that_is_at_a_delivery_goes_before_the_sweep(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    try:
        desk = unanswered(database)
        desk.clock.pass_seconds(LEASE)
        desk.postman.sweep()
        desk.clock.pass_seconds(PATIENCE)
        mine = delivery.c.delivery_id == desk.row().delivery_id
        with database.begin() as conn:
            conn.execute(select(delivery).where(mine).with_for_update()).one()
            sweeper(desk).step()
            assert desk.ends() == ("unknown", "lease_expired", False)
            conn.execute(update(delivery).where(mine).values(state="delivered", reason=None))
        sweeper(desk).step()
        desk.look()
        assert desk.ends() == ("delivered", None, False)
    finally:
        database.close()


@pytest.mark.postgres
def test_the_sweep_finds_those_in_doubt_by_their_index(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    try:
        with database.begin() as conn:
            query = (
                "EXPLAIN SELECT delivery_id FROM delivery WHERE delivery.state = 'unknown' AND"
                " delivery.reason IN ('lease_expired', 'outcome_unknown', 'defect')"
                " AND updated_at <= 5 ORDER BY updated_at LIMIT 1000"
            )
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan_lines = "\n".join(row[0] for row in conn.exec_driver_sql(query))
        assert "ix_delivery_in_doubt" in plan_lines
    finally:
        database.close()
