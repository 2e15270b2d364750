"""Several endpoints: the next one answers when one cannot, and nobody is believed too early."""

import asyncio
import contextlib
from collections import Counter

import pytest

from ingest.endpoint import LAG_LEDGERS, OPEN_AFTER
from ingest.endpoint_verdict import WRITTEN_OFF_AFTER
from ingest.endpoints import EndpointPool
from ingest.errors import (
    NodeBehind,
    RequestRefused,
    RetentionGap,
    RpcUnavailable,
    WrongNetwork,
)
from ingest.transport import HttpAnswer
from tests.fakes.fake_rpc import PASSPHRASE, paused
from tests.fakes.several import Several

DOWN = RpcUnavailable("down")


async def test_the_first_endpoint_is_asked_as_long_as_it_answers():
    several = Several(a={}, b={})
    for _ in range(3):
        assert (await several.fetch()).source == "a"
    assert several.asked() == [3, 0]


async def test_the_next_endpoint_answers_within_the_same_call():
    several = Several(a={}, b={"events": [paused(60)]})
    several.nodes[0].answers = [DOWN]
    page = await several.fetch()
    assert (page.source, len(page.events)) == ("b", 1)


async def test_the_last_good_endpoint_stays_first():
    several = Several(a={}, b={})
    several.nodes[0].answers = [DOWN]
    await several.fetch()
    several.now += 3600
    assert (await several.fetch()).source == "b"
    assert several.asked() == [1, 2]


async def test_a_failed_endpoint_rests_and_is_asked_last_meanwhile():
    several = Several(a={}, b={}, c={})
    several.nodes[0].answers = [HttpAnswer(429, 30.0, b"")]
    await several.fetch()
    several.nodes[1].answers = [DOWN]
    several.now += 29
    assert (await several.fetch()).source == "c"
    several.nodes[2].answers = [DOWN]
    several.now += 2
    assert (await several.fetch()).source == "a"


async def test_a_resting_endpoint_is_asked_when_nobody_else_is_left():
    several = Several(a={})
    several.nodes[0].answers = [HttpAnswer(429, 3600.0, b"")]
    with pytest.raises(RpcUnavailable, match="HTTP 429"):
        await several.fetch()
    assert (await several.fetch()).source == "a"


async def test_when_all_fail_all_are_named_and_the_shortest_wait_counts():
    several = Several(a={}, b={})
    several.nodes[0].answers = [HttpAnswer(429, 9.0, b"")]
    several.nodes[1].answers = [HttpAnswer(429, 4.0, b"")]
    with pytest.raises(RpcUnavailable, match="a answered HTTP 429; b answered HTTP 429") as caught:
        await several.fetch()
    assert caught.value.retry_after == 4.0


async def test_a_wait_that_one_of_them_does_not_ask_for_is_not_imposed():
    several = Several(a={}, b={})
    several.nodes[0].answers = [HttpAnswer(429, 9.0, b"")]
    several.nodes[1].answers = [DOWN]
    with pytest.raises(RpcUnavailable) as caught:
        await several.fetch()
    assert caught.value.retry_after is None


async def test_one_endpoint_alone_fails_with_its_own_error():
    several = Several(a={"latest": 40})
    with pytest.raises(NodeBehind):
        await several.fetch()


async def test_an_endpoint_that_refuses_us_is_passed_over():
    several = Several(a={}, b={})
    several.nodes[0].answers = [HttpAnswer(401, None, b"")]
    assert (await several.fetch()).source == "b"


async def test_a_refusal_by_all_is_told():
    several = Several(a={})
    several.nodes[0].answers = [HttpAnswer(401, None, b"")]
    with pytest.raises(RequestRefused):
        await several.fetch()


async def test_an_endpoint_with_longer_retention_fills_what_another_lost():
    several = Several(a={"oldest": 60}, b={"events": [paused(55)]})
    page = await several.fetch()
    assert [event.ledger for event in page.events] == [55]


async def test_a_gap_that_all_agree_on_is_as_small_as_the_best_of_them():
    several = Several(a={"oldest": 70}, b={"oldest": 60})
    with pytest.raises(RetentionGap) as caught:
        await several.fetch()
    assert caught.value.oldest_ledger == 60


async def test_a_gap_is_not_believed_while_another_endpoint_may_have_the_ledgers():
    several = Several(a={"oldest": 60}, b={})
    for _ in range(WRITTEN_OFF_AFTER):
        several.nodes[1].answers = [DOWN]
        with pytest.raises(RpcUnavailable):
            await several.fetch()
        several.now += 60
    several.nodes[1].answers = [DOWN]
    with pytest.raises(RetentionGap):
        await several.fetch()


async def test_a_lagging_endpoint_is_used_but_not_preferred():
    several = Several(a={"latest": 100}, b={"latest": 100 - LAG_LEDGERS - 1})
    await several.fetch()
    several.nodes[0].answers = [DOWN]
    assert (await several.fetch()).source == "b"
    several.nodes[1].answers = [DOWN]
    several.now += 0.1
    assert (await several.fetch()).source == "a"


async def test_health_and_network_come_from_whoever_answers():
    several = Several(a={}, b={"latest": 77})
    several.nodes[0].answers = [DOWN]
    assert (await several.pool.health()).latest_ledger == 77
    assert (await several.pool.network()).passphrase == PASSPHRASE


