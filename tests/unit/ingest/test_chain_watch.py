"""An endpoint that is switched to another chain, or says what cannot be, is not believed."""

import asyncio

import pytest

from ingest.cursors import window_end
from ingest.endpoint_proof import DOUBT_SECONDS, FRESH_SECONDS
from ingest.errors import ForkedChain, RetentionGap, RpcUnavailable
from ingest.pins import Pin
from tests.fakes import chain
from tests.fakes.fake_rpc import PASSPHRASE, FakeRpc, result, rpc_error
from tests.fakes.several import Several

FORKED = {"salt": "fork", "late_seconds": 3}
_TRUE = FakeRpc()
PINS = [Pin(80, _TRUE.hash_of(80), _TRUE.closed_at(80))]


def switch(node, **changes):
    for name, value in (changes or FORKED).items():
        setattr(node, name, value)


async def following(*, pins=(), **nodes):
    several = Several(pins=list(pins), **nodes)
    await several.pool.check_network(PASSPHRASE)
    for endpoint in several.endpoints:
        await several.pool._ask_another([endpoint], 51, several.question)
    several.now += FRESH_SECONDS
    return several


async def test_a_node_switched_at_the_same_height_is_noticed_by_the_next_poll():
    several = await following(pins=PINS, a={})
    switch(several.nodes[0])
    with pytest.raises(RpcUnavailable, match="is not believed: ledger"):
        await several.fetch()
    with pytest.raises(ForkedChain, match="its ledger 80 has the hash"):
        await several.fetch()


async def test_the_switched_one_of_several_is_set_aside_and_following_goes_on():
    several = await following(pins=PINS, a={}, b={})
    switch(several.nodes[0])
    with pytest.raises(RpcUnavailable) as caught:
        await several.fetch()
    assert caught.value.retry_after == 0
    assert (await several.fetch()).source == "b"
    assert [each.state for each in several.endpoints] == ["expelled", "closed"]


async def test_what_a_switched_node_told_first_is_not_held_against_the_others():
    """Its first answer is of a ledger that nobody told of, so that it is believed."""
    several = await following(pins=PINS, a={}, b={})
    switch(several.nodes[0], **FORKED, latest=102, forked_from=50)
    switch(several.nodes[0], oldest=101)
    several.nodes[1].latest = 102
    several.nodes[0].ledgers_from = 1
    assert (await several.pool.health()).latest_ledger == 102
    several.pool._watch._times.learn("a", {102: _TRUE.closed_at(102) + 3})
    with pytest.raises(RpcUnavailable):
        await several.pool._ask_another([several.endpoints[1]], 51, several.question)
    assert [each.state for each in several.endpoints] == ["expelled", "closed"]
    assert (await several.fetch()).source == "b"


async def test_a_fork_younger_than_the_last_pin_is_known_by_the_ledger_itself():
    several = await following(pins=PINS, a={}, b={})
    switch(several.nodes[1], **FORKED, forked_from=90)
    with pytest.raises(RpcUnavailable):
        await several.pool._ask_another([several.endpoints[1]], 51, several.question)
    assert [each.state for each in several.endpoints] == ["closed", "expelled"]
    assert "ledger 100 closed at" in several.endpoints[1].reason


async def test_one_alone_that_tells_a_second_time_of_a_ledger_stops_the_indexer():
    several = await following(pins=PINS, a={})
    switch(several.nodes[0], **FORKED, forked_from=90)
    for error in (RpcUnavailable, ForkedChain):
        with pytest.raises(error, match="ledger 100 closed at"):
            await several.fetch()


async def test_one_alone_whose_close_times_say_nothing_is_followed_all_the_same(capsys):
    """As a gateway that writes its own clock into each answer."""
    several = await following(pins=PINS, a={})
    node = several.nodes[0]
    node.misdated_seconds = 7
    several.pool._watch._times.forget(ledger=100)
    several.pool._watch._times.learn("a", {100: _TRUE.closed_at(100) + 3})
    with pytest.raises(RpcUnavailable):
        await several.fetch()
    assert "endpoint_misdates" in capsys.readouterr().out
    assert (await several.fetch()).source == "a"
    node.misdated_seconds = 8
    assert (await several.fetch()).source == "a"


async def test_a_close_time_of_zero_is_none():
    several = await following(pins=PINS, a={})
    node = several.nodes[0]
    node.answers = [result([], oldestLedger=30, oldestLedgerCloseTime="0")]
    await several.fetch(window_end(99))
    assert (await several.fetch(window_end(99))).source == "a"


async def test_close_times_that_are_not_its_own_are_not_believed_and_it_rests():
    several = await following(a={}, b={})
    several.nodes[0].misdated_seconds = -86_400
    with pytest.raises(RpcUnavailable) as caught:
        await several.fetch()
    assert caught.value.retry_after is None
    assert [each.state for each in several.endpoints] == ["closed", "closed"]
    assert (await several.fetch()).source == "b"


async def test_what_nobody_stands_by_is_forgotten():
    several = await following(a={}, b={})
    several.pool._watch._times.forget(ledger=100)
    several.pool._watch._times.learn("b", {100: 7})
    with pytest.raises(RpcUnavailable):
        await several.fetch()
    assert (await several.fetch()).source == "a"


