"""A good day's evidence, small enough to read: what tests of the judge spoil."""

from uuid import NAMESPACE_OID, uuid4, uuid5

import msgspec

from cli.verdict import Verdict
from notifier.contact_file import ContactLine
from tests.e2e.day.evidence import Caught, Delivery, Evidence, Want
from tests.e2e.day.people import MICROS, Person
from tests.e2e.day.reading import mark_of
from tests.e2e.day.report import Report

NOW = 1_000_000 * MICROS
ANA, BEN = "GANA", "GBEN"
QUIET = (NOW - 3600 * MICROS, NOW + 3600 * MICROS)
PEOPLE = {
    ANA: Person(ContactLine(ANA), {"email": "ana@example.test", "sms": "+15550100001"}),
    BEN: Person(
        ContactLine(BEN, off="resumed:email", one_by_one="yes"),
        {"email": "ben@example.test", "push": "ntfy:ben"},
        frozenset({"push"}),
        QUIET,
    ),
}


def row(channel, account=ANA, event="1", **told):
    known = {"delivery_id": uuid4(), "notice_id": uuid5(NAMESPACE_OID, account + event)}
    about = {"account": account, "event_id": event, "kind": "paused", "channel": channel}
    state = {"state": "delivered" if channel == "in_app" else "accepted"}
    return Delivery(**{**known, **about, **state, **told})


def sent(channel, account=ANA, event="1", **told):
    """An accepted delivery and what the catcher has of it."""
    known = {"results": ("accepted",), "provider_message_id": f"{channel}{account}{event}"}
    each = row(channel, account, event, **{**known, **told})
    return each, Caught(channel, mark_of(each), f"{channel}{account}{event}", NOW)


def good_day() -> Evidence:
    """Two people, each told of one thing."""
    (mail, came), (text, came_too) = sent("email"), sent("sms")
    text = text._replace(delivery_id=uuid4())
    withheld = row("email", BEN, "2", kind="resumed", state="suppressed", reason="preference")
    not_there = row("push", BEN, "2", kind="resumed", state="suppressed", reason="operator")
    return Evidence(
        people=PEOPLE,
        wants=[Want(ANA, "1"), Want(BEN, "2")],
        deliveries=[row("in_app"), mail, text, row("in_app", BEN, "2"), withheld, not_there],
        caught=[came, came_too],
        held_seen={mail.delivery_id: "gathered"},
        unknown_seen=set(),
        caps={"email": 3, "sms": 3, "push": 3},
        now=NOW,
        mark_of=mark_of,
    )


def judged(evidence, verdict=Verdict(events_on_chain=2, events_recorded=2)):  # noqa: B008 # unchanged
    report = Report(size={}, broker="redis")
    report.judge(evidence, verdict)
    return report


def without(evidence, channel):
    left = [each for each in evidence.deliveries if each.channel != channel]
    return msgspec.structs.replace(evidence, deliveries=left)


def changed(evidence, channel, **changes):
    rows = [
        each._replace(**changes) if (each.channel, each.account) == (channel, ANA) else each
        for each in evidence.deliveries
    ]
    return msgspec.structs.replace(evidence, deliveries=rows)
