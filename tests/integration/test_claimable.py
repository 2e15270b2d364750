"""What could be claimed at a pause: read while the stream stands still, shown to the API's readers."""

import asyncio

import pytest
from sqlalchemy import select, update
from stellar_sdk import Account, Keypair, SorobanServer, TransactionBuilder, scval, xdr

from ingest.actors.search import search_follower
from ingest.claimable import told, wanted
from ingest.claimable.seek import ClaimableSeeker
from ingest.claimable.tokens import token
from ingest.claimable.wanted import UNKNOWN, WAITING, pause_claimable
from ingest.errors import RpcUnavailable
from ingest.rpc import LedgerEntry
from simulator.calls import Call
from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from tests.fakes import chain, kept
from tests.fakes.chain import CONTRACT, GENESIS
from tests.fakes.served import Served
from tests.integration.test_actors_simulated import indexing, point, until

TOKEN = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"
PAUSES = f"/v1/streams/{CONTRACT}/7/pauses"
PAUSED_LEDGER = 110


def money(status="Paused", **changes):
    fields = {
        "token": scval.to_address(TOKEN),
        "deposit": scval.to_int128(10_000),
        "withdrawn": scval.to_int128(1_000),
        "rate_per_second": scval.to_int128(3),
        "last_withdraw_time": scval.to_uint64(GENESIS + 50 * 5),
        "stop_time": scval.to_uint64(0),
        "cliff_time": scval.to_uint64(0),
    } | changes
    return kept.stream(status, **fields)


class Reading:
    """A paused stream that is followed, and a node that keeps it."""

    def __init__(self, database):
        self.served = Served(database)
        self.served.tell(chain.created(100), chain.paused(PAUSED_LEDGER))
        self.node = kept.Node(latest_ledger=120)
        self.node.put_instance()
        self.database = database
        self.seeker = ClaimableSeeker(
            database, rpc=self.node, profiles={CONTRACT: kept.PAYSTREAM}, poll_seconds=0.001
        )

    def keep(self, value, changed=PAUSED_LEDGER):
        self.node.put_stream(7, value, changed=changed)

    async def step(self):
        search_follower(self.database, also=wanted.note).step()
        return await self.seeker.step()

    def row(self):
        with self.database.read() as conn:
            return conn.execute(select(pause_claimable)).one()

    async def shown(self, path=PAUSES):
        (pause,) = (await self.served.ask(path)).json()["items"]
        return pause["claimable_at_pause"], pause["token"]


@pytest.fixture
def reading(database):
    return Reading(database)


async def test_what_could_be_claimed_is_read_and_shown(reading):
    assert await reading.shown() == (None, None)
    reading.keep(money())
    assert await reading.step() == 2  # the pause, and its token
    expected = (str(3 * (PAUSED_LEDGER - 50) * 5), TOKEN)
    assert await reading.shown() == expected
    assert await reading.shown(f"{PAUSES}?as_of_ledger=115") == expected
    await asyncio.sleep(0.01)
    asked = len(reading.node.asked)
    assert await reading.step() == 1  # the token, which this node does not have
    assert len(reading.node.asked) == asked + 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deposit": scval.to_int128(1_500)}, 500),
        ({"deposit": scval.to_int128(500)}, 0),
        ({"stop_time": scval.to_uint64(GENESIS + 60 * 5)}, 150),
        ({"cliff_time": scval.to_uint64(GENESIS + 111 * 5)}, 0),
        ({"last_withdraw_time": scval.to_uint64(2**64 - 1)}, 0),
        ({"rate_per_second": scval.to_int128(2**126)}, 9_000),
    ],
)
async def test_deposit_end_and_cliff_bound_it(reading, changes, expected):
    reading.keep(money(**changes))
    await reading.step()
    assert (await reading.shown())[0] == str(expected)


@pytest.mark.parametrize(
    ("value", "changed", "reason"),
    [
        (money(), PAUSED_LEDGER + 1, "the stream was changed since, in 111"),
        (money("Active"), PAUSED_LEDGER, "the stream was paused no more"),
        (money(deposit=scval.to_void()), PAUSED_LEDGER, "deposit is a void, not a i128"),
        (kept.stream("Paused"), PAUSED_LEDGER, "no token"),
        (b"\0\0\0\6", PAUSED_LEDGER, "entry of another key"),
    ],
)
async def test_what_cannot_be_known_is_not_guessed(reading, value, changed, reason):
    reading.keep(value, changed)
    await reading.step()
    row = reading.row()
    assert row.state == UNKNOWN
    assert reason in row.reason
    assert await reading.shown() == (None, None)


async def test_a_node_that_is_behind_or_away_is_asked_again(reading):
    reading.keep(money("Active"), changed=100)
    await reading.step()
    assert (reading.row().state, reading.row().tries) == (WAITING, 1)
    reading.node.errors.append(RpcUnavailable("away"))
    await asyncio.sleep(0.01)
    await reading.step()
    assert (reading.row().reason, reading.row().tries) == ("away", 2)
    reading.keep(money())
    await asyncio.sleep(0.02)
    await reading.step()
    assert (await reading.shown())[1] == TOKEN


