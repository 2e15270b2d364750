"""getEvents: rules with their exact words, filters, windows and cursors."""

import json

import pytest
from stellar_sdk import scval as sdk

from simulator.calls import Call
from simulator.chain import FIRST_LEDGER, GENESIS_LEDGER
from simulator.errors import RpcFailure
from simulator.event_query import events_json, scan
from simulator.event_request import parse_request
from simulator.ledger import ContractEvent, event_id, window_end
from simulator.scval import symbol_topic

PAUSED = symbol_topic("paused")
MAX_PAGE = 10_000


def query(world, **params):
    request = parse_request(params, MAX_PAGE)
    return scan(world.chain, request, latest=world.chain.latest.sequence)


def fault(params, max_page=MAX_PAGE):
    with pytest.raises(RpcFailure) as failure:
        parse_request(params, max_page)
    return failure.value.code, failure.value.message, failure.value.data


@pytest.fixture
def busy(world):
    """Two streams, a stream's pause, a contract-wide pause and an upgrade in one ledger each."""
    world.close(world.create(0), world.create(1))
    world.close(world.call("pause_stream", 1))
    world.close(world.admin("pause_contract"))
    world.close(world.admin("upgrade", "ab" * 32))
    return world


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "startLedger must be positive"),
        ({"startLedger": None, "filters": None}, "startLedger must be positive"),
        (
            {"startLedger": 5, "pagination": {"cursor": event_id(5, 0, 0, 0)}},
            "ledger ranges and cursor cannot both be set",
        ),
        (
            {"endLedger": 5, "pagination": {"cursor": event_id(5, 0, 0, 0)}},
            "ledger ranges and cursor cannot both be set",
        ),
        ({"startLedger": 5, "pagination": {"limit": 10_001}}, "limit must not exceed 10000"),
        ({"startLedger": 5, "filters": [{}] * 6}, "maximum 5 filters per request"),
        (
            {"startLedger": 5, "xdrFormat": "x"},
            "got 'x': expected base64, json for optional 'xdrFormat'",
        ),
        (
            {"startLedger": 5, "filters": [{"type": "diagnostic"}]},
            (
                "filter 1 invalid: filter type invalid: if set, type must be either 'system' or "
                "'contract'"
            ),
        ),
        (
            {"startLedger": 5, "filters": [{}, {"contractIds": ["C"] * 6}]},
            "filter 2 invalid: maximum 5 contract IDs per filter",
        ),
        (
            {"startLedger": 5, "filters": [{"contractIds": ["nonsense"]}]},
            "filter 1 invalid: contract ID 1 invalid",
        ),
        (
            {"startLedger": 5, "filters": [{"topics": [["*"]] * 6}]},
            "filter 1 invalid: maximum 5 topics per filter",
        ),
        (
            {"startLedger": 5, "filters": [{"topics": [[]]}]},
            "filter 1 invalid: topic 1 invalid: topic must have at least 1 segment",
        ),
        (
            {"startLedger": 5, "filters": [{"topics": [["*"] * 5]}]},
            "filter 1 invalid: topic 1 invalid: topic cannot have more than 4 segments",
        ),
        (
            {"startLedger": 5, "filters": [{"topics": [["**", "*"]]}]},
            (
                "filter 1 invalid: topic 1 invalid: segment 1 invalid: "
                "wildcard '**' is only allowed as the last segment"
            ),
        ),
    ],
)
def test_a_broken_rule_is_named_in_the_servers_words(params, message):
    assert fault(params) == (-32602, message, None)


@pytest.mark.parametrize(
    "params",
    [
        {"pagination": {"cursor": "junk"}},
        {"pagination": {"cursor": "1-x"}},
        {"pagination": {"cursor": f"{2**63}-0"}},
        {"pagination": {"cursor": f"1-{2**32}"}},
        {"pagination": {"cursor": 5}},
        {"pagination": []},
        {"startLedger": "5"},
        {"startLedger": True},
        {"startLedger": -1},
        {"startLedger": 2**32},
        {"startLedger": 5, "filters": {}},
        {"startLedger": 5, "filters": ["x"]},
        {"startLedger": 5, "filters": [{"contractIds": [5]}]},
        {"startLedger": 5, "filters": [{"topics": ["paused"]}]},
        {"startLedger": 5, "filters": [{"topics": [["paused"]]}]},
        {"startLedger": 5, "filters": [{"topics": [[5]]}]},
        {"startLedger": 5, "filters": [{"topics": [[PAUSED[:-4]]]}]},
    ],
)
def test_what_does_not_unmarshal_is_an_invalid_parameter(params):
    code, message, data = fault(params)
    assert (code, message) == (-32602, "invalid parameters")
    assert isinstance(data, str)


def test_a_malformed_cursor_is_quoted():
    assert fault({"pagination": {"cursor": "junk"}})[2] == "invalid event id junk"


@pytest.mark.parametrize("offset", [-1, 1])
def test_outside_the_range_the_bounds_are_told(busy, offset):
    latest = busy.chain.latest.sequence
    start = GENESIS_LEDGER - 1 if offset < 0 else latest + 1
    words = f"startLedger must be within the ledger range: {GENESIS_LEDGER} - {latest}"
    for params in ({"startLedger": start}, {"pagination": {"cursor": event_id(start, 0, 0, 0)}}):
        with pytest.raises(RpcFailure, match=words) as failure:
            query(busy, **params)
        assert failure.value.code == -32600


