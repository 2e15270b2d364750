"""The day's judge: a good day has no findings, and each kind of fault is found."""

from collections import defaultdict
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from cli.verdict import Verdict
from simulator.accounts import Cast
from tests.e2e.day import judging
from tests.e2e.day.evidence import Caught, Evidence, Want, wanted
from tests.e2e.day.good_day import (
    ANA,
    BEN,
    NOW,
    PEOPLE,
    QUIET,
    changed,
    good_day,
    judged,
    row,
    sent,
    without,
)
from tests.e2e.day.people import drawn


@pytest.fixture
def good() -> Evidence:
    return good_day()


def test_a_good_day_has_no_findings_and_tells_its_figures(good, tmp_path):
    report = judged(good)
    assert not report.findings
    assert report.caught == {"email": 1, "sms": 1}
    assert report.held == {"gathered": {"arrived": 1}}
    assert report.most_in_an_hour == {"email": 1, "sms": 1}
    report.write(tmp_path / "day.json")
    assert '"lost": []' in (tmp_path / "day.json").read_text()
    assert "lost: 0" in report.told()


def test_a_notice_or_a_channel_that_is_missing_is_lost(good):
    assert any("no notice" in each for each in judged(without(good, "in_app")).lost)
    assert any("by sms" in each for each in judged(without(good, "sms")).lost)


def test_what_the_log_lost_is_in_the_report(good):
    verdict = Verdict(lost=["event 3 is not in evidence"], duplicated=["2 notices of paused 1"])
    assert judged(good, verdict).findings == [*verdict.lost, *verdict.duplicated]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "queued"},
        {"state": "retry_wait", "reason": "Deferred", "available_at": NOW - 1},
        {"state": "failed", "reason": "defect", "results": ("defect",)},
        {"state": "expired"},
        {"state": "cancelled", "reason": "somehow"},
        {"state": "cancelled", "reason": "digest", "carried_by": uuid4()},
        {"state": "suppressed", "reason": "preference"},
        {"state": "suppressed", "reason": "operator"},
        {"state": "unknown", "results": ()},
        {"provider_message_id": "another"},
    ],
)
def test_a_delivery_that_cannot_account_for_its_end_is_lost(good, changes):
    evidence = changed(good, "sms", **changes)
    evidence = msgspec.structs.replace(evidence, caught=good.caught[:1] + good.caught[1:])
    assert len(judged(evidence).lost) == 1


def test_accepted_and_never_caught_is_lost(good):
    evidence = msgspec.structs.replace(good, caught=good.caught[:1])
    assert ["no catcher has it" in each for each in judged(evidence).lost] == [True]


def test_one_by_one_is_lost_only_where_all_came_to_nothing(good):
    mail, came = sent("email", BEN, "3")
    rows = [*good.deliveries, row("in_app", BEN, "3"), mail]
    wants = [Want(ANA, "1"), Want(BEN, "3")]
    people = PEOPLE | {BEN: PEOPLE[BEN]._replace(suppressed=frozenset())}
    given = {"wants": wants, "people": people, "caught": [*good.caught, came]}
    rows = [each for each in rows if each.reason != "operator"]
    fine = msgspec.structs.replace(good, deliveries=[*rows], **given)
    assert not judged(fine).lost
    refused = mail._replace(state="failed", reason="refused", results=("rejected",))
    given["caught"] = good.caught
    gone = msgspec.structs.replace(good, deliveries=[*rows[:-1], refused], **given)
    (said,) = judged(gone).lost
    assert said == "GBEN has nothing of 3 by push (in_app delivered, email failed)"


@pytest.mark.parametrize(
    ("newer", "is_lost"),
    [
        ({}, False),
        ({"state": "failed", "reason": "refused", "results": ("rejected",)}, True),
        ({"state": "cancelled", "reason": "answered"}, False),
        ({"state": "cancelled", "reason": "answered", "kind": "paused"}, True),
        ({"state": "cancelled", "reason": "over"}, True),
        ({"stream_id": 8}, True),
    ],
)
def test_old_news_that_came_to_nothing_is_not_lost_where_newer_is_told(good, newer, is_lost):
    refused = {"state": "failed", "reason": "refused", "results": ("rejected",)}
    old = row("email", BEN, "3", stream_id=7, **refused)
    mail, came = sent("email", BEN, "4", **({"kind": "contract_paused", "stream_id": 7} | newer))
    people = PEOPLE | {BEN: PEOPLE[BEN]._replace(suppressed=frozenset())}
    seven = {"stream_id": 7}
    evidence = msgspec.structs.replace(
        good,
        deliveries=[
            *(each for each in good.deliveries if each.reason != "operator"),
            *(row("in_app", BEN, "3", **seven), old, mail),
        ],
        wants=[Want(ANA, "1"), Want(BEN, "3")],
        people=people,
        caught=[*good.caught, *([came] if mail.state == "accepted" else [])],
    )
    found = [each for each in judged(evidence).lost if "nothing of 3 by push" in each]
    assert bool(found) == is_lost


def test_a_double_is_found_and_a_marked_one_is_told_apart(good):
    twice = msgspec.structs.replace(good, caught=[*good.caught, good.caught[0]])
    assert len(judged(twice).doubles) == 1
    marked = changed(twice, "email", possible_duplicate=True, results=("unknown", "accepted"))
    report = judged(marked)
    assert not report.doubles
    assert len(report.marked_doubles) == 1
    thrice = msgspec.structs.replace(marked, caught=[*marked.caught, good.caught[0]])
    assert len(judged(thrice).doubles) == 1


