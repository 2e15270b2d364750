"""One endpoint: what it asks, how it pages, and which reaction each kind of bad weather calls for."""

import json

import pytest

from ingest.cursors import needed_ledger, window_end
from ingest.errors import (
    NodeBehind,
    RequestRefused,
    RetentionGap,
    RpcUnavailable,
    WrongNetwork,
)
from ingest.rpc import Health, Network, RpcEndpoint, caught_up
from ingest.transport import HttpAnswer
from tests.fakes import chain
from tests.fakes.fake_rpc import PASSPHRASE, FakeRpc, ok, paused, result, rpc_error

CONTRACTS = [chain.CONTRACT]


async def fetch(rpc, cursor=None, start_ledger=None, limit=1000, contracts=CONTRACTS):
    return await RpcEndpoint(rpc).fetch_page(
        contracts=contracts, cursor=cursor, start_ledger=start_ledger, limit=limit
    )


async def test_pages_follow_each_other_by_cursor_until_caught_up():
    events = [paused(ledger, index) for ledger in (10, 11, 95) for index in range(3)]
    rpc, cursor, seen = FakeRpc(events), window_end(0), []
    for _ in range(10):
        page = await fetch(rpc, cursor, limit=4)
        seen += [event.event_id for event in page.events]
        cursor = page.cursor
        if caught_up(page, 4):
            break
    assert seen == [event["id"] for event in events]
    assert cursor == window_end(100)


async def test_a_sparse_window_is_not_caught_up_until_its_cursor_reaches_the_tip():
    page = await fetch(FakeRpc(latest=25_000), window_end(0))
    assert page.events == []
    assert not caught_up(page, 1000)
    assert needed_ledger(page.cursor) == 10_001


async def test_a_full_page_is_never_caught_up():
    page = await fetch(FakeRpc([paused(100)]), window_end(0), limit=1)
    assert not caught_up(page, 1)


async def test_the_request_has_one_shape_of_filter_and_no_topics():
    rpc, contracts = FakeRpc(), [chain.CONTRACT] * 12
    await fetch(rpc, start_ledger=1, contracts=contracts, limit=500)
    (request,) = rpc.requests
    assert request["method"] == "getEvents"
    assert request["params"] == {
        "startLedger": 1,
        "filters": [
            {"type": "contract,system", "contractIds": [chain.CONTRACT] * size}
            for size in (5, 5, 2)
        ],
        "pagination": {"limit": 500},
    }


async def test_a_cursor_goes_without_a_start_ledger():
    rpc = FakeRpc()
    await fetch(rpc, cursor=window_end(41), start_ledger=7)
    assert "startLedger" not in rpc.requests[0]["params"]
    assert rpc.requests[0]["params"]["pagination"] == {"limit": 1000, "cursor": window_end(41)}


@pytest.mark.parametrize("count", [0, 26])
async def test_a_request_takes_1_to_25_contracts(count):
    with pytest.raises(ValueError, match="give 1 to 25"):
        await fetch(FakeRpc(), window_end(1), contracts=[chain.CONTRACT] * count)


async def test_a_request_needs_a_place_to_begin():
    with pytest.raises(ValueError, match="give a cursor or a start_ledger"):
        await fetch(FakeRpc())


async def test_the_page_says_who_told_it_and_when():
    page = await fetch(FakeRpc(), window_end(0))
    assert page.source == "fake:8100"
    assert page.seen_at > 1_700_000_000_000_000


# --- the edges of what a node has ------------------------------------------------------------------


@pytest.mark.parametrize("cursor", [window_end(50), chain.event_id(51)])
async def test_a_position_below_retention_is_a_gap(cursor):
    with pytest.raises(RetentionGap) as caught:
        await fetch(FakeRpc(oldest=60), cursor)
    assert (caught.value.oldest_ledger, caught.value.needed) == (60, 51)


async def test_a_start_ledger_below_retention_is_a_gap():
    with pytest.raises(RetentionGap):
        await fetch(FakeRpc(oldest=60), start_ledger=59)


async def test_a_cursor_at_the_end_of_the_last_trimmed_ledger_lost_nothing():
    rpc = FakeRpc([paused(60)], oldest=60)
    page = await fetch(rpc, window_end(59))
    assert [event.ledger for event in page.events] == [60]
    assert rpc.requests[1]["params"]["startLedger"] == 60


