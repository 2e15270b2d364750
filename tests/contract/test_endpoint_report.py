"""Endpoints' figures and disputes as they are kept, on each database."""

import asyncio
import hashlib

import pytest
from sqlalchemy import select

from ingest import pin_keeper
from ingest.dispute import Dispute
from ingest.disputes import rpc_dispute, write_disputes
from ingest.endpoint_report import EndpointReport, reported
from ingest.errors import ForkedChain, RpcUnavailable
from ingest.ledger_head import LedgerHead
from ingest.pin_keeper import PinKeeper
from ingest.pins import ChainIdentity, Pin, store_pin, stored_pins
from store.errors import LeaseLost
from store.lease import Lease
from store.schema import evidence_conflict
from tests.fakes import chain
from tests.fakes.fake_rpc import PASSPHRASE
from tests.fakes.several import Several


@pytest.fixture
def lease(database):
    held = Lease(database, name="index", holder="a", seconds=60)
    held.acquire()
    return held


def rows(database):
    with database.read() as conn:
        return {row.name: row for row in conn.execute(reported())}


def pins(database):
    with database.read() as conn:
        return stored_pins(conn)


async def test_each_endpoint_is_told_and_counters_go_on_with_the_next_leader(database, lease):
    several = Several(a={}, b={"latest": 90})
    await several.fetch()
    await several.pool.look()
    EndpointReport(database, several.pool, lease).write()
    told = rows(database)
    assert [told["a"].place, told["b"].place] == [0, 1]
    assert (told["a"].state, told["a"].answered, told["a"].latest_ledger) == ("closed", 1, 100)
    assert (told["b"].lag_ledgers, told["a"].latency_micros) == (10, 0)

    second = Several(a={})
    second.nodes[0].answers = [RpcUnavailable("down")]
    with pytest.raises(RpcUnavailable):
        await second.fetch()
    report = EndpointReport(database, second.pool, lease)
    report.write()
    report.write()
    told = rows(database)
    assert set(told) == {"a"}
    assert (told["a"].answered, told["a"].failed, told["a"].reason) == (1, 1, "down")


def test_who_lost_the_lease_reports_nothing(database, lease):
    with database.begin() as conn:
        conn.exec_driver_sql("UPDATE lease SET holder = 'thief', epoch = epoch + 1")
    with pytest.raises(LeaseLost):
        EndpointReport(database, Several(a={}).pool, lease).write()
    assert rows(database) == {}


def test_a_dispute_is_kept_once_and_other_bytes_beside_the_evidence(database):
    raw = b"other"
    told = [
        Dispute(chain.event_id(1), "lacks", "a", "b", 7),
        Dispute(chain.event_id(2), "differs", "b", "a", 7, hashlib.sha256(raw).digest(), raw),
    ]
    for _ in range(2):
        with database.begin() as conn:
            write_disputes(conn, told)
    with database.read() as conn:
        kept = conn.execute(select(rpc_dispute).order_by(rpc_dispute.c.event_id)).all()
        (conflict,) = conn.execute(select(evidence_conflict)).all()
    assert [(row.kind, row.endpoint, row.against) for row in kept] == [
        ("lacks", "a", "b"),
        ("differs", "b", "a"),
    ]
    assert (conflict.event_id, bytes(conflict.bytes), conflict.source) == (
        chain.event_id(2),
        raw,
        "b",
    )


def test_a_pinned_ledger_stays_as_it_was_first_known(database, lease):
    for ledger, digest in ((5, "aa"), (9, "bb"), (9, "cc")):
        store_pin(database, lease, LedgerHead(ledger, digest, ledger * 5), "a")
    with database.read() as conn:
        assert stored_pins(conn) == [Pin(9, "bb", 45), Pin(5, "aa", 25)]


async def test_a_ledger_behind_the_newest_is_pinned_by_all_that_tell_it(database, lease):
    several = Several(pins=[], a={}, b={}, c={"latest": 80})
    await several.pool.check_network("")  # the identity knows the name
    assert all(endpoint.proven for endpoint in several.endpoints)
    assert await PinKeeper(database, several.pool, lease).pin() == 88
    assert [endpoint.proven for endpoint in several.endpoints] == [True, True, False]
    with database.read() as conn:
        assert stored_pins(conn) == [Pin(88, several.nodes[0].hash_of(88), chain.GENESIS + 88 * 5)]


