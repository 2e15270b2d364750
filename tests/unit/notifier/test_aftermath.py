"""What a refusal means for the place: no more goes where nobody is, or wants no more."""

import pytest
from sqlalchemy import select

from notifier import aftermath, suppression
from notifier.channels.channel import Receipt
from notifier.errors import Deferred, DestinationGone, DestinationRejected, OptedOut, SenderRefused
from notifier.result import SENDING, Result
from notifier.schema import contact
from store.engine import Database
from tests.fakes.planned import PLACES, delivery_row, plan, vault

NOW = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("channel", "answer", "reason"),
    [
        ("email", DestinationRejected("no such", enhanced_code="5.1.1"), "hard_bounce"),
        ("email", DestinationRejected("null MX", enhanced_code="5.1.10"), "hard_bounce"),
        ("email", DestinationRejected("disabled", enhanced_code="5.2.1"), None),
        ("email", DestinationRejected("no reason given"), None),
        ("email", SenderRefused("policy", enhanced_code="5.7.1"), None),
        ("email", Deferred("later", enhanced_code="4.1.1"), None),
        ("email", Receipt(provider_message_id="m"), None),
        ("sms", OptedOut("21610"), "stop"),
        ("sms", DestinationRejected("21614"), None),
        ("push", DestinationGone("410"), "hard_bounce"),
        ("push", DestinationRejected("403"), None),
        ("email", ValueError("a defect"), None),
    ],
)
def test_a_refusal_suppresses_only_what_is_gone_or_wants_no_more(
    sqlite_database: Database, channel: str, answer: Receipt | Exception, reason: str | None
) -> None:
    result = Result(phase=SENDING, provider="p", worker="w", ended_at=NOW, answer=answer)
    lookup = vault().destination_lookup(channel, PLACES[channel])
    with sqlite_database.begin() as conn:
        place = delivery_row(conn, plan(conn, channel)).contact_id
        aftermath.follow(conn, channel, place, result)
        aftermath.follow(conn, channel, place, result)
        assert conn.scalar(select(suppression.reason_for(channel, lookup))) == reason


def test_a_contact_that_is_gone_meanwhile_is_no_fault(sqlite_database: Database) -> None:
    answer = DestinationRejected("no such", enhanced_code="5.1.1")
    result = Result(phase=SENDING, provider="p", worker="w", ended_at=NOW, answer=answer)
    with sqlite_database.begin() as conn:
        place = delivery_row(conn, plan(conn)).contact_id
        conn.execute(contact.delete())
        aftermath.follow(conn, "email", place, result)
        aftermath.follow(conn, "email", None, result)
        assert conn.execute(suppression.listing(10)).all() == []
