"""A survey of one contract against a node that tells the truth, lags, lies, or says nothing of use."""

import pytest
from stellar_sdk import scval

from ingest.errors import RequestRefused, RpcUnavailable
from ingest.reconcile import comparing, survey
from ingest.reconcile.comparing import Comparer
from ingest.reconcile.findings import Kind
from ingest.reconcile.report import Tally
from ingest.reconcile.survey import Survey
from tests.fakes import chain, kept
from tests.fakes.kept import Node, instance, record, stream, variant
from tests.unit.ingest.test_record import NETWORK, Desk

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Nobody waits between tries."""
    monkeypatch.setattr(survey, "_TRIES", 1)


@pytest.fixture
def desk(sqlite_database):
    return Desk(sqlite_database)


@pytest.fixture
def node():
    """The contract with stream 7, paused in ledger 10, as the fake chain tells it."""
    node = Node()
    node.put_instance()
    node.put_stream(7, stream("Paused"), record(10))
    return node


def told(desk):
    desk.record(chain.created(1), chain.paused(10))


async def surveyed(desk, node, profile=kept.PAYSTREAM):
    tally = Tally()
    comparer = Comparer(NETWORK, chain.CONTRACT, profile)
    looked = Survey(desk.database, node, comparer, pause_seconds=0)
    async for batch in looked.batches():
        tally.add(batch, batch.findings)
    return tally


def named(tally):
    return [(each.kind, each.stream_id) for each in tally.kept]


async def test_a_contract_that_is_as_we_have_it_is_equal(desk, node):
    told(desk)
    tally = await surveyed(desk, node)
    assert (tally.verdict, tally.kept) == ("equal", [])
    assert (tally.at_ledger, tally.compared, tally.equal) == (100, 1, 1)


async def test_keys_are_asked_for_by_the_hundred_streams(desk, node):
    node.put_instance(instance(streams=250))
    for stream_id in range(1, 251):
        value = stream("Paused") if stream_id == 7 else stream()
        node.put_stream(stream_id, value)
    told(desk)
    tally = await surveyed(desk, node)
    assert [len(keys) for keys in node.asked] == [1, 200, 200, 100]
    assert tally.compared == 250
    assert {kind for kind, _ in named(tally)} == {Kind.STREAM_NOT_MET}


async def test_a_contract_without_a_layout_is_not_reconcilable(desk, node):
    told(desk)
    section = kept.PAYSTREAM.default._replace(storage=None)
    tally = await surveyed(desk, node, kept.PAYSTREAM._replace(default=section))
    assert (tally.verdict, named(tally)) == ("not reconcilable", [(Kind.NOT_RECONCILABLE, None)])


async def test_the_layout_is_that_of_the_code_that_runs(desk, node):
    told(desk)
    section = kept.PAYSTREAM.default._replace(storage=None)
    profile = kept.PAYSTREAM._replace(by_wasm={kept.WASM.hex(): section})
    assert (await surveyed(desk, node, profile)).verdict == "not reconcilable"


async def test_a_contract_that_only_has_a_flag_is_compared_by_it(desk, node):
    node.put_instance(instance(Paused=scval.to_bool(True)))
    desk.record(chain.contract_pause(5, value=False))
    tally = await surveyed(desk, node, kept.OPENZEPPELIN)
    assert named(tally) == [(Kind.CONTRACT_PAUSE, None)]
    desk.record(chain.contract_pause(20), latest_ledger=101)
    assert (await surveyed(desk, node, kept.OPENZEPPELIN)).verdict == "equal"


async def test_what_was_changed_after_our_cursor_is_not_compared(desk, node):
    desk.record(chain.created(1), chain.paused(10), latest_ledger=60)
    node.put_stream(7, stream("Active"), record(10), record(70, is_pause=False), changed=70)
    tally = await surveyed(desk, node)
    assert (tally.verdict, named(tally)) == ("not compared", [(Kind.NOT_COMPARED, 7)])
    assert len(node.asked) == 5  # the contract once, the stream in every round


async def test_a_contract_whose_instance_was_just_changed_is_not_compared(desk, node):
    desk.record(chain.created(1), chain.paused(10), latest_ledger=60)
    node.put_instance(instance(paused=True), changed=61)
    tally = await surveyed(desk, node)
    assert named(tally) == [(Kind.NOT_COMPARED, None)]


async def test_a_node_behind_us_is_compared_up_to_its_own_ledger(desk, node):
    desk.record(chain.created(1), chain.paused(10), chain.resumed(95))
    node.latest_ledger = 60
    tally = await surveyed(desk, node)
    assert (tally.verdict, tally.at_ledger) == ("equal", 60)


async def test_what_nobody_follows_is_not_compared(sqlite_database, node):
    desk = Desk(sqlite_database)
    with sqlite_database.begin() as conn:
        conn.exec_driver_sql("DELETE FROM ingest_source")
    assert named(await surveyed(desk, node)) == [(Kind.NOT_COMPARED, None)]


@pytest.mark.parametrize("error", [RpcUnavailable("away"), RequestRefused("node", -32602, "no")])
async def test_a_node_that_gives_no_answer_leaves_everything_unreadable(desk, node, error):
    told(desk)
    node.errors = [error]
    tally = await surveyed(desk, node)
    assert (tally.verdict, named(tally)) == ("unreadable", [(Kind.UNREADABLE, None)])


async def test_trouble_with_some_streams_is_named_stream_by_stream(desk, node):
    told(desk)

    class Tired(Node):
        async def ledger_entries(self, keys):
            if len(keys) > 1:
                raise RpcUnavailable("too much")
            return await super().ledger_entries(keys)

    tired = Tired()
    tired.entries = node.entries
    tally = await surveyed(desk, tired)
    assert (tally.verdict, named(tally)) == ("unreadable", [(Kind.UNREADABLE, 7)])


async def test_trouble_that_passes_is_waited_out(desk, node, monkeypatch):
    monkeypatch.setattr(survey, "_TRIES", 3)
    told(desk)
    node.errors = [RpcUnavailable("busy", 0.0), RpcUnavailable("busy", 0.0)]
    assert (await surveyed(desk, node)).verdict == "equal"


def spoil(node, entry, **changes):
    key = kept.ledger_key(entry)
    fields = {
        name: getattr(node.entries[key], name) for name in node.entries[key].__struct_fields__
    }
    node.entries[key] = type(node.entries[key])(**(fields | changes))


@pytest.mark.parametrize(
    ("entry", "changes", "fault"),
    [
        (variant("Stream", 7), {"xdr": b""}, "another key"),
        (variant("Stream", 7), {"last_modified_ledger_seq": 2**32 - 1}, "newest ledger is 100"),
        (variant("PauseHistory", 7), {"last_modified_ledger_seq": 101}, "newest ledger is 100"),
        (
            variant("PauseHistory", 7),
            {"xdr": kept.entry_xdr(variant("PauseHistory", 8), scval.to_void())},
            "another key",
        ),
    ],
)
async def test_an_entry_that_cannot_be_is_a_fault_of_its_stream(desk, node, entry, changes, fault):
    desk.record(chain.created(1), chain.paused(10), chain.created(11, stream_id=8))
    node.put_stream(8, stream())
    spoil(node, entry, **changes)
    tally = await surveyed(desk, node)
    assert named(tally) == [(Kind.UNREADABLE, 7)]
    assert fault in tally.kept[0].detail
    assert (tally.verdict, tally.compared, tally.equal) == ("unreadable", 2, 1)


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("Stream", "there is no Stream entry"),
        ("PauseHistory", "there is no PauseHistory entry, though events told of pauses"),
    ],
)
async def test_an_entry_that_is_not_there_is_a_fault_of_its_stream(desk, node, gone, fault):
    told(desk)
    del node.entries[kept.ledger_key(variant(gone, 7))]
    tally = await surveyed(desk, node)
    assert [(each.kind, each.detail) for each in tally.kept] == [(Kind.UNREADABLE, fault)]


async def test_entries_of_other_keys_are_never_looked_at(desk, node):
    told(desk)
    spoil(node, variant("PauseHistory", 7), key=b"something else")
    assert named(await surveyed(desk, node)) == [(Kind.UNREADABLE, 7)]


@pytest.mark.parametrize(
    "spoiled",
    [b"", b"\0\0\0\6", kept.entry_xdr(kept.INSTANCE, scval.to_void()), None],
)
async def test_an_instance_that_does_not_read_stops_nothing(desk, node, spoiled):
    told(desk)
    if spoiled is None:
        node.entries.clear()
    else:
        node.put_instance(spoiled)
    assert named(await surveyed(desk, node)) == [(Kind.UNREADABLE, None)]


async def test_a_counter_that_says_anything_is_followed_so_far_only(desk, node, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_NOT_MET", 20)
    told(desk)
    node.put_instance(instance(streams=2**64 - 1))
    tally = await surveyed(desk, node)
    assert tally.compared == 21
    assert "it counts 18446744073709551615 streams; those after 21" in tally.kept[0].detail


@pytest.mark.parametrize(
    ("live_until", "kinds"),
    [
        (0, [Kind.ARCHIVED] * 2),
        (99, [Kind.ARCHIVED] * 2),
        (100, [Kind.TIME_TO_LIVE] * 2),
        (121_059, [Kind.TIME_TO_LIVE] * 2),
        (121_060, []),
        (None, []),
    ],
)
async def test_entries_near_their_end_are_a_warning(desk, node, live_until, kinds):
    told(desk)
    node.put_stream(7, stream("Paused"), record(10), live_until=live_until)
    tally = await surveyed(desk, node)
    assert [each.kind for each in tally.kept] == kinds
    assert (tally.verdict, tally.equal) == ("equal", 1)


async def test_a_history_near_the_size_of_an_entry_is_a_warning(desk, node):
    ledgers = [2 + n // 7 for n in range(599)]
    facts = [
        (chain.resumed if n % 2 else chain.paused)(ledger, n) for n, ledger in enumerate(ledgers)
    ]
    desk.record(chain.created(1), *facts)
    records = [record(ledger, is_pause=n % 2 == 0) for n, ledger in enumerate(ledgers)]
    node.put_stream(7, stream("Paused"), *records)
    tally = await surveyed(desk, node)
    assert [each.kind for each in tally.kept] == [Kind.SIZE]
    assert "of 65536 bytes" in tally.kept[0].detail
    assert tally.verdict == "equal"