def test_of_older_pins_one_an_hour_stays(database, lease):
    for ledger in range(60, 4_000, 60):
        store_pin(database, lease, LedgerHead(ledger, "aa", ledger * 5), "a")
    with database.read() as conn:
        kept = [pin.ledger for pin in stored_pins(conn)]
    assert kept[:13] == list(range(3_960, 3_239, -60))
    assert kept[13:] == [2_880, 2_160, 1_440, 720, 60]


async def test_who_was_switched_to_another_chain_is_not_asked_for_a_pin(database, lease):
    """The height is the same, and so are the close times: only the last pin tells."""
    several = Several(pins=[], a={})
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: pins(database))
    await several.pool.check_network("")
    assert await PinKeeper(database, several.pool, lease).pin() == 88
    several.nodes[0].salt = "fork"
    several.nodes[0].latest += 60
    with pytest.raises(ForkedChain, match="its ledger 88 has the hash"):
        await PinKeeper(database, several.pool, lease).pin()
    assert [pin.ledger for pin in pins(database)] == [88]


async def test_who_is_neither_proven_nor_refuted_tells_no_pin(database, lease):
    """A pin of the chain after a reset would have proven that chain for ever."""
    several = Several(pins=[], a={})
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: pins(database))
    await several.pool.check_network("")
    assert await PinKeeper(database, several.pool, lease).pin() == 88
    several.nodes[0].salt, several.nodes[0].latest = "fork", 70
    with pytest.raises(RpcUnavailable, match="went back to ledger 70"):
        await several.fetch()
    assert await PinKeeper(database, several.pool, lease).pin() is None
    several.nodes[0].latest = 130
    assert await PinKeeper(database, several.pool, lease).pin() is None
    with pytest.raises(ForkedChain, match="its ledger 88 has the hash"):
        await PinKeeper(database, several.pool, lease).pin()
    assert [pin.ledger for pin in pins(database)] == [88]


async def test_who_is_switched_while_it_tells_a_pin_is_not_believed(database, lease, monkeypatch):
    several = Several(pins=[], a={})
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: pins(database))
    await several.pool.check_network("")
    assert await PinKeeper(database, several.pool, lease).pin() == 88
    node, told = several.nodes[0], several.pool.ledger_heads
    node.latest = 160

    async def switched(ledger):
        node.salt = "fork"
        return await told(ledger)

    monkeypatch.setattr(several.pool, "ledger_heads", switched)
    with pytest.raises(ForkedChain, match="its ledger 88 has the hash"):
        await PinKeeper(database, several.pool, lease).pin()
    assert [pin.ledger for pin in pins(database)] == [88]


async def test_all_prove_themselves_again_while_nothing_is_pinned(database, lease, monkeypatch):
    monkeypatch.setattr(pin_keeper, "LOOK_SECONDS", 0.01)
    several = Several(pins=[], a={}, b={})
    several.pool.proof.identity = ChainIdentity(PASSPHRASE, None, lambda: pins(database))
    await several.fetch()
    keeping = asyncio.create_task(PinKeeper(database, several.pool, lease, several.clock).run())
    async with asyncio.timeout(60):
        while not pins(database):  # noqa: ASYNC110 # nothing rings
            await asyncio.sleep(0.01)
        several.nodes[0].salt = "fork"
        while several.endpoints[0].state != "expelled":
            several.now += 60  # each time: a pin is seen before the keeper notes when it was kept
            await asyncio.sleep(0.01)
        assert (await several.fetch()).source == "b"
        several.nodes[1].salt = "fork"
        while not keeping.done():
            several.now += 60
            await asyncio.sleep(0.01)
        with pytest.raises(ForkedChain):
            await keeping


async def test_a_ledger_that_cannot_be_pinned_now_is_pinned_later(database, lease):
    several = Several(a={})
    several.nodes[0].answers = [RpcUnavailable("down")]
    assert await PinKeeper(database, several.pool, lease).pin() is None


async def test_nothing_is_pinned_while_two_endpoints_tell_two_chains(database, lease):
    several = Several(pins=[], a={}, b={})
    several.nodes[1].salt = "fork"
    assert await PinKeeper(database, several.pool, lease).pin() is None
    several.nodes[1].salt = ""
    assert await PinKeeper(database, several.pool, lease).pin() == 88
