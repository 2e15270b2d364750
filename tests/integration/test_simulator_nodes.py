"""Several nodes of one chain: other tips, other windows, other weather; a reset, a fork, a rewind."""

import asyncio
import time

import aiohttp
import pytest

from ingest.errors import RetentionGap, RpcUnavailable
from ingest.rpc import RpcEndpoint
from ingest.transport import HttpTransport
from simulator.faults import Fault, FaultPlan
from simulator.network import SimulatedNetwork
from simulator.options import SimulatorOptions

SECONDS = 10


@pytest.fixture
async def start(tmp_path):
    """start(plan, nodes) -> the network and an RpcEndpoint for each node."""
    running, sessions = [], []

    async def begin(plan=None, *, nodes=2, **changes):
        options = SimulatorOptions(
            state_dir=tmp_path,
            rpc_port=0,
            web_port=0,
            smtp_port=0,
            streams=2,
            scenario="quiet",
            ledger_seconds=0.02,
            faults=plan,
            nodes=nodes,
            **changes,
        )
        network = SimulatedNetwork(options)
        await network.start()
        running.append(network)
        session = aiohttp.ClientSession()
        sessions.append(session)
        return network, [
            RpcEndpoint(HttpTransport(session, url, timeout_seconds=5)) for url in network.rpc_urls
        ]

    yield begin
    for session in sessions:
        await session.close()
    for network in running:
        await network.stop()


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while not (found := await condition()):
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.01)
    return found


async def reached(rpc, ledger):
    async def has_it():
        return (await rpc.health()).latest_ledger >= ledger

    await until(has_it)


async def test_nodes_tell_one_chain_with_tips_and_windows_of_their_own(start):
    plan = FaultPlan(nodes=[FaultPlan(), FaultPlan(tip_behind=3, retention_ledgers=5)])
    network, (whole, small) = await start(plan)
    await reached(small, network.first_ledger + 10)
    late, ahead = await small.health(), await whole.health()
    assert late.latest_ledger <= ahead.latest_ledger - 3
    assert late.latest_ledger - late.oldest_ledger <= 5
    assert ahead.oldest_ledger < late.oldest_ledger
    question = {
        "contracts": [network.contract_id],
        "cursor": None,
        "start_ledger": network.first_ledger,
        "limit": 9,
    }
    assert len((await whole.fetch_page(**question)).events) > 0
    with pytest.raises(RetentionGap):
        await small.fetch_page(**question)


async def test_weather_belongs_to_one_node(start):
    plan = FaultPlan(nodes=[FaultPlan(rates={Fault.UNAVAILABLE: 1.0})])
    _, (stormy, fair) = await start(plan)
    with pytest.raises(RpcUnavailable):
        await stormy.network()
    plain = FaultPlan(nodes=[FaultPlan()])
    assert plain.of_node(0) is plain.nodes[0]
    assert (await fair.network()).protocol_version > 0


async def test_a_node_may_go_back_and_stop(start):
    network, (first, second) = await start()
    await reached(first, network.first_ledger + 8)
    network.nodes[1].stopped_at = network.first_ledger + 2
    assert (await second.health()).latest_ledger == network.first_ledger + 2
    assert (await first.health()).latest_ledger >= network.first_ledger + 8


async def test_after_a_reset_the_same_ledgers_have_other_hashes(start):
    network, (rpc, _) = await start()
    await reached(rpc, network.first_ledger + 20)
    before = network.nodes[0].chain.ledger(network.first_ledger + 1).hash
    network.reset()

    async def went_back():
        return (await rpc.health()).latest_ledger < network.first_ledger + 15

    await until(went_back)
    await reached(rpc, network.first_ledger + 1)
    assert network.nodes[0].chain.ledger(network.first_ledger + 1).hash != before
    assert network.nodes[0].chain is network.nodes[1].chain


async def test_a_forked_node_goes_on_beside_the_others(start):
    network, (rpc, _) = await start()
    await reached(rpc, network.first_ledger + 3)
    network.fork(network.nodes[1])
    trunk = network.nodes[0]

    async def forked():
        return network.nodes[1].chain is not trunk.chain

    await until(forked)
    at = trunk.chain.latest.sequence + 2
    await reached(rpc, at)
    assert network.nodes[1].chain.ledger(at).hash != trunk.chain.ledger(at).hash
