"""Evidence read back is the contract event that once came."""

import json

from ingest.coverage import LedgerRange
from ingest.cursors import window_end
from ingest.decode import decode_page
from ingest.evidence import write_evidence
from ingest.stored import stored_events
from tests.fakes import chain, fake_rpc
from tests.fakes.fake_rpc import paused, wire_event


def kept(database, *told):
    """Keep events as a page brings them; returns those of the page."""
    page = decode_page(json.dumps(fake_rpc.result(told)).encode(), source="rpc", seen_at=5)
    with database.begin() as conn:
        write_evidence(conn, page.events, page)
    return page.events


def stored(database, low, high):
    with database.read() as conn:
        return list(stored_events(conn, chain.CONTRACT, LedgerRange(low, high)))


def test_every_event_comes_back_as_it_was_in_chain_order(database):
    events = kept(database, paused(40), paused(41, 1), wire_event(41, 2), paused(42))
    assert stored(database, 1, 100) == events


def test_only_the_ledgers_asked_for_come_back(database):
    events = kept(database, paused(40), paused(41), paused(42))
    assert stored(database, 41, 41) == [events[1]]


def test_more_than_one_select_are_one_story(sqlite_database, monkeypatch):
    monkeypatch.setattr("ingest.stored._ROWS_PER_SELECT", 2)
    events = kept(sqlite_database, *(paused(ledger) for ledger in range(40, 44)))
    assert stored(sqlite_database, 40, 43) == events


def test_what_did_not_read_does_not_read_now(sqlite_database):
    kept(
        sqlite_database,
        paused(40, txHash="short"),
        paused(41) | {"value": "not base64!"},
        paused(42) | {"ledger": 43},
    )
    found = stored(sqlite_database, 1, 100)
    assert [each.event_id for each in found] == [chain.event_id(n) for n in (40, 41, 42)]
    assert all(each.defect for each in found)
    assert window_end(42) > found[-1].event_id
