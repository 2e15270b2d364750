"""Callbacks on both databases: stored once, worked off once, and what they do."""

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from notifier import suppression
from notifier.callbacks import arrivals
from notifier.callbacks.tidings import Destination, Event, Tidings
from notifier.deliveries import Filter, redrive
from notifier.erasure import erase
from notifier.schema import attempt, callback, delivery, recipient
from notifier.sweep import Sweeper
from store.engine import Database
from store.mapper import decode
from store.schema import notice_fact_outbox
from tests.fakes.called_back import NOW, SECOND, Desk, answered, status, twilio_request
from tests.fakes.planned import PLACES, attempt_rows, plan

SMS = PLACES["sms"]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def sent(desk: Desk, *, state: str = "accepted", **changes: Any) -> UUID:
    """An SMS that Twilio took under the sid SM1, unless told otherwise."""
    row = {
        "state": state,
        "provider": "twilio",
        "provider_message_id": "SM1",
        "handed_off_at": NOW - SECOND,
        "accepted_at": NOW,
        "attempts": 1,
    } | changes
    with desk.database.begin() as conn:
        planned = plan(conn, "sms", **row)
        conn.execute(
            insert(attempt).values(
                delivery_id=planned,
                n=1,
                provider="twilio",
                phase="sending",
                result="accepted" if row["provider_message_id"] else "unknown",
                provider_message_id=row["provider_message_id"],
                started_at=NOW,
                worker="w",
            )
        )
    return planned


def in_doubt(desk: Desk, **changes: Any) -> UUID:
    """An SMS whose outcome nobody knows."""
    doubt = {"state": "unknown", "provider_message_id": None, "accepted_at": None}
    return sent(desk, **(doubt | changes))


def facts(desk: Desk) -> list[tuple[str, str | None]]:
    """(state, reason) of what the log will be told."""
    with desk.database.read() as conn:
        rows = conn.execute(select(notice_fact_outbox).order_by(notice_fact_outbox.c.id)).all()
    events: list[Any] = [decode(row.topic, row.fact, row.notice_id, 0) for row in rows]
    return [(event.state, event.reason) for event in events]


def test_a_delivered_message_is_delivered_and_the_log_is_told(desk: Desk) -> None:
    planned = sent(desk)
    desk.tell(status("SM1", "delivered"))
    row = desk.delivery(planned)
    assert (row.state, row.reason, row.delivered_at) == ("delivered", None, NOW + SECOND)
    assert facts(desk) == [("delivered", None)]
    (kept,) = desk.rows()
    assert (kept.state, kept.outcome, kept.delivery_id) == ("done", "delivered", planned)


def test_the_same_callback_again_is_known(desk: Desk) -> None:
    sent(desk)
    request = twilio_request(status("SM1", "delivered"))
    assert [desk.take(request), desk.take(request)] == [1, 0]
    desk.work()
    assert desk.take(request) == 0
    assert len(desk.rows()) == len(facts(desk)) == 1


def test_a_message_that_cannot_arrive_is_bounced_with_its_code(desk: Desk) -> None:
    planned = sent(desk)
    desk.tell(status("SM1", "undelivered", ErrorCode="30003"))
    row = desk.delivery(planned)
    assert (row.state, row.reason) == ("bounced", "twilio_30003")
    assert not desk.reasons(SMS)


@pytest.mark.parametrize(
    ("word", "state"), [("sent", "accepted"), ("delivered", "delivered"), ("failed", "bounced")]
)
def test_an_unknown_outcome_is_settled_by_what_names_the_delivery(
    desk: Desk, word: str, state: str
) -> None:
    planned = in_doubt(desk)
    desk.tell(status("SM9", word), delivery=planned)
    row = desk.delivery(planned)
    assert (row.state, row.provider_message_id) == (state, "SM9")
    assert row.accepted_at is not None
    with desk.database.read() as conn:
        (tried,) = attempt_rows(conn, planned)
    assert (tried.result, tried.provider_message_id) == ("accepted", "SM9")


def test_a_callback_that_overtakes_our_own_result_waits_for_it(desk: Desk) -> None:
    planned = sent(desk, state="handed_off", lease_until=NOW + 120 * SECOND)
    desk.tell(status("SM1", "delivered"))
    assert desk.delivery(planned).state == "handed_off"
    (waiting,) = desk.rows()
    assert (waiting.state, waiting.tries) == ("waiting", 0)
    desk.work(after_seconds=100)
    assert desk.rows()[0].tries == 0
    sweeper = Sweeper(desk.database, sweep_seconds=1, clock=lambda: desk.now)
    desk.now += 30 * SECOND
    sweeper.step()
    desk.work(after_seconds=2)
    assert desk.delivery(planned).state == "delivered"


