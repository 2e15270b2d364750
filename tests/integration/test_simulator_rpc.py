"""The simulated RPC over real HTTP: what a client meets on the wire."""

import asyncio
import io
import json
import struct
import time

import aiohttp
import pytest
from aiohttp import web
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder

from simulator import scval
from simulator.calls import Call
from simulator.chain import FIRST_LEDGER, Chain
from simulator.faults import Fault, FaultPlan
from simulator.ledger import event_id, window_end
from simulator.node import Node as SimulatedNode
from simulator.rpc_methods import Methods
from simulator.rpc_server import MAX_BODY_BYTES, rpc_application
from simulator.scenario import build

SOURCE = Account(Keypair.from_raw_ed25519_seed(bytes(32)).public_key, 1)
A_PAYMENT = (
    TransactionBuilder(SOURCE, "test")
    .append_payment_op(SOURCE.account.account_id, Asset.native(), "1")
    .set_timeout(30)
    .build()
    .to_xdr()
)
NO_OPERATION = scval.text(struct.pack(">I", 2) + bytes(68))


class Node:
    """One RPC node over a chain that stands still."""

    def __init__(self, session, url, chain):
        self.session = session
        self.url = url
        self.chain = chain

    async def post(self, body, **headers):
        """Status, headers and body of one HTTP request; `body` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        async with self.session.post(self.url, data=io.BytesIO(data), headers=sent) as response:
            return response.status, response.headers, await response.read()

    async def call(self, method, params=None, call_id=1):
        """The JSON-RPC answer to one call."""
        request = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}
        status, _, body = await self.post(request)
        assert status == 200
        return json.loads(body)


@pytest.fixture
async def start_node():
    """start(plan) -> Node."""
    runners, sessions, chains = [], [], []

    async def start(plan=None, *, scenario="quiet", events=8, retention_ledgers=1_000, **options):
        at = options.pop("at", int(time.time()) - 500)
        chain = Chain(
            seed=1, streams=8, passphrase="test", genesis_at=at, retention_ledgers=retention_ledgers
        )
        build(chain, scenario=scenario, seed=1, events=events, closed_at=at)
        chain.close_ledger([], at if "frozen" in options else int(time.time()))
        node = SimulatedNode(chain, plan or FaultPlan())
        methods = Methods(node, passphrase="test", max_page=10_000)
        runner = web.AppRunner(rpc_application(methods, node.weather), shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        runners.append(runner)
        sessions.append(session)
        chains.append(chain)
        return Node(session, f"http://127.0.0.1:{runner.addresses[0][1]}/", chain)

    yield start
    for session in sessions:
        await session.close()
    for runner in runners:
        await runner.cleanup()


async def test_health_network_version_and_latest_ledger(start_node):
    node = await start_node()
    latest = node.chain.latest
    health = (await node.call("getHealth"))["result"]
    assert health == {
        "status": "healthy",
        "latestLedger": latest.sequence,
        "latestLedgerCloseTime": latest.closed_at,
        "oldestLedger": node.chain.oldest.sequence,
        "oldestLedgerCloseTime": node.chain.oldest.closed_at,
        "ledgerRetentionWindow": 1_000,
    }
    assert (await node.call("getNetwork"))["result"] == {
        "passphrase": "test",
        "protocolVersion": 28,
    }
    assert (await node.call("getVersionInfo"))["result"]["version"].startswith("28.")
    answer = (await node.call("getLatestLedger"))["result"]
    assert (answer["id"], answer["sequence"]) == (latest.hash, latest.sequence)
    assert answer["closeTime"] == str(latest.closed_at)


async def test_a_tip_older_than_thirty_seconds_is_unhealthy(start_node):
    node = await start_node(at=1_700_000_000, frozen=True)
    error = (await node.call("getHealth"))["error"]
    assert error["code"] == -32603
    assert error["message"].startswith("[-32603] latency (")
    assert error["message"].endswith("since last known ledger closed is too high (>30s)")


@pytest.mark.parametrize("call_id", [1, 0, "9f0c", 1.5])
async def test_the_id_comes_back_as_it_was(start_node, call_id):
    node = await start_node()
    assert (await node.call("getNetwork", call_id=call_id))["id"] == call_id


async def test_nulls_and_unknown_parameters_are_as_absent(start_node):
    node = await start_node()
    params = {
        "startLedger": FIRST_LEDGER,
        "endLedger": None,
        "filters": None,
        "pagination": {"cursor": None, "limit": None},
        "novelty": 5,
    }
    assert len((await node.call("getEvents", params))["result"]["events"]) == 16


@pytest.mark.parametrize(
    ("request_body", "code", "message"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "getFoo"}, -32601, "method not found"),
        ({"id": 1, "method": "getHealth"}, -32600, "invalid version marker"),
        ({"jsonrpc": "2.0", "id": {}, "method": "getHealth"}, -32600, "invalid request ID"),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32700, "invalid method name"),
        ({"jsonrpc": "2.0", "id": 1}, -32600, "empty method name"),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "getHealth", "params": 5},
            -32600,
            "parameters must be array or object",
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "getEvents", "params": [5]},
            -32602,
            "invalid parameters",
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "getHealth", "extra": 5},
            -32600,
            "extra fields in request",
        ),
        (5, -32700, "request is not a JSON object"),
    ],
)
async def test_what_is_not_a_proper_call(start_node, request_body, code, message):
    node = await start_node()
    status, _, body = await node.post(request_body)
    error = json.loads(body)["error"]
    assert (status, error["code"], error["message"]) == (200, code, message)


async def test_a_batch_is_answered_in_order_and_notifications_not_at_all(start_node):
    node = await start_node()
    calls = [{"jsonrpc": "2.0", "id": n, "method": "getNetwork"} for n in (3, 1)]
    notification = {"jsonrpc": "2.0", "method": "getNetwork"}
    _, _, body = await node.post([calls[0], notification, calls[1]])
    assert [answer["id"] for answer in json.loads(body)] == [3, 1]
    _, _, body = await node.post([calls[0]])
    assert json.loads(body)["id"] == 3
    status, _, body = await node.post([notification, {**notification, "method": "getFoo"}])
    assert (status, body) == (204, b"")


async def test_only_posted_json_of_bounded_size_is_read(start_node):
    node = await start_node()
    async with node.session.get(node.url) as response:
        assert response.status == 405
    async with node.session.options(node.url) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert (await node.post({}, **{"Content-Type": "text/plain"}))[0] == 415
    assert (await node.post(b"{"))[0] == 500
    assert (await node.post([]))[0] == 500
    for size in (MAX_BODY_BYTES + 1, 3 * MAX_BODY_BYTES):
        status, _, body = await node.post(b" " * size)
        assert (status, body) == (500, b"http: request body too large\n")


async def test_paging_over_http_gives_every_event_once(start_node):
    node = await start_node(scenario="burst", events=1_500)
    params = {"startLedger": FIRST_LEDGER, "pagination": {"limit": 400}}
    wire = []
    while True:
        result = (await node.call("getEvents", params))["result"]
        wire += result["events"]
        if len(result["events"]) < 400:
            break
        params = {"pagination": {"limit": 400, "cursor": result["cursor"]}}
    assert wire == [json.loads(event.wire) for event in node.chain.events]
    latest = node.chain.latest
    assert result["cursor"] == window_end(latest.sequence)
    assert result["latestLedger"] == latest.sequence
    assert result["latestLedgerCloseTime"] == str(latest.closed_at)
    assert result["oldestLedgerCloseTime"] == str(node.chain.oldest.closed_at)


async def fetch(node):
    return await node.post(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "getEvents",
            "params": {"startLedger": FIRST_LEDGER},
        }
    )


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.UNAVAILABLE, 503), (Fault.GATEWAY_TIMEOUT, 504), (Fault.RATE_LIMITED, 429)],
)
async def test_bad_weather_by_status(start_node, fault, status):
    node = await start_node(FaultPlan(rates={fault: 1.0}, retry_after_seconds=7))
    got, headers, body = await fetch(node)
    assert got == status
    assert headers.get("Retry-After") == ("7" if fault is Fault.RATE_LIMITED else None)
    assert bool(body) == (fault is Fault.RATE_LIMITED)


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (Fault.PROCESSING_LIMIT, -32001, "[-32001] request exceeded processing limit threshold"),
        (Fault.DATABASE, -32600, "db read failed for requested parameter"),
        (
            Fault.QUEUE_FULL,
            -32098,
            "rpc queue for getEvents surpassed queue limit of 1000 requests",
        ),
    ],
)
async def test_bad_weather_as_json_rpc_errors(start_node, fault, code, message):
    node = await start_node(FaultPlan(rates={fault: 1.0}))
    status, _, body = await fetch(node)
    assert (status, json.loads(body)["error"]) == (200, {"code": code, "message": message})


async def test_a_gateway_may_answer_with_a_page(start_node):
    node = await start_node(FaultPlan(rates={Fault.HTML: 1.0}))
    status, headers, body = await fetch(node)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.startswith(b"<!doctype html>")


async def test_a_connection_may_be_cut(start_node):
    node = await start_node(FaultPlan(rates={Fault.CUT: 1.0}))
    with pytest.raises(aiohttp.ClientError):
        await fetch(node)


async def test_a_lagging_node_knows_less(start_node):
    node = await start_node(FaultPlan(rates={Fault.LAG: 1.0}, lag_ledgers=1))
    latest = node.chain.latest.sequence
    assert json.loads((await fetch(node))[2])["result"]["latestLedger"] == latest - 1
    params = {"pagination": {"cursor": window_end(latest)}}
    error = (await node.call("getEvents", params))["error"]
    assert error["code"] == -32600
    assert error["message"].endswith(f" - {latest - 1}")


async def test_hidden_events_are_missing_and_nothing_else_tells(start_node):
    fine = await start_node(scenario="burst", events=300)
    cloudy = await start_node(FaultPlan(hidden_events=0.1), scenario="burst", events=300)
    everything, shown = [
        json.loads((await node.post(_whole()))[2])["result"] for node in (fine, cloudy)
    ]
    assert 0.8 < len(shown["events"]) / len(everything["events"]) < 0.99
    assert shown["cursor"] == everything["cursor"]


def _whole():
    params = {"startLedger": FIRST_LEDGER, "pagination": {"limit": 10_000}}
    return {"jsonrpc": "2.0", "id": 1, "method": "getEvents", "params": params}


async def test_below_retention_a_node_says_so_unless_it_is_one_that_does_not(start_node):
    old = {"pagination": {"cursor": event_id(FIRST_LEDGER, 1, 0, 0)}}
    node = await start_node(events=8, retention_ledgers=1)
    assert (await node.call("getEvents", old))["error"]["code"] == -32600
    silent = await start_node(FaultPlan(empty_below_retention=True), retention_ledgers=1)
    result = (await silent.call("getEvents", old))["result"]
    assert (result["events"], result["cursor"]) == ([], old["pagination"]["cursor"])
    young = {"pagination": {"cursor": window_end(silent.chain.latest.sequence)}}
    assert (await silent.call("getEvents", young))["result"]["events"] == []


async def test_requests_in_parallel_are_all_answered(start_node):
    node = await start_node()
    answers = await asyncio.gather(*(node.call("getNetwork", call_id=n) for n in range(50)))
    assert [answer["id"] for answer in answers] == list(range(50))


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("getLedgerEntries", {"keys": ["AAAA"]}, "cannot unmarshal key value AAAA at index 0"),
        ("getLedgerEntries", {"keys": [5]}, "cannot unmarshal key value 5 at index 0"),
        ("getTransaction", {}, "unexpected hash length (0)"),
        ("simulateTransaction", {"transaction": "AAAA"}, "Could not unmarshal transaction"),
        (
            "simulateTransaction",
            {"transaction": NO_OPERATION},
            "Transaction contains more than one operation",
        ),
        (
            "simulateTransaction",
            {"transaction": A_PAYMENT},
            "Transaction contains unsupported operation type",
        ),
    ],
)
async def test_what_the_contracts_methods_cannot_read(start_node, method, params, words):
    node = await start_node()
    error = (await node.call(method, params))["error"]
    assert error == {"code": -32602, "message": words}


async def test_a_refused_transaction_is_found_as_failed(start_node):
    node = await start_node()
    cast = node.chain.cast
    calls = [Call("resume_stream", (cast.employers[0], 1))]
    ledger = node.chain.close_ledger([calls], node.chain.latest.closed_at)
    answer = await node.call("getTransaction", {"hash": ledger.transactions[0].hash})
    assert answer["result"]["status"] == "FAILED"
    assert answer["result"]["events"] == {"contractEventsXdr": []}


async def test_a_lagging_node_has_not_seen_the_newest_transaction(start_node):
    node = await start_node(FaultPlan(rates={Fault.LAG: 1.0}, lag_ledgers=1))
    calls = [Call("pause_stream", (node.chain.cast.employers[0], 1))]
    ledger = node.chain.close_ledger([calls], node.chain.latest.closed_at)
    question = {"hash": ledger.transactions[0].hash}
    assert (await node.call("getTransaction", question))["result"]["status"] == "NOT_FOUND"
    node.chain.close_ledger([], node.chain.latest.closed_at)
    assert (await node.call("getTransaction", question))["result"]["status"] == "SUCCESS"
