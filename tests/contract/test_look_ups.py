"""What no callback told is asked for: at Twilio and Vonage, on both databases, against a real server."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from config.channel_settings import SmsSettings
from config.settings import Settings
from notifier.buckets import rate_bucket
from notifier.composing import reference_of
from notifier.limits import Pace
from notifier.lookups.asking import AT_ONCE, NO_NEWS, WAITS_SECONDS, LookUps, look_up
from notifier.lookups.provider import LookUp
from notifier.lookups.switched_on import look_ups
from notifier.lookups.twilio import TwilioLookUp
from notifier.lookups.vonage import VonageLookUp
from notifier.schema import contact, suppression
from store.engine import Database
from tests.fakes.called_back import NOW, SECOND, Desk, status, twilio_request
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider
from tests.fakes.lies import DEEP, NO_UTF8, in_pieces
from tests.fakes.planned import PLACES, attempt_rows, attempted, delivery_row, plan, vault

HOUR = 3600 * SECOND
SMS = PLACES["sms"]


class Asker:
    """One process that asks, and the desk that works its answers off."""

    def __init__(self, database: Database, far_side: HttpProvider) -> None:
        self.database = database
        self.far_side = far_side
        self.now = NOW
        self.desk = Desk(database)
        self.twilio = TwilioLookUp(far_side.url, "AC1", "token")
        self.vonage = VonageLookUp(far_side.url, "key", "secret")

    def asking(self, provider: LookUp | None = None, pace: Pace | None = None) -> LookUps:
        return LookUps(
            self.database,
            vault(),
            [provider or self.twilio],
            after_seconds=3600,
            pace=pace,
            clock=lambda: self.now,
        )

    def sent(self, *, state: str = "accepted", provider: str = "twilio", **changes: Any) -> UUID:
        known = None if state == "unknown" else "SM1"
        row = {
            "state": state,
            "provider": provider,
            "provider_message_id": known,
            "planned_at": NOW - 2 * HOUR,
            "handed_off_at": NOW - 2 * HOUR,
            "accepted_at": None if state == "unknown" else NOW - 2 * HOUR,
            "attempts": 1,
        } | changes
        with self.database.begin() as conn:
            planned = plan(conn, "sms", **row)
            result = "unknown" if state == "unknown" else "accepted"
            attempted(conn, planned, provider, result, row["provider_message_id"])
        return planned

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)

    def asked(self) -> list[Any]:
        with self.database.read() as conn:
            return list(conn.execute(select(look_up)))

    def work(self) -> None:
        self.desk.work()


@pytest.fixture
def asker(database: Database) -> Iterator[Asker]:
    with http_provider() as far_side:
        yield Asker(database, far_side)


def told(status: str, **more: Any) -> Scripted:
    return Scripted(200, json.dumps({"sid": "SM1", "status": status, "to": SMS, **more}))


async def test_a_message_of_which_nothing_was_heard_is_asked_for_by_its_sid(asker: Asker) -> None:
    planned = asker.sent()
    asker.far_side.answer = told("delivered", error_code=None)
    assert await asker.asking().step() == 1
    asker.work()
    assert asker.row(planned).state == "delivered"
    (request,) = asker.far_side.requests
    assert request["path"] == "/2010-04-01/Accounts/AC1/Messages/SM1.json"
    assert request["headers"]["Authorization"].startswith("Basic ")
    assert await asker.asking().step() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"accepted_at": NOW - HOUR + 1},
        {"planned_at": NOW - 73 * HOUR},
        {"state": "delivered"},
        {"state": "unknown", "handed_off_at": NOW - 60 * SECOND},
        {"provider": "sns"},
    ],
)
async def test_what_is_young_old_settled_or_cannot_be_asked_for_is_left(
    asker: Asker, changes: dict[str, Any]
) -> None:
    asker.sent(**changes)
    assert await asker.asking().step() == 0
    assert asker.far_side.requests == []


async def test_a_number_that_is_dead_is_suppressed_as_by_a_callback(asker: Asker) -> None:
    planned = asker.sent()
    asker.far_side.answer = told("undelivered", error_code=30005)
    await asker.asking().step()
    asker.work()
    row = asker.row(planned)
    assert (row.state, row.reason) == ("bounced", "twilio_30005")
    with asker.database.read() as conn:
        assert conn.scalars(select(suppression.c.reason)).all() == ["hard_bounce"]


async def test_an_unknown_one_is_found_by_number_day_and_reference(asker: Asker) -> None:
    planned = asker.sent(state="unknown")
    reference = reference_of(asker.row(planned).notice_id)
    other = {"sid": "SM0", "status": "delivered", "to": SMS, "body": "Ref 00000000"}
    ours = {"sid": "SM9", "status": "sent", "to": SMS, "body": f"Pausewire: … Ref {reference}"}
    asker.far_side.answer = Scripted(200, json.dumps({"messages": [other, ours]}))
    await asker.asking().step()
    asker.work()
    row = asker.row(planned)
    assert (row.state, row.provider_message_id) == ("accepted", "SM9")
    with asker.database.read() as conn:
        assert [each.result for each in attempt_rows(conn, planned)] == ["accepted"]
    (request,) = asker.far_side.requests
    assert request["query"]["To"] == SMS
    assert request["query"]["DateSent>"] == "2026-09-21"


async def test_an_unknown_one_that_the_provider_does_not_know_stays_for_a_person(
    asker: Asker,
) -> None:
    planned = asker.sent(state="unknown")
    asker.far_side.answer = Scripted(200, '{"messages": []}')
    for wait in WAITS_SECONDS:
        assert await asker.asking().step() == 1
        asker.now += wait * SECOND - 1
        assert await asker.asking().step() == 0
        asker.now += 1
    assert await asker.asking().step() == 1
    asker.now += 25 * HOUR
    assert await asker.asking().step() == 0
    assert asker.row(planned).state == "unknown"
    (asked,) = asker.asked()
    assert (asked.tries, asked.outcome) == (len(WAITS_SECONDS) + 1, NO_NEWS)


async def test_a_message_that_is_gone_at_the_provider_is_no_news(asker: Asker) -> None:
    asker.sent()
    asker.far_side.answer = Scripted(404, "{}")
    await asker.asking().step()
    assert asker.asked()[0].outcome == NO_NEWS


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(429, "{}", {"Retry-After": "90"}),
        Scripted(500, "{}"),
        Scripted(200, "not json"),
        Scripted(200, DEEP),
        Scripted(200, NO_UTF8),
        Scripted(cut=True),
    ],
)
@pytest.mark.parametrize("which", ["twilio", "vonage"])
async def test_a_provider_that_does_not_answer_is_left_alone_and_sending_goes_on(
    asker: Asker, answer: Scripted, which: str
) -> None:
    planned = [asker.sent(provider=which) for _ in range(2)]
    asker.far_side.answer = answer
    asking = asker.asking(getattr(asker, which))
    assert await asking.step() == 2
    asker.now += HOUR
    asker.sent(provider=which)
    assert {asker.row(each).state for each in planned} == {"accepted"}
    with asker.database.read() as conn:
        (held,) = conn.execute(select(rate_bucket)).all()
    assert held.bucket == f"look-up:{which}"
    asker.now = NOW + 5 * SECOND
    assert await asking.step() == 0


async def test_an_answer_may_come_in_pieces(asker: Asker) -> None:
    planned = asker.sent()
    asker.far_side.answer = in_pieces(told("delivered"))
    await asker.asking().step()
    asker.work()
    assert asker.row(planned).state == "delivered"


async def test_questions_have_a_bucket_of_their_own(asker: Asker) -> None:
    for _ in range(AT_ONCE + 3):
        asker.sent()
    asker.far_side.answer = told("sent")
    asking = asker.asking(pace=Pace(SECOND, 3))
    assert await asking.step() == 3
    assert await asking.step() == 0
    asker.now += SECOND
    assert await asking.step() == 1


async def test_unknown_ones_are_asked_for_before_those_that_were_taken(asker: Asker) -> None:
    for _ in range(AT_ONCE + 1):
        asker.sent(planned_at=NOW - 3 * HOUR)
    unknown = asker.sent(state="unknown")
    asker.far_side.answer = Scripted(404, "{}")
    asking = asker.asking(pace=Pace(SECOND, 1))
    assert await asking.step() == 1
    assert [each.delivery_id for each in asker.asked()] == [unknown]
    assert await asker.asking().step() == AT_ONCE


async def test_a_canary_is_not_asked_for(asker: Asker) -> None:
    asker.sent(contact_id=None)
    assert await asker.asking().step() == 0


async def test_a_callback_that_comes_after_all_counts_once(asker: Asker) -> None:
    planned = asker.sent()
    asker.far_side.answer = told("delivered")
    await asker.asking().step()
    asker.desk.take(twilio_request(status("SM1", "delivered")))
    asker.work()
    assert asker.row(planned).state == "delivered"
    with asker.database.read() as conn:
        assert len(attempt_rows(conn, planned)) == 1


async def test_a_contact_that_is_gone_is_asked_for_by_its_id_only(asker: Asker) -> None:
    planned = asker.sent()
    with asker.database.begin() as conn:
        conn.execute(delete(contact))
    asker.far_side.answer = told("delivered")
    await asker.asking().step()
    asker.work()
    assert asker.row(planned).state == "delivered"


async def test_vonage_is_asked_by_message_id(asker: Asker) -> None:
    planned = asker.sent(provider="vonage")
    record = {"message_id": "SM1", "status": "delivered", "to": SMS.lstrip("+")}
    asker.far_side.answer = Scripted(200, json.dumps({"records": [record]}))
    await asker.asking(asker.vonage).step()
    asker.work()
    assert asker.row(planned).state == "delivered"
    (request,) = asker.far_side.requests
    assert request["path"] == "/v2/reports/records"
    assert request["query"] == {
        "account_id": "key",
        "product": "SMS",
        "direction": "outbound",
        "id": "SM1",
    }


async def test_vonage_is_asked_by_our_own_reference_where_there_is_no_id(asker: Asker) -> None:
    planned = asker.sent(state="unknown", provider="vonage")
    other = {"message_id": "V0", "status": "delivered", "client_ref": str(UUID(int=1))}
    ours = {"message_id": "V1", "status": "failed", "client_ref": str(planned), "error_code": "3"}
    asker.far_side.answer = Scripted(200, json.dumps({"records": [other, ours]}))
    await asker.asking(asker.vonage).step()
    asker.work()
    row = asker.row(planned)
    assert (row.state, row.reason, row.provider_message_id) == ("bounced", "vonage_3", "V1")
    (request,) = asker.far_side.requests
    assert request["query"]["to"] == SMS.lstrip("+")
    assert request["query"]["date_start"] < request["query"]["date_end"]


@pytest.mark.parametrize(
    ("which", "body"),
    [
        ("twilio", '{"sid": "SM1"}'),
        ("vonage", '{"records": [{"message_id": "SM1", "status": ""}]}'),
        ("vonage", '{"records": [{"message_id": "SM2", "status": "delivered"}]}'),
    ],
)
async def test_an_answer_without_a_status_is_no_news(asker: Asker, which: str, body: str) -> None:
    asker.sent(provider=which)
    asker.far_side.answer = Scripted(200, body)
    await asker.asking(getattr(asker, which)).step()
    assert asker.asked()[0].outcome == NO_NEWS


async def test_who_asks_nobody_does_nothing(database: Database) -> None:
    asking = LookUps(database, vault(), [], after_seconds=1, pace=None)
    assert await asking.step() == 0


def test_rivals_ask_for_each_delivery_once(asker: Asker) -> None:
    asker.sent()
    with asker.database.begin() as conn:
        first = asker.asking()._take(conn, NOW)  # what another process has taken is not due
    with asker.database.begin() as conn:
        assert asker.asking()._take(conn, NOW) == []
        assert len(first) == 1
        conn.execute(update(look_up).values(due_at=NOW))
        assert len(asker.asking()._take(conn, NOW)) == 1


def test_settings_say_who_is_asked() -> None:
    twilio, vonage = SmsSettings(provider="twilio"), SmsSettings(provider="vonage")
    both = Settings(sms=twilio, second_sms=vonage)
    assert [each.provider for each in look_ups(both)] == ["twilio", "vonage"]
    assert look_ups(Settings(sms=SmsSettings(provider="sns"))) == []
    off = both.look_ups.model_copy(update={"enabled": False})
    assert look_ups(both.model_copy(update={"look_ups": off})) == []
