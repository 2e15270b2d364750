"""The simulated network, read page by page over HTTP: every event, in order, none misunderstood."""

import json
from collections import Counter

import aiohttp
import pytest

from ingest.endpoint import Endpoint
from ingest.endpoints import EndpointPool
from ingest.errors import RetentionGap, WrongNetwork
from ingest.metered import MeteredTransport
from ingest.profiles.loader import load_profile
from ingest.rpc import caught_up
from ingest.translate import Applied, Ignored, translate
from ingest.transport import HttpTransport
from simulator.network import SimulatedNetwork
from simulator.options import SimulatorOptions

EVENTS = 600
KINDS = {
    "ContractPauseSet": {"contract_paused", "contract_resumed"},
    "ContractUpgraded": {"upgraded"},
    "StreamPaused": {"paused"},
    "StreamResumed": {"resumed"},
    "StreamCreated": {"created"},
    "StreamCancelled": {"cancelled"},
}


@pytest.fixture
async def network(tmp_path):
    options = SimulatorOptions(
        state_dir=tmp_path,
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="burst",
        events=EVENTS,
        ledger_seconds=0.01,
    )
    simulated = SimulatedNetwork(options)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def rpc(network):
    async with aiohttp.ClientSession() as session:
        transport = HttpTransport(session, network.rpc_url, timeout_seconds=10)
        yield EndpointPool([Endpoint.of(MeteredTransport(transport))])


async def read_all(rpc, network):
    """All events of the contract, by small pages, until all of the burst is there."""
    events, cursor = [], None
    while True:
        page = await rpc.fetch_page(
            contracts=[network.contract_id],
            cursor=cursor,
            start_ledger=network.first_ledger,
            limit=97,
        )
        events += page.events
        cursor = page.cursor
        if caught_up(page, 97) and len(events) >= EVENTS:
            return events


async def test_every_event_of_a_burst_is_read_once_in_order_and_understood(rpc, network):
    await rpc.check_network(network.options.passphrase)
    events = await read_all(rpc, network)
    truth = [json.loads(line) for line in network.truth_path.read_text("utf-8").splitlines()]
    assert [event.event_id for event in events] == [line["event_id"] for line in truth]
    assert [event.closed_at for event in events] == [line["closed_at"] for line in truth]
    assert [event.tx_hash for event in events] == [line["tx_hash"] for line in truth]
    profile, understood = load_profile("paystream"), Counter()
    for event, line in zip(events, truth, strict=True):
        found = translate(profile, event)
        assert isinstance(found, Applied | Ignored), found
        if isinstance(found, Applied):
            kind = type(found.fact).__name__
            understood[kind] += 1
            assert line["kind"] in KINDS.get(kind, {line["kind"]})
            stream_id = getattr(found.fact, "stream_id", None)
            assert line["stream_id"] == (None if stream_id is None else str(stream_id))
    assert understood["StreamPaused"] > EVENTS / 5
    assert understood["ContractPauseSet"] > 0


async def test_the_simulators_edges_are_named_as_what_they_are(rpc, network):
    assert (await rpc.health()).latest_ledger >= network.first_ledger
    with pytest.raises(RetentionGap):
        await rpc.fetch_page(contracts=[network.contract_id], cursor=None, start_ledger=1, limit=10)
    with pytest.raises(WrongNetwork):
        await rpc.check_network("Public Global Stellar Network ; September 2015")