async def test_what_never_comes_is_given_up_with_the_reason(reading):
    await reading.step()
    while reading.row().state == WAITING:
        await reading.step()
    assert (reading.row().state, reading.row().reason) == (
        UNKNOWN,
        "the node does not have the pause yet",
    )


async def test_a_contract_that_tells_nothing_of_pay_is_not_asked(reading):
    reading.seeker = ClaimableSeeker(
        reading.database, rpc=reading.node, profiles={}, poll_seconds=0.001
    )
    await reading.step()
    assert reading.row().state == UNKNOWN
    assert reading.node.asked == []


def put_token(node, symbol="USDC"):
    told = {
        "decimal": scval.to_uint32(7),
        "name": scval.to_string("a token"),
        "symbol": scval.to_string(symbol),
    }
    storage = xdr.SCMap([xdr.SCMapEntry(scval.to_symbol("METADATA"), scval.to_struct(told))])
    asset = xdr.ContractExecutableType.CONTRACT_EXECUTABLE_STELLAR_ASSET
    instance = xdr.SCContractInstance(xdr.ContractExecutable(asset), storage)
    value = xdr.SCVal(xdr.SCValType.SCV_CONTRACT_INSTANCE, instance=instance)
    place = kept.ledger_key(kept.INSTANCE, TOKEN)
    node.entries[place] = LedgerEntry(kept.entry_xdr(kept.INSTANCE, value), 1, None, place)


async def test_what_was_earned_is_handed_over_once_planning_has_passed_the_pause(reading):
    reading.keep(money())
    put_token(reading.node)
    await reading.step()
    with reading.database.read() as conn:
        assert told.untold(conn, 1) == []
        (found,) = told.untold(conn, 2)
    amount = 3 * (PAUSED_LEDGER - 50) * 5
    assert found[1:] == (amount, 1_000, "USDC", 7)
    with reading.database.begin() as conn:
        told.handed_over(conn, [found.event_id])
        assert told.untold(conn, 2) == []


async def test_of_a_token_that_calls_itself_anything_no_amount_is_told(reading):
    reading.keep(money())
    put_token(reading.node, "see evil.example")
    await reading.step()
    with reading.database.read() as conn:
        assert "no asset code" in conn.execute(select(token)).one().reason
        assert [each.symbol for each in told.untold(conn, 2)] == [None]


async def test_a_token_that_no_node_has_is_given_up_with_the_reason(reading):
    reading.keep(money())
    await reading.step()
    with reading.database.begin() as conn:
        conn.execute(update(token).values(tries=7, due_at=0))
    await reading.step()
    with reading.database.read() as conn:
        row = conn.execute(select(token)).one()
    assert (row.state, row.reason) == (UNKNOWN, "the node has no such contract")


async def test_a_node_that_is_away_is_asked_for_the_token_again(reading):
    reading.keep(money())
    await reading.step()
    with reading.database.begin() as conn:
        conn.execute(update(token).values(due_at=0))
    reading.node.errors.append(RpcUnavailable("away"))
    await reading.step()
    put_token(reading.node)
    with reading.database.begin() as conn:
        row = conn.execute(select(token)).one()
        assert (row.state, row.reason, row.tries) == (WAITING, "away", 2)
        conn.execute(update(token).values(due_at=0))
    await reading.step()
    with reading.database.read() as conn:
        assert conn.execute(select(token)).one()[-2:] == ("USDC", 7)


def test_it_is_what_the_contract_says(monkeypatch, tmp_path, sqlite_url, sqlite_database):
    options = SimulatorOptions(
        state_dir=tmp_path,
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="quiet",
        streams=3,
        ledger_seconds=0.2,
    )
    with running(options) as network:
        until(lambda: len(read_truth(network.truth_path)) >= options.streams)
        point(monkeypatch, network, sqlite_url)
        with indexing(sqlite_database):
            for number in (1, 2):
                network.submit(Call("pause_stream", (network.cast.employer_of(number - 1), number)))

            def read():
                with sqlite_database.read() as conn:
                    rows = conn.execute(select(pause_claimable)).all()
                return [row for row in rows if row.state == "read"]

            def called():
                with sqlite_database.read() as conn:
                    return conn.execute(select(token.c.symbol, token.c.decimals)).all()

            until(lambda: len(read()) == 2)
            until(lambda: called() == [("USDC", 7)])
        with SorobanServer(network.rpc_url) as server:
            for row in read():
                asked = (scval.to_uint64(row.stream_id), scval.to_uint64(row.closed_at))
                assert row.claimable == viewed(server, network, "claimable_at", *asked)
                assert row.token == network.cast.token_id


def viewed(server, network, function, *arguments):
    """What a view of the contract returns."""
    envelope = (
        TransactionBuilder(Account(Keypair.random().public_key, 1), network.options.passphrase)
        .append_invoke_contract_function_op(network.contract_id, function, list(arguments))
        .set_timeout(30)
        .build()
    )
    return scval.to_native(server.simulate_transaction(envelope).results[0].xdr)
