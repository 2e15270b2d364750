"""getTransaction: a transaction is believed under its own hash, and looked for where it may still be."""

import base64

import pytest

from ingest.endpoint import Endpoint
from ingest.endpoints import EndpointPool
from ingest.errors import NodeBehind, RequestRefused, RetentionGap, RpcUnavailable
from ingest.metered import MeteredTransport
from ingest.rpc import RpcEndpoint
from ingest.transaction import is_envelope_of
from tests.fakes import chain
from tests.fakes.fake_rpc import FakeRpc, ok, rpc_error
from tests.fakes.indexer import NETWORK
from tests.unit.ingest.test_actors import pause_of, transaction

RAW, HASH = transaction(pause_of(chain.EMPLOYER))
OTHER, OTHER_HASH = transaction(pause_of(chain.OTHER))


def told(envelope=RAW, *, status="SUCCESS", oldest=1, latest=100):
    found = {"status": status, "latestLedger": latest, "oldestLedger": oldest}
    if envelope is not None:
        found["envelopeXdr"] = base64.b64encode(envelope).decode()
    return ok({"jsonrpc": "2.0", "id": 1, "result": found})


def node(*answers):
    rpc = FakeRpc()
    rpc.answers = list(answers)
    return rpc


def pool(*nodes):
    return EndpointPool([Endpoint.of(MeteredTransport(rpc)) for rpc in nodes])


async def ask(rpc, ledger=50):
    return await rpc.transaction(HASH, ledger=ledger, network=NETWORK)


async def test_the_envelope_comes_as_it_is():
    rpc = node(told())
    assert await ask(RpcEndpoint(rpc)) == RAW
    (request,) = rpc.requests
    assert (request["method"], request["params"]) == ("getTransaction", {"hash": HASH})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (told(None, status="NOT_FOUND", oldest=51), RetentionGap),
        (told(None, status="NOT_FOUND", latest=49), NodeBehind),
        (told(None, status="NOT_FOUND"), RpcUnavailable),
        (told(status="FAILED"), RpcUnavailable),
        (told(OTHER), RpcUnavailable),
        (told(RAW[:-4]), RpcUnavailable),
        (told(b""), RpcUnavailable),
        (ok({"jsonrpc": "2.0", "id": 1, "result": {"status": 5}}), RpcUnavailable),
        (ok({"jsonrpc": "2.0", "id": 1, "result": "no"}), RpcUnavailable),
    ],
)
async def test_what_is_not_that_transaction_is_not_believed(answer, error):
    with pytest.raises(error):
        await ask(RpcEndpoint(node(answer)))


async def test_another_endpoint_may_still_have_it_or_tell_the_truth():
    liar, forgetful, honest = (
        node(told(OTHER)),
        node(told(None, status="NOT_FOUND", oldest=90)),
        node(told()),
    )
    assert await ask(pool(liar, forgetful, honest)) == RAW


async def test_gone_everywhere_is_gone():
    nodes = [node(told(None, status="NOT_FOUND", oldest=oldest)) for oldest in (90, 60)]
    with pytest.raises(RetentionGap) as gone:
        await ask(pool(*nodes))
    assert gone.value.oldest_ledger == 60


async def test_one_that_does_not_tell_transactions_is_good_for_events_all_the_same():
    refuses = rpc_error(-32601, "method not found")
    rpc = node(*(refuses for _ in range(20)))
    endpoints = pool(rpc)
    for _ in range(20):
        rpc.requests.clear()
        with pytest.raises((RequestRefused, RpcUnavailable)):
            await ask(endpoints)
    (endpoint,) = endpoints.endpoints
    assert (endpoint.state, endpoint.failures) == ("closed", 0)
    assert (await endpoints.health()).latest_ledger == 100


async def test_trouble_that_may_pass_is_waited_for_before_a_gap_is_believed():
    gone = node(told(None, status="NOT_FOUND", oldest=90))
    with pytest.raises(RpcUnavailable):
        await ask(pool(gone, node(told(OTHER))))


def test_a_transaction_has_one_hash_on_one_network():
    assert is_envelope_of(RAW, HASH, NETWORK)
    assert not is_envelope_of(RAW, OTHER_HASH, NETWORK)
    assert not is_envelope_of(RAW, HASH, "00" * 32)
    assert not is_envelope_of(RAW + bytes(2 * 1024 * 1024), HASH, NETWORK)