async def test_a_trim_between_both_requests_is_a_gap():
    rpc = FakeRpc(oldest=61)
    rpc.answers = [
        rpc_error(-32600, "startLedger must be within the ledger range: 60 - 100", request_id=1)
    ]
    with pytest.raises(RetentionGap):
        await fetch(rpc, window_end(59))


async def test_an_empty_answer_below_retention_is_a_gap_too():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": result([], oldestLedger=60)})]
    with pytest.raises(RetentionGap):
        await fetch(rpc, window_end(50))


async def test_an_empty_answer_at_the_edge_of_retention_is_none():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": result([], oldestLedger=51)})]
    assert (await fetch(rpc, window_end(50))).events == []


@pytest.mark.parametrize("where", [{"cursor": window_end(105)}, {"start_ledger": 101}])
async def test_a_node_that_lags_behind_us_is_waited_for(where):
    with pytest.raises(NodeBehind) as caught:
        await fetch(FakeRpc(latest=100), **where)
    assert caught.value.latest_ledger == 100


async def test_a_poll_at_the_tip_is_an_empty_page():
    page = await fetch(FakeRpc(latest=100), window_end(100))
    assert (page.events, page.cursor) == ([], window_end(100))
    assert caught_up(page, 1000)


async def test_a_node_that_contradicts_itself_is_unavailable():
    rpc = FakeRpc()
    message = "startLedger must be within the ledger range: 1 - 100"
    rpc.answers = [rpc_error(-32600, message, request_id=number) for number in (1, 2)]
    with pytest.raises(RpcUnavailable, match="has ledger 51 and yet refuses it"):
        await fetch(rpc, window_end(50))


async def test_a_cursor_that_goes_back_is_not_followed():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": result([], cursor=window_end(40))})]
    with pytest.raises(RpcUnavailable, match="went back"):
        await fetch(rpc, window_end(50))


async def test_a_node_that_answers_nothing_for_ever_below_its_window_is_asked_by_ledger():
    """Some answer 200 and the same cursor, though what is needed next is there."""
    rpc = FakeRpc()
    nothing = result([], cursor=window_end(50), oldestLedger=51)
    rpc.answers = [ok({"id": 1, "result": nothing})]
    page = await fetch(rpc, window_end(50))
    assert page.cursor == window_end(100)
    assert [each["params"].get("startLedger") for each in rpc.requests] == [None, 51]


async def test_a_node_that_does_not_go_on_is_unavailable():
    rpc = FakeRpc()
    nothing = result([], cursor=window_end(50))
    rpc.answers = [ok({"id": number, "result": nothing}) for number in (1, 2)]
    with pytest.raises(RpcUnavailable, match="does not go on"):
        await fetch(rpc, window_end(50))


async def test_a_cursor_beyond_the_nodes_newest_ledger_is_not_followed():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": result([], cursor=window_end(101))})]
    with pytest.raises(RpcUnavailable, match="its cursor beyond"):
        await fetch(rpc, window_end(50))


async def test_events_of_other_contracts_are_no_answer():
    rpc = FakeRpc()
    stranger = "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD2KM"
    rpc.answers = [ok({"id": 1, "result": result([paused(60, contractId=stranger)])})]
    with pytest.raises(RpcUnavailable, match="told of 1 contracts not asked for"):
        await fetch(rpc, window_end(50))


async def test_an_event_with_a_broken_contract_id_spares_its_page():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": result([paused(60), paused(61, contractId="")])})]
    page = await fetch(rpc, window_end(50))
    assert [event.defect is None for event in page.events] == [True, False]