async def test_where_ledgers_are_not_served_nothing_can_be_found_out():
    several = await following(a={})
    several.nodes[0].late_seconds = 3
    several.nodes[0].answers = [
        result([], latestLedgerCloseTime="7"),
        {"passphrase": PASSPHRASE, "protocolVersion": 28},
        rpc_error(-32601, "method not found", request_id=5),
    ]
    with pytest.raises(RpcUnavailable):
        await several.fetch()
    assert several.endpoints[0].state == "closed"


async def test_many_that_meet_the_same_oddity_have_it_settled_once():
    several = await following(pins=PINS, a={}, b={})
    switch(several.nodes[1])
    before = len(several.nodes[1].requests)
    asked = [
        several.pool._ask_another([several.endpoints[1]], 51, several.question) for _ in range(9)
    ]
    assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {
        RpcUnavailable
    }
    asked_of_chain = [each["method"] for each in several.nodes[1].requests[before:]]
    assert asked_of_chain.count("getLedgers") == 1
    several.now += DOUBT_SECONDS


async def test_who_was_reset_proves_itself_as_soon_as_it_has_a_pinned_ledger():
    """Close times are the same, and no second look is due yet: between the two it passed the pin."""
    several = await following(pins=PINS, a={})
    switch(several.nodes[0], salt="fork", latest=70)
    with pytest.raises(RpcUnavailable, match="went back to ledger 70"):
        await several.fetch()
    assert (await several.fetch()).latest_ledger == 70  # nothing speaks against it yet
    several.nodes[0].latest = 90
    with pytest.raises(RpcUnavailable, match="its ledger 80 has the hash"):
        await several.fetch(window_end(85))
    with pytest.raises(ForkedChain):
        await several.fetch(window_end(85))


@pytest.mark.parametrize("latest", [10_000, 2**32 - 1])
async def test_a_newest_ledger_that_leaps_must_be_shown(latest):
    several = await following(a={})
    leaping = result(
        [], latestLedger=latest, cursor=chain.event_id(5_000, 2**32 - 1, 2**20 - 1, 4095)
    )
    several.nodes[0].answers = [leaping]
    with pytest.raises(RpcUnavailable, match=f"has ledger {latest}, and does not show it"):
        await several.fetch()
    assert several.pool.newest_ledger == 100
    several.nodes[0].latest = 10_000
    assert (await several.fetch()).latest_ledger == 10_000


async def test_a_gap_whose_window_leaps_is_none():
    several = await following(a={})
    words = "startLedger must be within the ledger range: 900000 - 1000000"
    several.nodes[0].answers = [rpc_error(-32600, words, request_id=2)] * 2
    with pytest.raises(RpcUnavailable, match="has ledger 900000, and does not show it"):
        await several.fetch()
    several.nodes[0].oldest, several.nodes[0].latest = 900_000, 1_000_000
    with pytest.raises(RetentionGap):
        await several.fetch()


async def test_a_leap_is_believed_where_no_ledgers_are_served():
    several = await following(a={})
    leaping = result([], latestLedger=9_000, latestLedgerCloseTime=str(_TRUE.closed_at(9_000)))
    refused = rpc_error(-32601, "method not found", request_id=4)
    network = {"passphrase": PASSPHRASE, "protocolVersion": 28}
    several.nodes[0].answers = [leaping, refused, network]
    assert (await several.fetch()).latest_ledger == 9_000


async def test_past_ledgers_are_believed_by_a_proof_that_began_after_they_were_told():
    several = await following(pins=PINS, a={}, b={})
    first, second = several.nodes
    switch(first, salt="fork")  # close times stay as they were
    with pytest.raises(RpcUnavailable, match="its ledger 80 has the hash"):
        await several.fetch(window_end(50))
    assert (await several.fetch(window_end(50))).source == "b"
    asked = len(second.requests)
    await several.fetch(window_end(50))
    assert len(second.requests) == asked + 1  # the proof holds for some seconds
    assert [each.state for each in several.endpoints] == ["expelled", "closed"]
    switch(second, salt="fork")
    assert (await several.fetch(window_end(99))).source == "b"  # news does not wait


async def test_a_proof_is_shared_by_all_who_wait_for_one():
    several = await following(pins=PINS, a={})
    asked = len(several.nodes[0].requests)
    await asyncio.gather(*(several.fetch(window_end(50)) for _ in range(20)))
    methods = [each["method"] for each in several.nodes[0].requests[asked:]]
    assert methods.count("getEvents") == 20
    assert methods.count("getLedgers") <= 2


async def test_who_cannot_prove_itself_now_is_asked_again_and_proves_itself_first():
    several = await following(pins=PINS, a={})
    page = result([])
    several.nodes[0].answers = [page, RpcUnavailable("down")]
    with pytest.raises(RpcUnavailable, match="could not prove its chain: down"):
        await several.fetch(window_end(50))
    assert not several.endpoints[0].proven
    assert (await several.fetch(window_end(50))).source == "a"