async def test_an_endpoint_of_another_network_is_expelled_and_the_others_serve():
    several = Several(a={}, b={})
    several.nodes[0].passphrase = "another"
    await several.pool.check_network(PASSPHRASE)
    assert (await several.fetch()).source == "b"
    assert several.asked() == [0, 1]
    assert several.endpoints[0].state == "expelled"
    assert "'another'" in several.endpoints[0].reason


async def test_when_all_are_of_another_network_it_is_told():
    several = Several(a={}, b={})
    for node in several.nodes:
        node.passphrase = "another"
    with pytest.raises(WrongNetwork):
        await several.pool.check_network(PASSPHRASE)


async def test_another_network_beside_an_endpoint_that_is_away_is_weather():
    several = Several(a={}, b={})
    several.nodes[0].passphrase = "another"
    several.nodes[1].answers = [DOWN, DOWN]
    with pytest.raises(RpcUnavailable):
        await several.pool.check_network(PASSPHRASE)


async def test_an_endpoint_that_was_away_proves_its_network_before_it_is_used():
    several = Several(a={}, b={})
    several.nodes[1].answers = [DOWN]
    await several.pool.check_network(PASSPHRASE)
    several.nodes[1].passphrase = "another"
    several.nodes[0].answers = [DOWN]
    with pytest.raises(RpcUnavailable):
        await several.fetch()
    assert several.asked() == [1, 0]
    assert several.endpoints[1].state == "expelled"


async def test_an_expelled_endpoint_comes_back_when_it_proves_itself():
    several = Several(a={}, b={})
    several.nodes[0].passphrase = "another"
    await several.pool.check_network(PASSPHRASE)
    several.nodes[0].passphrase = PASSPHRASE
    several.now += 3600
    await several.pool.look()
    assert several.endpoints[0].state == "closed"


async def fail(several, place, times):
    """Have a node fail so often, its breaker's rests included."""
    for _ in range(times):
        several.nodes[place].answers = [DOWN]
        with contextlib.suppress(RpcUnavailable):
            await several.pool._put(several.endpoints[place], lambda rpc: rpc.health())


async def test_after_some_failures_the_breaker_lets_nobody_through_but_a_probe():
    several = Several(a={})
    await fail(several, 0, OPEN_AFTER)
    asked = len(several.nodes[0].requests)
    with pytest.raises(RpcUnavailable, match="a rests after 5 failures: down") as caught:
        await several.fetch()
    assert len(several.nodes[0].requests) == asked
    several.now += caught.value.retry_after
    assert (await several.fetch()).source == "a"
    assert several.endpoints[0].state == "closed"


async def test_one_probe_at_a_time():
    several = Several(a={}, b={})
    await fail(several, 0, OPEN_AFTER)
    several.now += 60
    several.endpoints[0].probing = True
    assert several.endpoints[0].state == "half_open"
    assert (await several.fetch()).source == "b"


async def test_the_faster_endpoint_is_asked_first_and_a_little_slower_is_no_reason_to_change():
    several = Several(a={}, b={})
    slow, fast = (endpoint.transport for endpoint in several.endpoints)
    slow.latency_seconds, fast.latency_seconds = 0.15, 0.01
    assert (await several.fetch()).source == "a"
    slow.latency_seconds, fast.latency_seconds = 0.9, 0.01
    assert (await several.fetch()).source == "b"


async def test_a_spent_budget_makes_the_next_endpoint_answer_and_then_waits():
    several = Several(a={}, b={}, per_minute=60)
    spent = [await several.fetch() for _ in range(10)]
    assert Counter(page.source for page in spent) == {"a": 5, "b": 5}
    assert several.endpoints[0].transport.waited_seconds == 0
    slept = asyncio.create_task(several.fetch())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not slept.done()
    waited = [endpoint.transport.waited_seconds for endpoint in several.endpoints]
    assert sorted(waited) == [0, pytest.approx(1.0)]
    slept.cancel()


async def test_those_whom_nobody_asked_are_looked_at():
    several = Several(a={}, b={"latest": 77})
    await several.fetch()
    await several.pool.look()
    assert several.endpoints[1].latest_ledger == 77
    asked = len(several.nodes[1].requests)
    await several.pool.look()
    assert len(several.nodes[1].requests) == asked


async def test_a_check_that_nobody_answers_is_weather():
    several = Several(a={})
    several.nodes[0].answers = [DOWN, DOWN]
    with pytest.raises(RpcUnavailable):
        await several.pool.check_network(PASSPHRASE)
    await several.pool.check_network(PASSPHRASE)


def test_no_endpoint_is_a_fault_of_the_settings():
    with pytest.raises(ValueError, match=r"network\.rpc_urls"):
        EndpointPool([])


async def test_a_page_that_shows_that_its_node_went_far_back_is_not_believed():
    """A network that was reset answers old cursors with what the new chain has under their numbers."""
    several = Several(pins=[], a={})
    await several.fetch()
    several.nodes[0].latest = 60
    with pytest.raises(RpcUnavailable, match="went back to ledger 60, and has to prove its chain"):
        await several.fetch()
    assert (await several.fetch()).latest_ledger == 60  # of the same chain: restored from a backup
