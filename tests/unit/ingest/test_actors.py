"""Looking up who paused: once, off the path of alerts, and never at the price of the following."""

import asyncio
import hashlib

import msgspec
import pytest
from sqlalchemy import select

from domain.chain_order import FactJudged
from domain.facts import StreamActorNamed
from ingest.actors.envelope import Authorized, Call, Invocation
from ingest.actors.search import NAMED, UNKNOWN, actor_search, search_states
from ingest.actors.who import Found, actors_of
from ingest.errors import RequestRefused, RpcUnavailable
from ingest.write_queue import WriteQueue
from simulator.calls import BY_ENTRY
from simulator.calls import Call as Submitted
from simulator.envelope import envelope_xdr, transaction_hash
from store.schema import evidence
from tests.fakes import chain
from tests.fakes.indexer import NETWORK, Indexer
from tests.fakes.pages import KnownTranslations, page
from tests.fakes.scripted_rpc import ScriptedRpc

ROUTER = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
OTHER_CONTRACT = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"


def envelope(*calls):
    return envelope_xdr(
        calls, contract_id=chain.CONTRACT, router_id=ROUTER, relayer=chain.OTHER, sequence_number=1
    )


def transaction(*calls):
    """An envelope and its hash."""
    raw = envelope(*calls)
    return raw, transaction_hash(bytes.fromhex(NETWORK), raw)


def pause_of(caller, stream_id=7, signed=BY_ENTRY):
    return Submitted("pause_stream", (caller, stream_id), signed)