# --- bad weather -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (rpc_error(-32600, "[-32600] db read failed for requested parameter"), "db read failed"),
        (rpc_error(-32001, "[-32001] request exceeded processing limit threshold"), "-32001"),
        (rpc_error(-32003, "[-32003] request failed to process due to internal issue"), "-32003"),
        (rpc_error(-32098, "rpc queue for getEvents surpassed queue limit"), "surpassed"),
        (rpc_error(-32603, "DB is empty"), "DB is empty"),
        (rpc_error(-32603, "odd", {"reason": "object"}), "odd"),
        (ok({"id": None, "error": {"code": -32700, "message": "cut"}}), "cut"),
        (HttpAnswer(503, None, b""), "HTTP 503"),
        (HttpAnswer(504, None, b""), "HTTP 504"),
        (HttpAnswer(500, None, b"http: request body too large"), "HTTP 500"),
        (HttpAnswer(200, None, b"<html>just a moment</html>"), "did not answer in JSON-RPC"),
        (HttpAnswer(200, None, b""), "did not answer in JSON-RPC"),
        (HttpAnswer(200, None, b"\xff\xfe"), "did not answer in JSON-RPC"),
        (HttpAnswer(200, None, b"[" * 100_000), "did not answer in JSON-RPC"),
        (ok({"error": "too many requests"}), "did not answer in JSON-RPC"),
        (ok({"id": 99, "result": result([])}), "answered request 99 instead of 1"),
        (ok({"id": 1}), "neither a result nor an error"),
        (ok({"id": 1, "result": {"events": []}}), "a page that does not read"),
        (RpcUnavailable("fake:8100: ServerDisconnectedError"), "ServerDisconnectedError"),
    ],
)
async def test_weather_that_passes_is_transient(answer, reason):
    rpc = FakeRpc()
    rpc.answers = [answer]
    with pytest.raises(RpcUnavailable, match=reason):
        await fetch(rpc, window_end(50))


async def test_a_rate_limit_says_how_long_to_wait():
    rpc = FakeRpc()
    rpc.answers = [HttpAnswer(429, 17.0, b'{"error":"slow down"}')]
    with pytest.raises(RpcUnavailable) as caught:
        await fetch(rpc, window_end(50))
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (rpc_error(-32602, "limit must not exceed 10000"), -32602),
        (rpc_error(-32602, "invalid parameters", "invalid event id junk"), -32602),
        (rpc_error(-32601, "method not found", "getEvents"), -32601),
        (HttpAnswer(401, None, b""), 401),
        (HttpAnswer(404, None, b""), 404),
        (HttpAnswer(405, None, b""), 405),
        (HttpAnswer(415, None, b""), 415),
        (HttpAnswer(301, None, b""), 301),
    ],
)
async def test_what_the_server_calls_our_fault_needs_a_person(answer, code):
    rpc = FakeRpc()
    rpc.answers = [answer]
    with pytest.raises(RequestRefused) as caught:
        await fetch(rpc, window_end(50))
    assert caught.value.code == code


async def test_a_refusal_tells_what_the_server_said():
    rpc = FakeRpc()
    rpc.answers = [rpc_error(-32602, "invalid parameters", "invalid event id junk")]
    with pytest.raises(RequestRefused, match='invalid parameters "invalid event id junk"'):
        await fetch(rpc, window_end(50))


# --- health and network ----------------------------------------------------------------------------


async def test_health_tells_the_ledgers_there_are():
    assert await RpcEndpoint(FakeRpc(oldest=5, latest=50)).health() == Health(50, 5)


async def test_a_node_that_calls_itself_stale_is_unavailable():
    rpc = FakeRpc()
    rpc.answers = [rpc_error(-32603, "[-32603] latency (31s) since last known ledger closed")]
    with pytest.raises(RpcUnavailable, match="latency"):
        await RpcEndpoint(rpc).health()


async def test_an_odd_health_is_no_health():
    rpc = FakeRpc()
    rpc.answers = [ok({"id": 1, "result": {"status": "healthy"}})]
    with pytest.raises(RpcUnavailable, match="answered getHealth oddly"):
        await RpcEndpoint(rpc).health()


async def test_the_network_is_known_by_its_passphrase():
    endpoint = RpcEndpoint(FakeRpc())
    assert await endpoint.network() == Network(PASSPHRASE, 28)
    await endpoint.check_network(PASSPHRASE)


async def test_another_network_is_refused_loudly():
    with pytest.raises(WrongNetwork, match="Public Global") as caught:
        await RpcEndpoint(FakeRpc()).check_network("Public Global Stellar Network ; September 2015")
    assert caught.value.found == PASSPHRASE


async def test_every_request_has_an_id_of_its_own():
    rpc = FakeRpc()
    endpoint = RpcEndpoint(rpc)
    await endpoint.health()
    await endpoint.health()
    assert [request["id"] for request in rpc.requests] == [1, 2]
    assert json.dumps(rpc.requests[0]["params"]) == "null"