def test_without_filters_everything_comes_and_the_cursor_is_the_windows_end(busy):
    page = query(busy, startLedger=FIRST_LEDGER)
    assert page.events == busy.chain.events
    assert page.cursor == window_end(busy.chain.latest.sequence)


def test_a_caught_up_cursor_stays_until_a_ledger_closes(busy):
    cursor = query(busy, startLedger=FIRST_LEDGER).cursor
    assert query(busy, pagination={"cursor": cursor}) == ([], cursor)
    busy.close(busy.admin("unpause_contract"))
    page = query(busy, pagination={"cursor": cursor})
    assert len(page.events) == 1
    assert page.cursor == window_end(busy.chain.latest.sequence)


def test_pages_of_one_give_every_event_once_in_order(busy):
    seen, cursor = [], {"startLedger": FIRST_LEDGER, "pagination": {"limit": 1}}
    while (page := query(busy, **cursor)).events:
        assert page.cursor == page.events[0].event_id
        seen += page.events
        cursor = {"pagination": {"limit": 1, "cursor": page.cursor}}
    assert seen == busy.chain.events


def test_the_default_limit_is_a_hundred(world):
    world.close(world.create())
    world.close(*[world.call("top_up", 1, 5)] * 60)
    page = query(world, startLedger=FIRST_LEDGER)
    assert len(page.events) == 100
    assert page.cursor == page.events[-1].event_id


def test_the_end_ledger_is_exclusive_and_may_lie_before_the_start(busy):
    page = query(busy, startLedger=FIRST_LEDGER, endLedger=FIRST_LEDGER + 1)
    assert {event.event_id < window_end(FIRST_LEDGER) for event in page.events} == {True}
    assert page.cursor == window_end(FIRST_LEDGER)
    assert query(busy, startLedger=FIRST_LEDGER, endLedger=5) == ([], window_end(4))


def test_one_request_scans_ten_thousand_ledgers(world):
    for _ in range(10_005):
        world.close()
    world.close(world.create())
    page = query(world, startLedger=FIRST_LEDGER)
    assert page == ([], window_end(FIRST_LEDGER + 9_999))
    assert query(world, pagination={"cursor": page.cursor}).events == world.chain.events


def test_a_node_behind_shows_only_what_it_has_seen(busy):
    request = parse_request({"startLedger": FIRST_LEDGER}, MAX_PAGE)
    page = scan(busy.chain, request, latest=FIRST_LEDGER)
    assert page.cursor == window_end(FIRST_LEDGER)
    assert len(page.events) == 4


def matching(world, *filters):
    return [
        event.event_id
        for event in query(world, startLedger=FIRST_LEDGER, filters=list(filters)).events
    ]


def test_filters_by_type_and_contract(busy):
    own, token = busy.cast.contract_id, busy.cast.token_id
    events = busy.chain.events
    own_ids = [event.event_id for event in events if event.contract_id == own]
    assert matching(busy, {"type": "contract,system", "contractIds": [own]}) == own_ids
    system = [event.event_id for event in events if event.type == "system"]
    assert matching(busy, {"type": "system"}) == system
    assert len(system) == 1
    tokens = [event.event_id for event in events if event.contract_id == token]
    assert matching(busy, {"contractIds": [token]}) == tokens
    assert matching(busy, {"contractIds": [own, token]}) == [event.event_id for event in events]
    assert matching(busy, {"type": "system"}, {"contractIds": [token]}) == [*tokens, *system]


def test_topics_match_in_place_and_in_number(busy):
    stream_pause, contract_pause = (
        [e.event_id for e in busy.chain.events if e.topics[0] == PAUSED and len(e.topics) == n]
        for n in (2, 1)
    )
    assert len(stream_pause) == len(contract_pause) == 1
    assert matching(busy, {"topics": [[PAUSED]]}) == contract_pause
    assert matching(busy, {"topics": [[PAUSED, "*"]]}) == stream_pause
    assert matching(busy, {"topics": [[PAUSED, "**"]]}) == [*stream_pause, *contract_pause]
    assert matching(busy, {"topics": [[PAUSED, "*", "**"]]}) == stream_pause
    first, second = sdk.to_uint64(1).to_xdr(), sdk.to_uint64(2).to_xdr()
    assert matching(busy, {"topics": [[PAUSED, first]]}) == stream_pause
    assert matching(busy, {"topics": [[PAUSED, second]]}) == []
    assert matching(busy, {"topics": [[PAUSED], ["*", first]]})[-1] == contract_pause[0]


def test_json_instead_of_xdr(busy):
    (event,) = query(busy, startLedger=FIRST_LEDGER, filters=[{"topics": [[PAUSED, "*"]]}]).events
    (shown,) = json.loads(events_json([event], as_json=True))
    assert shown["topicJson"] == [{"symbol": "paused"}, {"u64": "1"}]
    assert shown["valueJson"]["vec"][0] == {"address": busy.cast.employers[0]}
    assert "topic" not in shown
    assert "value" not in shown


def test_an_event_without_topics_has_no_topic_field(world):
    from simulator.closing import Closing
    from simulator.shapes import Emitted

    closing = Closing(
        bytes(32), world.cast.contract_id, world.cast.router_id, world.cast.treasury, 5, 1
    )
    calls = [Call("pause_contract", (world.cast.admin,))]
    emitted = [Emitted("bare", None, (), "AAAAAQ==", {})]
    event = closing.transaction(1, calls, emitted, failed=False).events[0]
    assert isinstance(event, ContractEvent)
    assert "topic" not in json.loads(event.wire)
    (shown,) = json.loads(events_json([event], as_json=True))
    assert "topicJson" not in shown
