"""The day's judge of receivers that know a repeat: it lets repeats be, and finds every other fault."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from notifier.channels.webhook import signatures
from simulator.accounts import Cast
from tests.e2e.day.evidence import WEB_PUSH, WEBHOOK, Caught, Evidence, Want
from tests.e2e.day.good_day import ANA, NOW, PEOPLE, good_day, judged, row
from tests.e2e.day.hooks import Hook
from tests.e2e.day.people import drawn
from tests.e2e.day.posts import Post, read_post

LANE = "subscription:contract:7"
PLACES = (1, 2, 3)
DELIVERED = {"state": "delivered", "results": ("accepted",), "marked": 1}


def posted(place, **told):
    """News of stream 7 that Ana's system was posted, and what its receiver has of it."""
    event = f"e{place}"
    known = {"lane": LANE, "lane_position": place, **DELIVERED}
    each = row(WEBHOOK, ANA, event, **{**known, **told})
    name = str(each.delivery_id)
    post = Post("ana", name, "stream.paused", event, "contract:7", place, is_signed=True)
    return each._replace(provider_message_id=name), Caught(WEBHOOK, name, name, NOW, "{}", post)


@pytest.fixture
def good() -> Evidence:
    """Three pieces of news of one stream, the first posted twice; the last was pushed to a browser, too."""
    told = [posted(1, results=("not_sent", "accepted"), marked=2), posted(2), posted(3)]
    push = row("push", ANA, "e3", in_browser=True, provider_message_id="m1", **DELIVERED)
    shown = Caught(WEB_PUSH, str(push.delivery_id), "m1", NOW, "words")
    inbox = [row("in_app", ANA, f"e{place}") for place in PLACES]
    return msgspec.structs.replace(
        good_day(),
        people=PEOPLE | {ANA: PEOPLE[ANA]._replace(hook=Hook("ana"), places={})},
        wants=[Want(ANA, f"e{place}") for place in PLACES],
        deliveries=[*inbox, *(each for each, _ in told), push],
        caught=[told[0][1], *(came for _, came in told), shown],
        held_seen={},
    )


def with_caught(evidence, *caught):
    return msgspec.structs.replace(evidence, caught=[*evidence.caught, *caught])


def with_row(evidence, place, **changes):
    rows = [
        each._replace(**changes) if each.lane_position == place else each
        for each in evidence.deliveries
    ]
    return msgspec.structs.replace(evidence, deliveries=rows)


def in_order(evidence, *places):
    """The posts as they would have come in this order."""
    one, _, two, three, shown = evidence.caught
    came = dict(zip(PLACES, (one, two, three), strict=True))
    caught = [came[place] for place in places]
    return msgspec.structs.replace(evidence, caught=[*caught, shown])


def test_a_repeat_under_its_id_is_counted_and_is_no_fault(good):
    report = judged(good)
    assert not report.findings
    assert report.repeats == {WEBHOOK: 1, WEB_PUSH: 0}
    assert report.caught == {WEBHOOK: 4, WEB_PUSH: 1}
    assert report.deliveries[WEBHOOK] == {"arrived": 3}
    assert "knows by their id, webhook: 1" in report.told()


def test_what_came_oftener_than_it_was_tried_is_a_double(good):
    for again in (good.caught[1], good.caught[-1]):
        assert len(judged(with_caught(good, again, again)).doubles) == 1


def test_what_nobody_sent_is_a_double(good):
    stray = good.caught[1]._replace(mark="stray", identity="stray", post=None)
    assert len(judged(with_caught(good, stray)).doubles) == 1


def test_the_same_news_under_another_id_is_a_double(good):
    again, came = posted(3)
    evidence = msgspec.structs.replace(good, deliveries=[*good.deliveries, again])
    (found,) = judged(with_caught(evidence, came)).doubles
    assert "under 2 ids" in found


def test_a_post_that_nobody_was_to_get_is_a_double(good):
    extra, came = posted(4)
    evidence = msgspec.structs.replace(good, deliveries=[*good.deliveries, extra])
    (found,) = judged(with_caught(evidence, came)).doubles
    assert "nobody was to know" in found


def test_newer_news_that_came_first_is_out_of_order_and_so_is_a_repeat_that_came_after_it(good):
    assert not judged(in_order(good, 1, 1, 2, 3)).out_of_order
    assert len(judged(in_order(good, 2, 1, 3)).out_of_order) == 1
    assert len(judged(in_order(good, 1, 2, 1, 3)).out_of_order) == 1


def test_another_streams_news_overtakes_nothing(good):
    other = good.caught[2].post._replace(stream="contract:8", position=0)
    elsewhere = good.caught[2].post._replace(receiver="ben", position=0)
    for post in (other, elsewhere):
        caught = [*good.caught, good.caught[2]._replace(post=post)]
        assert not judged(msgspec.structs.replace(good, caught=caught)).out_of_order


@pytest.mark.parametrize("place", [0, -1])
def test_a_repeat_that_says_something_else_is_found(good, place):
    evidence = with_caught(good, good.caught[place]._replace(body="other words"))
    assert len(judged(evidence).altered) == 1