class Story:
    """Facts on a scripted chain, and the transactions that its RPC has."""

    def __init__(self, database, *facts):
        known = KnownTranslations()
        self.rpc = ScriptedRpc([page(known.events(*facts))])
        self.indexer = Indexer(database, self.rpc, known=known)
        self.database = database

    async def run(self, *, until):
        """Follow until a condition on the table of lookups holds."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.indexer.follow.run(stop))

        async def holds():
            while not until(self.searched()):
                assert not running.done()
                await asyncio.sleep(0.01)

        async with asyncio.timeout(20):
            await holds()
        stop.set()
        await running

    def searched(self):
        with self.database.read() as conn:
            return {row.event_id: row for row in conn.execute(select(actor_search))}

    def named(self):
        return [
            event.fact
            for event in self.indexer.events()
            if isinstance(event, FactJudged) and isinstance(event.fact, StreamActorNamed)
        ]


def through(rows):
    return bool(rows) and all(row.state in {NAMED, UNKNOWN} for row in rows.values())


async def test_the_actor_of_a_pause_is_told_with_its_envelope_as_evidence(sqlite_database):
    raw, tx_hash = transaction(pause_of(chain.EMPLOYER))
    pause = msgspec.structs.replace(chain.paused(3), tx_hash=tx_hash)
    story = Story(sqlite_database, chain.created(2), pause)
    story.rpc.transactions[tx_hash] = raw
    await story.run(until=through)
    (fact,) = story.named()
    assert (fact.of_event, fact.actors, fact.function) == (
        pause.event_id,
        (chain.EMPLOYER,),
        "pause_stream",
    )
    wanted = select(evidence).where(evidence.c.event_id == f"actor:{pause.event_id}")
    with sqlite_database.read() as conn:
        kept = conn.execute(wanted).one()
        assert search_states(conn) == {"waiting": 0, "unknown": 0}
    assert msgspec.msgpack.decode(kept.bytes) == [tx_hash, 3, raw]
    assert kept.sha256 == hashlib.sha256(kept.bytes).digest()


async def test_a_transaction_that_nobody_has_any_more_is_unknown_with_its_reason(sqlite_database):
    story = Story(sqlite_database, chain.created(2), chain.paused(3))
    await story.run(until=through)
    (row,) = story.searched().values()
    assert (row.state, row.reason) == (UNKNOWN, "ledger 3 is needed, the oldest one kept is 4")
    assert story.named() == []


@pytest.mark.parametrize(
    "trouble", [RpcUnavailable("503"), RequestRefused("rpc", -32601, "no such method")]
)
async def test_in_bad_weather_and_when_refused_it_is_tried_again(sqlite_database, trouble):
    raw, tx_hash = transaction(pause_of(chain.EMPLOYER))
    pause = msgspec.structs.replace(chain.paused(3), tx_hash=tx_hash)
    story = Story(sqlite_database, pause)
    story.rpc.transactions[tx_hash] = trouble

    def tried_twice(rows):
        return any(row.tries >= 2 for row in rows.values())

    await story.run(until=tried_twice)
    (row,) = story.searched().values()
    assert (row.state, row.reason) == ("waiting", str(trouble))
    story.rpc.transactions[tx_hash] = raw
    await story.run(until=through)
    assert [fact.actors for fact in story.named()] == [(chain.EMPLOYER,)]


@pytest.mark.parametrize("cut", [0, 3, 60, 200])
async def test_an_envelope_that_does_not_read_is_unknown_and_following_goes_on(
    sqlite_database, cut
):
    raw, tx_hash = transaction(pause_of(chain.EMPLOYER))
    pause = msgspec.structs.replace(chain.paused(3), tx_hash=tx_hash)
    story = Story(sqlite_database, pause)
    story.rpc.transactions[tx_hash] = raw[:cut]
    await story.run(until=through)
    assert [row.state for row in story.searched().values()] == [UNKNOWN]


async def test_pauses_of_one_transaction_need_one_answer_and_each_has_its_actor(sqlite_database):
    raw, tx_hash = transaction(*(pause_of(chain.EMPLOYER, number) for number in (7, 8)))
    pauses = [
        msgspec.structs.replace(chain.paused(3, index, stream_id), tx_hash=tx_hash)
        for index, stream_id in enumerate((7, 8))
    ]
    story = Story(sqlite_database, *pauses)
    story.rpc.transactions[tx_hash] = raw
    asked = []
    answer = story.rpc.transaction

    async def counted(tx_hash, **more):
        asked.append(tx_hash)
        return await answer(tx_hash, **more)

    story.rpc.transaction = counted
    await story.run(until=lambda rows: len(rows) == 2 and through(rows))
    assert asked == [tx_hash]
    assert {fact.stream_id: fact.actors for fact in story.named()} == {
        7: (chain.EMPLOYER,),
        8: (chain.EMPLOYER,),
    }


async def test_it_ends_when_told_to_even_in_the_moment_it_is_woken(sqlite_database):
    seeker = Story(sqlite_database).indexer.seeker
    running = asyncio.create_task(seeker.run(WriteQueue(1)))
    while not seeker._recorded._waiters:  # noqa: ASYNC110 # it looks first, then waits
        await asyncio.sleep(0)
    seeker.wake()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=2)
    assert done
    assert running.cancelled()


PAUSE = chain.paused(3)


def call(contract, *arguments, function="pause_stream"):
    return Call(contract, function, tuple(arguments))


def entry(address, *calls):
    return Authorized(address, calls)


OF_7, OF_8 = call(chain.CONTRACT, ("u64", 7)), call(chain.CONTRACT, ("u64", 8))
ROUTED = call(ROUTER, function="exec")
ELSEWHERE = call(OTHER_CONTRACT, ("u64", 7), function="transfer")


@pytest.mark.parametrize(
    ("root", "entries", "found"),
    [
        (OF_7, [entry("GA", OF_7)], Found(("GA",), "pause_stream")),
        (ROUTED, [entry("GA", ROUTED, OF_7)], Found(("GA",), "pause_stream")),
        (ROUTED, [entry("GA", OF_8), entry("GB", OF_7)], Found(("GB",), "pause_stream")),
        (ROUTED, [entry("GA", OF_8), entry("GB", OF_8)], Found(("GA", "GB"), "pause_stream")),
        (ROUTED, [entry("GA", OF_7), entry("GA", OF_7)], Found(("GA",), "pause_stream")),
        (ROUTED, [entry("GA", ROUTED, ELSEWHERE)], Found((ROUTER,), "exec")),
        (ROUTED, [], Found((ROUTER,), "exec")),
        (OF_7, [], Found(("GSOURCE",), "pause_stream")),
        (OF_7, [entry("GA", ELSEWHERE)], Found(("GSOURCE",), "pause_stream")),
        (None, [], Found(("GSOURCE",), None)),
    ],
)
def test_the_actor_is_whoever_authorized_the_call_else_who_called(root, entries, found):
    assert actors_of(PAUSE, Invocation("GSOURCE", root, tuple(entries))) == found


def test_of_a_whole_contract_no_argument_tells_streams_apart():
    invocation = Invocation("GSOURCE", ROUTED, (entry("GA", OF_8), entry("GB", OF_7)))
    assert actors_of(chain.contract_pause(3), invocation).actors == ("GA", "GB")
