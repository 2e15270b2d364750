"""The simulated chain read through getEvents and through getLedgers: the same events, byte for byte."""

import pytest

from ingest.cursors import needed_ledger, window_end
from ingest.errors import NodeBehind, RetentionGap, RpcUnavailable, WrongNetwork
from ingest.ledgers.endpoint import LedgersEndpoint
from ingest.pins import PassphraseOnly
from simulator.chain import FIRST_LEDGER, GENESIS_LEDGER
from simulator.ledger import Rules
from tests.fakes.node import admitted_by, built_chain, node


async def everything(source, contracts, *, start, end, limit=1000):
    """All events from a ledger to another, page after page."""
    found, cursor = [], window_end(start - 1)
    while needed_ledger(cursor) <= end:
        page = await source.fetch_page(
            contracts=contracts, cursor=cursor, start_ledger=None, limit=limit
        )
        assert page.cursor > cursor
        found += page.events
        cursor = page.cursor
    return found


@pytest.mark.parametrize("protocol", [28, 30])
@pytest.mark.parametrize(
    ("scenario", "seed", "events"),
    [("burst", 1, 300), ("burst", 2, 150), ("steady", 3, 40), ("cancelled-while-paused", 4, 18)],
)
async def test_both_ways_tell_the_same(protocol, scenario, seed, events):
    rules = Rules(protocol=protocol, fees=True)
    with built_chain(scenario=scenario, seed=seed, events=events, rules=rules) as chain:
        cast = chain.cast
        async with node(chain) as served:
            span = {"start": GENESIS_LEDGER, "end": chain.latest.sequence}
            for contracts in (
                [cast.contract_id],
                [cast.native_id],
                [cast.token_id, cast.contract_id, cast.native_id, cast.router_id],
            ):
                told = await everything(served.events, contracts, **span)
                read = await everything(served.ledgers, contracts, **span, limit=50)
                assert read == told
                assert len(told) > 3
                assert [event.defect for event in read] == [None] * len(read)


async def test_a_cursor_within_a_ledger_is_gone_on_from():
    with built_chain(rules=Rules(fees=True)) as chain:
        contracts = [chain.cast.contract_id, chain.cast.native_id]
        async with node(chain) as served:
            told = await everything(
                served.events, contracts, start=FIRST_LEDGER, end=chain.latest.sequence
            )
            for place in (0, 1, len(told) // 2, len(told) - 1):
                page = await served.ledgers.fetch_page(
                    contracts=contracts,
                    cursor=told[place].event_id,
                    start_ledger=None,
                    limit=10_000,
                )
                behind = [event for event in told if event.event_id > told[place].event_id]
                passed = needed_ledger(page.cursor) - 1
                assert page.events == [event for event in behind if event.ledger <= passed]


async def test_ledgers_outside_of_the_window_are_named_for_the_reaction():
    with built_chain() as chain:
        contracts = [chain.cast.contract_id]
        async with node(chain) as served:

            async def ask(ledger):
                return await served.ledgers.fetch_page(
                    contracts=contracts, cursor=None, start_ledger=ledger, limit=100
                )

            with pytest.raises(RetentionGap) as gap:
                await ask(GENESIS_LEDGER - 1)
            assert (gap.value.oldest_ledger, gap.value.needed) == (1_000, 999)
            with pytest.raises(NodeBehind):
                await ask(chain.latest.sequence + 1)
            page = await ask(chain.latest.sequence)
            assert page.cursor == window_end(chain.latest.sequence)
            assert page.latest_closed_at == chain.latest.closed_at
            assert page.source == f"{served.url.removeprefix('http://')} getLedgers"


async def test_a_node_of_another_network_is_refused():
    with built_chain() as chain:
        async with node(chain) as served:
            other = LedgersEndpoint(
                served.events, admit=admitted_by(PassphraseOnly("Another Network"), served.events)
            )
            with pytest.raises(WrongNetwork):
                await other.fetch_page(
                    contracts=[chain.cast.contract_id], cursor=None, start_ledger=1_000, limit=1
                )


async def test_a_limit_of_the_provider_is_kept(monkeypatch):
    monkeypatch.setattr("simulator.ledger_query.MAX_LEDGERS", 4)
    with built_chain() as chain:
        async with node(chain) as served:
            asked = {"contracts": [chain.cast.contract_id], "cursor": None, "limit": 100}
            with pytest.raises(RpcUnavailable, match="4 ledgers at most") as refused:
                await served.ledgers.fetch_page(start_ledger=1_000, **asked)
            assert refused.value.retry_after == 0
            page = await served.ledgers.fetch_page(start_ledger=1_000, **asked)
            assert page.cursor == window_end(1_003)