def test_a_digest_that_was_taken_apart_since_tells_what_is_left_of_it(good):
    """The browser may have shown the digest; what is told anew is told the same each time."""
    pushed = good.caught[0]
    first = pushed._replace(body="3 were paused", is_digest=True)
    evidence = with_caught(good, first)
    assert not judged(evidence).altered
    again = with_caught(evidence, pushed._replace(body="other words"))
    assert len(judged(again).altered) == 1


def test_a_post_that_tells_of_another_event_is_found(good):
    evidence = with_row(good, 2, event_id="e9")
    assert len(judged(evidence).altered) == 1


def test_a_signature_that_does_not_hold_is_found(good):
    false = good.caught[2].post._replace(is_signed=False)
    caught = [*good.caught[:2], good.caught[2]._replace(post=false), *good.caught[3:]]
    assert len(judged(msgspec.structs.replace(good, caught=caught)).unsigned) == 1


def test_a_post_that_is_called_delivered_and_never_came_is_lost(good):
    (found,) = judged(in_order(good, 1, 1, 3)).lost
    assert "no catcher has it" in found


def test_a_subscriber_without_a_post_of_its_news_is_lost(good):
    rows = [each for each in good.deliveries if each.lane_position != 3]
    evidence = in_order(msgspec.structs.replace(good, deliveries=rows), 1, 1, 2)
    (found,) = judged(evidence).lost
    assert "has nothing of e3 by webhook (" in found
    for hook in (Hook("ana", kinds=("resumed",)), Hook("gone-ana"), None):
        people = evidence.people | {ANA: evidence.people[ANA]._replace(hook=hook)}
        assert not judged(msgspec.structs.replace(evidence, people=people)).lost


def test_a_post_of_a_kind_that_was_not_subscribed_is_unwanted(good):
    hook = Hook("ana", kinds=("resumed",))
    people = good.people | {ANA: good.people[ANA]._replace(hook=hook)}
    assert len(judged(msgspec.structs.replace(good, people=people)).unwanted) == len(PLACES)


def test_a_post_that_nobody_knows_the_end_of_is_lost(good):
    (found,) = judged(with_row(good, 3, state="unknown", results=("unknown",))).lost
    assert "a repeat is harmless" in found


def test_who_waits_for_its_turn_in_a_lane_is_accounted_for_and_who_has_it_is_not(good):
    waiting = {"state": "pending", "reason": None, "available_at": NOW - 1}
    behind = with_row(in_order(good, 1, 1, 2), 3, **waiting)
    first = {"state": "retry_wait", "reason": "Deferred", "available_at": NOW + 1}
    report = judged(with_row(behind, 2, **first))
    assert not report.findings
    assert report.deliveries[WEBHOOK] == {"arrived": 1, "waits: Deferred": 1, "waits: its turn": 1}
    assert len(judged(behind).lost) == 1  # nothing is before it


def test_only_a_receiver_that_says_gone_ends_its_subscription(good):
    ended = {"state": "cancelled", "reason": "webhook_disabled"}
    evidence = with_row(in_order(good, 1, 1, 2), 3, **ended)
    assert len(judged(evidence).lost) == 1
    people = good.people | {ANA: good.people[ANA]._replace(hook=Hook("gone-ana"))}
    assert not judged(msgspec.structs.replace(evidence, people=people)).lost


def test_a_receiver_checks_the_signature_over_what_came():
    key, identity, sent_at = b"k" * 32, str(uuid4()), 1_700_000_000
    told = {"event_id": "e1", "contract_id": "C", "stream_id": "7", "position": "42"}
    text = json.dumps({"type": "stream.paused", "data": told})
    headers = {
        "webhook-id": identity,
        "webhook-timestamp": str(sent_at),
        "Webhook-Signature": signatures((b"another", key), identity, sent_at, text.encode()),
    }
    line = {"id": identity, "to": "ana", "text": text, "headers": headers}
    post = read_post(line, {"ana": key})
    assert post == Post("ana", identity, "stream.paused", "e1", "C:7", 42, is_signed=True)
    assert not read_post(line | {"text": text + " "}, {"ana": key}).is_signed
    assert not read_post(line, {"ben": key}).is_signed


@pytest.mark.parametrize(("streams", "few"), [(40, 10), (400, 60), (4_000, 150)])
def test_some_have_webhooks_and_browsers_and_the_plain_ones_no_trouble_with_them(streams, few):
    cast = Cast.of(1, streams)
    people = drawn(cast, 1, datetime(2026, 3, 2, tzinfo=UTC), "http://127.0.0.1:1")
    hooks = {account: each.hook for account, each in people.items() if each.hook is not None}
    assert few <= len(hooks) <= len(people) // 2
    assert len({hook.name for hook in hooks.values()}) == len(hooks)
    assert any(hook.kinds for hook in hooks.values())
    plain = {hooks.get(account) for account in (cast.employees[0], cast.employers[0])}
    is_small = len(people) <= 500
    assert plain == ({Hook("plain-0"), Hook("plain-1")} if is_small else {None})
    browsers = [each for each in people.values() if each.has_a_browser]
    assert len(people) // 10 < len(browsers) < len(people) // 2
