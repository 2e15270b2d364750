"""Which chain an endpoint follows: proven by ledgers whose hashes are known."""

import pytest

from ingest.cursors import window_end
from ingest.endpoint import BACKWARDS_LEDGERS
from ingest.errors import ForkedChain, NodeBehind, RpcUnavailable
from ingest.pins import ChainIdentity, Pin
from tests.fakes import chain
from tests.fakes.fake_rpc import PASSPHRASE, ok, rpc_error
from tests.fakes.several import Several


def pin_of(node, ledger):
    return Pin(ledger, node.hash_of(ledger), chain.GENESIS + ledger * 5)


async def test_who_has_another_hash_for_a_pinned_ledger_is_expelled():
    several = Several(pins=[], a={}, b={})
    several.pool.proof.identity = ChainIdentity(
        PASSPHRASE, None, lambda: [pin_of(several.nodes[1], 90), pin_of(several.nodes[1], 40)]
    )
    several.nodes[0].salt = "fork"
    await several.pool.check_network(PASSPHRASE)
    assert (await several.fetch()).source == "b"
    assert "its ledger 90 has the hash" in several.endpoints[0].reason


async def test_the_newest_pin_that_an_endpoint_still_has_is_asked_for():
    several = Several(pins=[], a={"latest": 60})
    several.pool.proof.identity = ChainIdentity(
        PASSPHRASE,
        None,
        lambda: [pin_of(several.nodes[0], 90), Pin(50, "0" * 64), pin_of(several.nodes[0], 40)],
    )
    with pytest.raises(ForkedChain, match="its ledger 50 has"):
        await several.pool.check_network(PASSPHRASE)


async def test_a_reset_network_is_known_before_it_reaches_the_pinned_ledger():
    several = Several(pins=[], a={"latest": 30})
    pin = pin_of(several.nodes[0], 90)
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: [pin])
    await several.pool.check_network(PASSPHRASE)
    several.nodes[0].late_seconds = 3600
    with pytest.raises(ForkedChain, match="ledger 30 closed after ledger 90, which we have passed"):
        await several.pool.check_network(PASSPHRASE)


async def test_the_operators_pin_decides_alone_where_it_can_be_seen():
    several = Several(pins=[Pin(90, "0" * 64, 1)], a={})
    given = Pin(70, several.nodes[0].hash_of(70))
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, given, lambda: [Pin(90, "0" * 64, 1)])
    await several.pool.check_network(PASSPHRASE)
    several.nodes[0].oldest = 80
    with pytest.raises(ForkedChain):
        await several.pool.check_network(PASSPHRASE)


async def test_where_no_pin_can_be_seen_the_name_has_to_do():
    several = Several(pins=[Pin(40, "0" * 64, 1)], a={"oldest": 80})
    await several.pool.check_network(PASSPHRASE)


@pytest.mark.parametrize("window", [{"oldest": 95}, {"latest": 80}])
async def test_who_told_another_chain_comes_back_by_a_proof_alone(window):
    several = Several(pins=[], a={}, b={})
    forked, true = several.nodes
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: [pin_of(true, 90)])
    forked.salt = "fork"
    await several.pool.check_network(PASSPHRASE)
    for name, ledger in window.items():
        setattr(forked, name, ledger)
    several.now += 3600
    await several.pool.look()
    assert several.endpoints[0].state == "expelled"
    forked.salt, forked.oldest, forked.latest = true.salt, 1, 100
    several.now += 3600
    await several.pool.look()
    assert several.endpoints[0].state == "closed"


async def test_a_pin_below_the_window_is_asked_for_where_a_data_store_has_it():
    several = Several(pins=[], a={"oldest": 80})
    node = several.nodes[0]
    node.ledgers_from = 1
    wrong, right = Pin(40, "0" * 64, 1), pin_of(node, 40)
    for pin in (right, wrong):
        several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda pin=pin: [pin])
        if pin is right:
            await several.pool.check_network(PASSPHRASE)
        else:
            with pytest.raises(ForkedChain, match="its ledger 40 has"):
                await several.pool.check_network(PASSPHRASE)


async def test_a_window_that_moves_on_while_a_pin_is_asked_for_is_no_gap():
    several = Several(pins=[Pin(40, "0" * 64, 1)], a={"oldest": 40})
    several.nodes[0].answers = [
        ok({"id": 1, "result": {"passphrase": PASSPHRASE, "protocolVersion": 28}}),
        ok({"id": 2, "result": {"latestLedger": 100, "oldestLedger": 40}}),
        rpc_error(
            -32600,
            "start ledger (40) must be between the oldest ledger: 41 and the latest ledger: 100"
            " for this rpc instance",
            request_id=3,
        ),
    ]
    with pytest.raises(RpcUnavailable, match="could not prove its chain"):
        await several.fetch()


async def test_a_node_whose_ledgers_go_far_back_proves_its_chain_anew():
    several = Several(pins=[], a={})
    pins = [pin_of(several.nodes[0], 90)]
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: pins)
    await several.pool.check_network(PASSPHRASE)
    await several.fetch(window_end(99))
    several.nodes[0].latest = 100 - BACKWARDS_LEDGERS - 1
    several.nodes[0].late_seconds = 3600
    with pytest.raises(NodeBehind):
        await several.fetch(window_end(99))
    with pytest.raises(ForkedChain):
        await several.fetch(window_end(99))