def test_a_callback_that_comes_before_its_message_id_is_known_is_tried_again(desk: Desk) -> None:
    planned = sent(desk, provider_message_id=None, accepted_at=None, state="handed_off")
    desk.tell(status("SM1", "delivered"))
    assert desk.rows()[0].tries == 1
    with desk.database.begin() as conn:
        accepted = {"state": "accepted", "provider_message_id": "SM1"}
        conn.execute(update(delivery).values(accepted))
    desk.work(after_seconds=9)
    assert desk.delivery(planned).state == "accepted"
    desk.work(after_seconds=1)
    assert desk.delivery(planned).state == "delivered"


def test_what_fails_is_tried_three_times_more_and_is_dead_then(desk: Desk) -> None:
    desk.tell(status("SMnobody", "delivered"))
    for pause, tries in ((9, 1), (1, 2), (29, 2), (1, 3), (59, 3), (1, 4)):
        desk.work(after_seconds=pause)
        assert desk.rows()[0].tries == tries
    (row,) = desk.rows()
    assert row.state == "dead"
    assert "no delivery of ours" in row.outcome


def test_one_that_breaks_us_takes_no_other_with_it(desk: Desk, database: Database) -> None:
    def broken(payload: bytes) -> Tidings:
        if b"SM2" in payload:
            raise ZeroDivisionError("+15550100001 must not be told")
        return Tidings(state="delivered", message_id="SM1")

    planned = sent(desk)
    desk = Desk(database, readers={"twilio": broken})
    desk.take(twilio_request(status("SM2", "delivered")))
    desk.take(twilio_request(status("SM1", "delivered")))
    desk.work()
    assert desk.delivery(planned).state == "delivered"
    by_state = {row.state: row.outcome for row in desk.rows()}
    assert by_state["waiting"].startswith("ZeroDivisionError in test_callbacks.py")
    assert "+1555" not in by_state["waiting"]


def test_an_unknown_kind_is_stored_and_dead_at_last(desk: Desk) -> None:
    sent(desk)
    desk.tell(status("SM1", "teleported"))
    for pause in (10, 30, 60):
        desk.work(after_seconds=pause)
    (row,) = desk.rows()
    assert (row.state, row.kind) == ("dead", "teleported")
    assert row.outcome.startswith("KindUnknown")


def test_a_provider_that_was_switched_off_for_good_ends_dead(desk: Desk) -> None:
    with desk.database.begin() as conn:
        event = Event(key="k", kind="x", payload=b"")
        arrivals.keep(conn, desk.vault, desk.database.bell, "gone", [event], NOW)
    for pause in (0, 10, 30, 60):
        desk.work(after_seconds=pause)
    assert desk.rows()[0].state == "dead"


def test_an_earlier_try_that_arrives_stops_the_next_one(desk: Desk) -> None:
    planned = in_doubt(desk)
    with desk.database.begin() as conn:
        redrive(conn, desk.database.bell, Filter(delivery=planned), now=NOW)
    desk.tell(status("SM1", "sent"), delivery=planned)
    assert desk.delivery(planned).state == "pending"
    desk.tell(status("SM1", "delivered"), delivery=planned)
    assert desk.delivery(planned).state == "delivered"


def test_bad_news_of_an_earlier_try_leaves_the_present_one_alone(desk: Desk) -> None:
    planned = sent(desk, provider_message_id="SM2", attempts=2)
    desk.tell(status("SM1", "undelivered"), delivery=planned)
    assert desk.delivery(planned).state == "accepted"
    assert "earlier try" in desk.rows()[0].outcome


def test_what_never_left_is_not_touched(desk: Desk) -> None:
    planned = sent(desk, state="cancelled")
    desk.tell(status("SM1", "delivered"))
    assert desk.delivery(planned).state == "cancelled"
    assert desk.rows()[0].outcome == "delivered: the delivery stays cancelled"


def test_a_dead_number_and_a_stop_put_the_place_on_the_list(desk: Desk) -> None:
    sent(desk)
    desk.tell(status("SM1", "undelivered", ErrorCode="30005"))
    assert desk.reasons(SMS) == {"hard_bounce"}
    desk.tell(answered("STOP", sender="+15550100002"))
    assert desk.reasons("+15550100002")
    desk.tell(answered("START", sender="+15550100002", sid="SMback"))
    assert not desk.reasons("+15550100002")
    assert desk.reasons(SMS)


def test_a_start_does_not_lift_what_a_dead_number_is_listed_for(desk: Desk) -> None:
    sent(desk)
    desk.tell(status("SM1", "undelivered", ErrorCode="30006"))
    desk.tell(answered("START"))
    assert desk.reasons(SMS)


def test_older_news_about_a_place_changes_nothing(desk: Desk) -> None:
    desk.take(twilio_request(answered("STOP", sid="SMa")))
    desk.now += SECOND
    desk.take(twilio_request(answered("START", sid="SMb")))
    with desk.database.begin() as conn:  # worked off the other way round
        first = callback.c.callback_id == arrivals.callback_id("twilio", "SMa:inbound:")
        conn.execute(update(callback).where(first).values(due_at=desk.now + 5 * SECOND))
    desk.work()
    desk.work(after_seconds=5)
    assert [row.state for row in desk.rows()] == ["done", "done"]
    assert not desk.reasons(SMS)


