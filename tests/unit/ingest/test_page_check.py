"""What a correct server never answers: nothing of it is believed, and nothing is lost by it."""

import pytest

from ingest.cursors import window_end
from ingest.errors import RpcUnavailable
from ingest.rpc import RpcEndpoint
from tests.fakes import chain
from tests.fakes.fake_rpc import FakeRpc, ok, paused, result

HERE = window_end(50)


async def answered(events, *, limit=2, **other):
    node = FakeRpc()
    node.answers = [ok({"id": 1, "result": result(events, **other)})]
    return await RpcEndpoint(node).fetch_page(
        contracts=[chain.CONTRACT], cursor=HERE, start_ledger=None, limit=limit
    )


async def test_a_full_page_is_gone_on_from_at_its_last_event_whatever_cursor_it_has():
    page = await answered([paused(60), paused(70)], cursor=window_end(100))
    assert page.cursor == chain.event_id(70)


async def test_a_page_that_is_not_full_has_passed_its_window():
    page = await answered([paused(60)], cursor=window_end(100))
    assert page.cursor == window_end(100)


async def test_a_full_page_of_what_was_passed_is_not_believed():
    with pytest.raises(RpcUnavailable, match="has passed"):
        await answered([paused(40), paused(45)], cursor=window_end(100))


async def test_a_full_page_that_ends_with_no_place_keeps_its_cursor():
    page = await answered([paused(60), paused(70, id="nowhere")], cursor=window_end(100))
    assert page.cursor == window_end(100)


async def test_the_same_event_twice_in_a_page_is_one():
    page = await answered([paused(60), paused(60)], limit=9)
    assert [event.event_id for event in page.events] == [chain.event_id(60)]


async def test_two_events_under_one_id_are_none():
    with pytest.raises(RpcUnavailable, match="two events under one id"):
        await answered([paused(60), paused(60, stream_id=8)], limit=9)


async def test_events_in_any_order_are_put_in_order():
    page = await answered([paused(70), paused(60)], limit=9)
    assert [event.ledger for event in page.events] == [60, 70]
