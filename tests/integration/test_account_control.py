"""Who controls an account, asked of nodes over HTTP: the simulated one, and ones that lie or are away."""

import base64

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.account_entries import entry_of
from simulator.accounts import keypair_for
from simulator.network import running
from simulator.options import SimulatorOptions
from tests.fakes.wallet import person
from wallets.control import Control, RpcControl
from wallets.errors import ChainUnreadable

ANA = person("ana").public_key
AWAY = "http://127.0.0.1:9"  # the discard port: nobody listens


async def node(*entries: bytes, answer: dict | None = None) -> TestServer:
    """A node that answers every question with these entries."""

    async def handle(request: web.Request) -> web.Response:
        asked = await request.json()
        told = [
            {
                "key": asked["params"]["keys"][0],
                "xdr": base64.b64encode(entry).decode(),
                "lastModifiedLedgerSeq": 5,
            }
            for entry in entries
        ]
        result = {"entries": told, "latestLedger": 9}
        return web.json_response(
            {"jsonrpc": "2.0", "id": asked["id"]} | (answer or {"result": result})
        )

    application = web.Application()
    application.router.add_post("/", handle)
    server = TestServer(application)
    await server.start_server()
    return server


async def test_the_simulated_networks_people_control_their_accounts(tmp_path):
    options = SimulatorOptions(
        state_dir=tmp_path, rpc_port=0, web_port=0, smtp_port=0, scenario="quiet"
    )
    with running(options) as network:
        control = RpcControl([AWAY, network.rpc_url])
        employee = keypair_for(options.seed, "employee", 1).public_key
        assert await control.of(employee) == Control(on_network=True, weight=1, medium=0)
        assert await control.of(ANA) == Control(on_network=False, weight=1, medium=0)


@pytest.mark.parametrize(
    ("thresholds", "suffices"),
    [
        ((1, 0, 0, 0), True),
        ((1, 9, 1, 9), True),
        ((255, 0, 255, 0), True),
        ((1, 0, 2, 0), False),
        ((0, 0, 0, 0), False),
    ],
)
async def test_weight_is_held_against_the_medium_threshold(thresholds, suffices):
    server = await node(entry_of(ANA, bytes(thresholds)))
    try:
        assert (await RpcControl([str(server.make_url("/"))]).of(ANA)).suffices is suffices
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("entries", "answer"),
    [
        ((entry_of(person("ben").public_key),), None),
        ((b"\0\0",), None),
        ((), {"error": {"code": -32603, "message": "down"}}),
        ((), {"result": {"entries": "none"}}),
        ((), {"result": {}}),
    ],
    ids=["another account", "no xdr", "error", "wrong shape", "nothing"],
)
async def test_what_a_node_cannot_tell_is_not_believed(entries, answer):
    server = await node(*entries, answer=answer)
    try:
        with pytest.raises(ChainUnreadable, match="no RPC endpoint told") as caught:
            await RpcControl([str(server.make_url("/")), AWAY]).of(ANA)
    finally:
        await server.close()
    assert "http" not in str(caught.value)


async def test_without_endpoints_nobody_can_tell():
    with pytest.raises(ChainUnreadable):
        await RpcControl([]).of(ANA)
