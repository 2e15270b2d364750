"""What no callback told of mails is asked for at Postmark, on both databases, against a real server."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select, update

from config.channel_settings import EmailSettings, SecondEmailSettings
from config.look_up_settings import LookUpSettings
from config.settings import Settings
from notifier.buckets import rate_bucket
from notifier.callbacks.postmark import HEADER
from notifier.channels import email
from notifier.channels.email import FIRST, EmailChannel
from notifier.lookups.asking import NO_NEWS, LookUps, look_up
from notifier.lookups.postmark import PostmarkLookUp
from notifier.lookups.switched_on import look_ups
from notifier.schema import callback, contact, suppression
from notifier.switched_on import build_channels
from store.engine import Database
from tests.fakes.called_back import NOW, SECOND, Desk
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider
from tests.fakes.lies import DEEP, NO_UTF8
from tests.fakes.planned import PLACES, attempt_rows, attempted, delivery_row, plan, vault

HOUR = 3600 * SECOND
MAIL = PLACES["email"]
FOUND = "/messages/outbound"
DETAILS = "/messages/outbound/883953f4/details"


class Asker:
    """One process that asks Postmark, which says what a test has it say."""

    def __init__(self, database: Database, far_side: HttpProvider) -> None:
        self.database = database
        self.far_side = far_side
        self.desk = Desk(database)
        self.asking = LookUps(
            database,
            vault(),
            [PostmarkLookUp(FIRST, far_side.url, "token")],
            after_seconds=3600,
            pace=None,
            clock=lambda: NOW,
        )

    def sent(self, *, state: str = "accepted", **changes: Any) -> UUID:
        row = {
            "state": state,
            "provider": FIRST,
            "provider_message_id": None if state == "unknown" else "m@example.org",
            "planned_at": NOW - 2 * HOUR,
            "handed_off_at": NOW - 2 * HOUR,
            "accepted_at": None if state == "unknown" else NOW - 2 * HOUR,
            "attempts": 1,
        }
        with self.database.begin() as conn:
            planned = plan(conn, "email", **row | changes)
            attempted(conn, planned, FIRST, "unknown" if state == "unknown" else "accepted")
        self.knows(planned)
        return planned

    def knows(self, planned: UUID, *steps: dict[str, Any]) -> None:
        """Postmark has this mail, and another one to the same person."""
        other = {"MessageID": "00000000", "Metadata": {"delivery": str(uuid4())}}
        ours = {"MessageID": "883953f4", "Metadata": {"delivery": str(planned)}}
        unmarked = {"MessageID": "00000001"}
        found = {"TotalCount": 3, "Messages": [unmarked, other, ours]}
        self.says(FOUND, found)
        self.says(DETAILS, {"MessageID": "883953f4", "MessageEvents": steps})

    def says(self, path: str, document: dict[str, Any]) -> None:
        self.far_side.by_path[path] = Scripted(200, json.dumps(document))

    async def step(self) -> Any:
        """Ask, and work the answers off."""
        asked = await self.asking.step()
        self.desk.work()
        return asked

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)

    def outcome(self) -> str | None:
        with self.database.read() as conn:
            return conn.scalars(select(look_up.c.outcome)).one()


def step(kind: str, at: str, **details: Any) -> dict[str, Any]:
    return {"Recipient": MAIL, "Type": kind, "ReceivedAt": at, "Details": details}


EARLY, LATE = "2026-09-21T08:00:00.8054242-04:00", "2026-09-21T09:30:00.1234567-04:00"


@pytest.fixture
def asker(database: Database) -> Iterator[Asker]:
    with http_provider() as far_side:
        yield Asker(database, far_side)


async def test_a_mail_that_arrived_is_found_by_its_recipient_and_our_mark(asker: Asker) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Opened", LATE), step("Delivered", EARLY))
    assert await asker.step() == 1
    assert asker.row(planned).state == "delivered"
    search, details = asker.far_side.requests
    assert (search["path"], details["path"]) == (FOUND, DETAILS)
    assert search["headers"]["X-Postmark-Server-Token"] == "token"
    query = search["query"]
    assert query["recipient"] == MAIL
    assert query["metadata_delivery"] == str(planned)
    assert query["fromdate"] == "2026-09-20"
    assert await asker.step() == 0


async def test_a_mail_that_came_back_says_why_and_its_place_is_suppressed(asker: Asker) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Delivered", EARLY), step("Bounced", LATE, BounceID="42"))
    bounce = {"ID": 42, "Type": "HardBounce", "Email": MAIL, "BouncedAt": LATE, "Subject": "s"}
    asker.says("/bounces/42", bounce)
    await asker.step()
    row = asker.row(planned)
    assert (row.state, row.reason) == ("bounced", "HardBounce")
    with asker.database.read() as conn:
        assert conn.scalars(select(suppression.c.reason)).all() == ["hard_bounce"]
        assert conn.scalars(select(callback.c.provider)).all() == ["postmark"]


@pytest.mark.parametrize("bounce_id", ["42", "../servers", "", None])
async def test_a_bounce_that_is_not_known_any_more_is_one(
    asker: Asker, bounce_id: str | None
) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Bounced", LATE, BounceID=bounce_id))
    asker.far_side.answer = Scripted(404, "{}")
    await asker.step()
    assert asker.row(planned).state == "bounced"
    paths = [each["path"] for each in asker.far_side.requests]
    assert paths == [FOUND, DETAILS, *(["/bounces/42"] if bounce_id == "42" else [])]
    with asker.database.read() as conn:
        assert conn.scalars(select(suppression.c.reason)).all() == []


@pytest.mark.parametrize(
    "lie", [{"ID": "x"}, {"Type": 7}, {"Email": []}, {"BouncedAt": {}}, {"Type": "x" * 10_000}]
)
async def test_a_bounce_that_cannot_be_read_ends_nothing(asker: Asker, lie: Any) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Bounced", LATE, BounceID="42"))
    asker.says("/bounces/42", {"ID": 42, "Type": "HardBounce", "Email": MAIL} | lie)
    assert await asker.step() == 1
    is_long = len(str(lie)) > 9_999
    assert asker.row(planned).state == ("bounced" if is_long else "accepted")
    assert is_long or "no bounce" in str(asker.outcome())


@pytest.mark.parametrize("steps", [(), (step("Transient", LATE, BounceID="7"),)])
async def test_an_unknown_mail_that_postmark_has_was_taken(asker: Asker, steps: Any) -> None:
    planned = asker.sent(state="unknown")
    asker.knows(planned, *steps)
    await asker.step()
    assert asker.row(planned).state == "accepted"
    with asker.database.read() as conn:
        assert [each.result for each in attempt_rows(conn, planned)] == ["accepted"]
    assert asker.outcome() == "Taken"


async def test_a_mail_that_postmark_does_not_have_stays_unknown(asker: Asker) -> None:
    planned = asker.sent(state="unknown")
    asker.knows(uuid4())
    await asker.step()
    assert asker.row(planned).state == "unknown"
    assert asker.outcome() == NO_NEWS


async def test_a_person_who_is_gone_cannot_be_asked_for(asker: Asker) -> None:
    asker.sent()
    with asker.database.begin() as conn:
        conn.execute(delete(contact))
    await asker.step()
    assert asker.outcome() == NO_NEWS
    assert asker.far_side.requests == []


@pytest.mark.parametrize("where", [FOUND, DETAILS, "/bounces/42"])
@pytest.mark.parametrize(
    "answer",
    [
        Scripted(429, "{}", {"Retry-After": "90"}),
        Scripted(401, '{"ErrorCode": 10}'),
        Scripted(200, "not json"),
        Scripted(200, DEEP),
        Scripted(cut=True),
    ],
)
async def test_an_answer_that_is_none_holds_the_questions_up_and_nothing_else(
    asker: Asker, where: str, answer: Scripted
) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Bounced", LATE, BounceID="42"))
    asker.far_side.by_path[where] = answer
    await asker.step()
    assert asker.row(planned).state == "accepted"
    with asker.database.read() as conn:
        assert conn.scalars(select(rate_bucket.c.bucket)).all() == ["look-up:postmark"]


@pytest.mark.parametrize("where", [FOUND, DETAILS])
@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"Messages": 7, "MessageEvents": {}}', '{"Messages": [{}]}', NO_UTF8]
)
async def test_an_answer_of_another_shape_tells_of_no_end(
    asker: Asker, where: str, body: str | bytes
) -> None:
    planned = asker.sent()
    asker.knows(planned, step("Delivered", LATE))
    asker.far_side.by_path[where] = Scripted(200, body)
    assert await asker.step() == 1
    assert asker.row(planned).state == "accepted"


async def test_the_same_answer_counts_once_and_a_later_one_counts(asker: Asker) -> None:
    planned = asker.sent()
    for steps in ((), (), (step("Delivered", LATE),)):
        asker.knows(planned, *steps)
        await asker.step()
        with asker.database.begin() as conn:
            conn.execute(update(look_up).values(due_at=NOW))
    assert asker.row(planned).state == "delivered"
    with asker.database.read() as conn:
        kinds = conn.scalars(select(callback.c.kind).order_by(callback.c.kind)).all()
    assert kinds == ["Delivery", "Taken"]


def test_settings_say_whose_mails_are_asked_for_and_have_them_marked() -> None:
    mails = {"enabled": True, "host": "smtp.postmarkapp.com", "tls": "starttls"}
    settings = Settings(
        email=EmailSettings(**mails, sender="Pausewire <alerts@example.org>"),
        second_email=SecondEmailSettings(**mails),
        look_ups=LookUpSettings(postmark_token=SecretStr("token")),
    )
    assert [each.provider for each in look_ups(settings)] == [FIRST, email.SECOND]
    bare = settings.model_copy(update={"look_ups": LookUpSettings()})
    assert look_ups(bare) == []
    marks = [_mark(each) for each in (settings, bare)]
    assert marks == [HEADER, None]


def _mark(settings: Settings) -> str | None:
    channel: Any = build_channels(settings)["email"]
    first: EmailChannel = channel.channels[0]
    return first._mark