def test_a_letter_of_nobodys_and_a_notice_for_nobody_are_doubles(good):
    stray = Caught("sms", "FFFFFFFF", "sid", NOW)
    extra = row("in_app", BEN, "1")
    evidence = msgspec.structs.replace(
        good, caught=[*good.caught, stray], deliveries=[*good.deliveries, extra]
    )
    assert len(judged(evidence).doubles) == 2


def test_more_than_the_cap_within_any_hour_is_found(good):
    sms = [sent("sms", ANA, f"{number}") for number in range(10, 14)]
    hour = judging.HOUR // 4
    spread = [each._replace(at=NOW + place * hour) for place, (_, each) in enumerate(sms)]
    rows = [*good.deliveries[:2], *good.deliveries[3:], *(each for each, _ in sms)]
    wants = [want for want in good.wants if want.account == BEN]
    evidence = msgspec.structs.replace(
        good, deliveries=rows, caught=[good.caught[0], *spread], wants=wants
    )
    assert len(judged(evidence).over_caps) == 1
    spread[-1] = spread[-1]._replace(at=NOW + judging.HOUR)
    slower = msgspec.structs.replace(evidence, caught=[good.caught[0], *spread])
    assert not judged(slower).over_caps


def test_a_reference_that_two_people_share_counts_for_neither(good):
    sms = [sent("sms", ANA, f"{number}") for number in range(10, 14)]
    alike = sms[0][0]._replace(delivery_id=uuid4(), account=BEN)
    rows = [*good.deliveries, alike, *(each for each, _ in sms)]
    caught = [*good.caught, *(each for _, each in sms[:3])]
    evidence = msgspec.structs.replace(good, deliveries=rows, caught=caught)
    assert not judged(evidence).over_caps
    more = msgspec.structs.replace(evidence, caught=[*caught, sms[3][1]])
    assert len(judged(more).over_caps) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"available_at": NOW + 1}, "nothing"),
        ({"available_at": NOW - 1, "reason": "gathered"}, "gathered"),
        ({"available_at": QUIET[1]}, "nothing"),  # quiet hours of somebody else
        ({"reason": "storm", "available_at": NOW + 1, "planned_at": 2, "released_at": 1}, "storm"),
    ],
)
def test_what_is_held_without_a_reason_or_out_of_its_time_is_unaccounted(good, changes, why):
    report = judged(changed(good, "sms", state="held", results=(), **changes))
    assert len(report.unaccounted) == 1
    assert why in report.held


def test_what_is_held_for_a_reason_and_until_a_time_is_accounted_for(good):
    for changes in (
        {"reason": "storm", "available_at": NOW + 1},
        {"purpose": "step_until_read", "available_at": NOW + 1},
    ):
        evidence = changed(good, "sms", state="held", results=(), **changes)
        evidence = msgspec.structs.replace(evidence, caught=good.caught[:1])
        assert not judged(evidence).findings


def test_what_was_held_and_is_gone_is_unaccounted(good):
    evidence = msgspec.structs.replace(good, held_seen={uuid4(): "gathered"})
    assert len(judged(evidence).unaccounted) == 1


def test_what_left_against_a_wish_is_found(good):
    declined, came = sent("email", BEN, "2", kind="resumed")
    rang, came_too = sent("push", BEN, "4", handed_off_at=NOW)
    rows = [each for each in good.deliveries if each.reason != "preference"]
    evidence = msgspec.structs.replace(
        good, deliveries=[*rows, declined, rang], caught=[*good.caught, came, came_too]
    )
    found = judged(evidence).unwanted
    assert [each.split(": ")[1] for each in found] == [
        "declined, and sent",
        "suppressed, and sent",
        "it rang in quiet hours",
    ]


def test_an_unknown_is_listed_and_one_that_was_settled_is_counted(good):
    evidence = changed(good, "sms", state="unknown", results=("unknown",))
    settled = next(each.delivery_id for each in good.deliveries if each.channel == "email")
    (still,) = [each.delivery_id for each in evidence.deliveries if each.state == "unknown"]
    report = judged(msgspec.structs.replace(evidence, unknown_seen={settled, still}))
    assert not report.findings
    assert report.unknowns_resolved == 1
    (listed,) = report.unknown
    assert listed["channel"] == "sms"
    assert listed["the catcher has it"] is True


def test_a_contracts_stop_is_for_all_whose_streams_last():
    def line(kind, stream=None):
        parties = {"employer": None, "employee": None}
        if stream is not None:
            parties = {"employer": f"boss {stream}", "employee": f"hand {stream}"}
        return {"kind": kind, "stream_id": stream, "event_id": f"{kind} {stream}", **parties}

    truth = [
        *(line("created", "1"), line("created", "2"), line("contract_paused")),
        *(line("cancelled", "2"), line("created", "3")),
    ]
    assert wanted(truth) == [
        *(Want("boss 1", "contract_paused None"), Want("hand 1", "contract_paused None")),
        *(Want("boss 2", "cancelled 2"), Want("hand 2", "cancelled 2")),
    ]


def test_people_who_share_a_place_are_suppressed_there_together():
    """A day with thousands of people has a handful of phones that are trouble."""
    shared = defaultdict(set)
    at = datetime(2026, 11, 30, tzinfo=UTC)
    for person in drawn(Cast.of(1, 2000), 1, at, "http://127.0.0.1:1").values():
        for channel, place in person.places.items():
            shared[channel, place].add(channel in person.suppressed)
    assert {frozenset(answers) for answers in shared.values()} == {
        frozenset({False}),
        frozenset({True}),
    }