def test_of_two_words_at_one_instant_the_cautious_one_stands(database: Database) -> None:
    for order in ((suppression.put, suppression.lift), (suppression.lift, suppression.put)):
        lookup = uuid4().hex
        with database.begin() as conn:
            for act in order:
                act(conn, "sms", lookup, "stop", source="test", at=5)
            assert conn.scalar(select(suppression.reason_for("sms", lookup))) == "stop"


def test_an_operator_lifts_every_reason_but_a_complaint(database: Database) -> None:
    with database.begin() as conn:
        for reason in ("stop", "hard_bounce", "complaint"):
            suppression.put(conn, "sms", "a", reason, source="test", at=5)
        assert suppression.lift_all(conn, "sms", "a", at=6) == ["hard_bounce", "stop"]
        assert conn.scalar(select(suppression.reason_for("sms", "a"))) == "complaint"
        assert suppression.lift_all(conn, "sms", "a", at=7) == []


def test_a_payload_is_kept_where_nobody_reads_it_and_goes_with_the_person(desk: Desk) -> None:
    sent(desk)
    desk.tell(status("SM1", "delivered"))
    desk.tell(answered("hello"))
    stored = repr(desk.rows())
    assert SMS not in stored
    assert SMS.removeprefix("+") not in stored
    account = account_of(desk)
    with desk.database.begin() as conn:
        erase(conn, desk.vault, account, desk.now)
    assert [row.payload for row in desk.rows()] == [None, None]


def test_an_erased_callback_that_still_waits_does_nothing(desk: Desk) -> None:
    planned = sent(desk)
    desk.take(twilio_request(status("SM1", "delivered")))
    with desk.database.begin() as conn:
        conn.execute(update(callback).values(payload=None))
    desk.work()
    assert (desk.rows()[0].state, desk.delivery(planned).state) == ("done", "accepted")


def account_of(desk: Desk) -> str:
    from notifier.recipients import open_private

    with desk.database.read() as conn:
        row = conn.execute(select(recipient)).one()
    key = desk.vault.unwrap(row.wrapped_key, row.recipient_id)
    return open_private(key, row.recipient_id, row.private).account_id


def test_what_is_done_is_forgotten_in_time_and_what_is_dead_is_not(desk: Desk) -> None:
    sent(desk)
    desk.tell(status("SM1", "delivered"))
    desk.tell(status("SMnobody", "delivered"))
    for pause in (10, 30, 60):
        desk.work(after_seconds=pause)
    assert sorted(row.state for row in desk.rows()) == ["dead", "done"]
    desk.work(after_seconds=31 * 86_400)
    assert [row.state for row in desk.rows()] == ["dead"]


def test_rival_workers_work_each_callback_off_once(database: Database) -> None:
    desks = [Desk(database) for _ in range(4)]
    with database.begin() as conn:
        for number in range(120):
            plan(
                conn, "sms", state="accepted", provider="twilio", provider_message_id=f"SM{number}"
            )
    for number in range(120):
        for word in ("sent", "delivered"):
            desks[0].take(twilio_request(status(f"SM{number}", word)))
    threads = [threading.Thread(target=desk.work) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for _ in range(5):  # those that two callbacks of one delivery made wait for each other
        desks[0].work(after_seconds=2)
    assert {row.state for row in desks[0].rows()} == {"done"}
    assert facts(desks[0]) == [("delivered", None)] * 120


def test_rivals_that_store_the_same_callbacks_store_each_once(database: Database) -> None:
    desk = Desk(database)
    events = [Event(key=f"k{number}", kind="x", payload=b"p") for number in range(200)]
    new: list[int] = []

    def keep(some: list[Event]) -> None:
        with database.begin() as conn:
            new.append(arrivals.keep(conn, desk.vault, database.bell, "p", some, NOW))

    threads = [
        threading.Thread(target=keep, args=(some,)) for some in (events, events[::-1], events)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(new) == len(desk.rows()) == 200


def test_tidings_without_a_message_cannot_move_anything(desk: Desk, database: Database) -> None:
    place = Destination("sms", SMS)
    lost = Tidings(state="delivered", destination=place, suppress="complaint")
    desk = Desk(database, readers={"twilio": lambda _: lost})
    with database.begin() as conn:
        event = Event(key="k", kind="x", payload=b"")
        arrivals.keep(conn, desk.vault, database.bell, "twilio", [event], NOW)
    desk.work()
    assert desk.rows()[0].outcome == "it names neither a delivery nor a message"
    assert desk.reasons(SMS)  # what was said of the place holds all the same
