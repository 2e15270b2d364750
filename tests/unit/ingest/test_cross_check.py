"""Two endpoints compared: nothing that one hides is lost, and whoever is at odds is named."""

import hashlib
import random

import pytest

from ingest.cross_check import CrossCheck
from ingest.cursors import window_end
from ingest.errors import RpcUnavailable
from tests.fakes import chain
from tests.fakes.fake_rpc import paused
from tests.fakes.several import Several

DOWN = RpcUnavailable("down")


async def test_two_that_agree_are_asked_alike_and_nothing_is_disputed():
    several = Several(check="always", a={"events": [paused(60)]}, b={"events": [paused(60)]})
    page = await several.fetch()
    assert (page.source, len(page.events), page.disputes) == ("a", 1, ())
    assert several.asked() == [1, 1]


@pytest.mark.parametrize("hiding", ["a", "b"])
async def test_what_one_of_them_hides_is_recorded_and_disputed(hiding):
    events = [paused(60), paused(61)]
    nodes = {"a": {"events": list(events)}, "b": {"events": list(events)}}
    nodes[hiding]["events"] = events[1:]
    page = await Several(check="always", **nodes).fetch()
    assert [event.ledger for event in page.events] == [60, 61]
    (dispute,) = page.disputes
    assert (dispute.event_id, dispute.kind) == (chain.event_id(60), "lacks")
    assert {dispute.endpoint, dispute.against} == {"a", "b"}
    assert dispute.endpoint == hiding
    assert page.source == "a and b"


async def test_what_one_tells_otherwise_is_kept_beside_the_first():
    several = Several(
        check="always", a={"events": [paused(60)]}, b={"events": [paused(60, stream_id=8)]}
    )
    page = await several.fetch()
    (dispute,) = page.disputes
    assert (dispute.kind, dispute.endpoint) == ("differs", "b")
    assert dispute.sha256 == hashlib.sha256(dispute.evidence_bytes).digest()
    assert page.events[0].sha256 != dispute.sha256


async def test_nothing_beyond_what_both_have_scanned_is_given_out():
    several = Several(check="always", a={"events": [paused(60), paused(99)]}, b={"latest": 97})
    several.nodes[1].events = [paused(60)]
    page = await several.fetch()
    assert ([event.ledger for event in page.events], page.cursor) == ([60], window_end(97))
    page = await several.fetch(window_end(97))
    assert (page.events, page.cursor) == ([], window_end(97))


async def test_a_page_passes_where_no_second_endpoint_can_tell():
    several = Several(check="always", a={"events": [paused(60)]}, b={"latest": 60})
    assert (await several.fetch()).cursor == window_end(100)
    several.nodes[1].answers = [DOWN]
    assert len((await several.fetch()).events) == 1


async def test_a_sample_leaves_the_page_as_long_as_it_is():
    several = Several(check="sample", a={"events": [paused(99)]}, b={"latest": 97})
    several.pool._cross_check = CrossCheck("sample", random.Random(1))
    pages = [await several.fetch() for _ in range(60)]
    assert {page.cursor for page in pages} == {window_end(100)}
    assert 0 < several.asked()[1] < 30
