"""The read model of pauses: intervals of streams and contracts, opened, closed and paged."""

from domain.facts import StatusStated, StreamPaused
from projections import pauses
from projections.pauses import PauseRow
from projections.sets import active_set
from store.engine import Database
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    all_paused,
    cancelled,
    closed_at,
    contract_key,
    created,
    event_id,
    follow,
    paused,
    place,
    resumed,
    stored,
    stream_key,
    told,
)


def page(database: Database, key=None, **options) -> list[PauseRow]:
    with database.read() as conn:
        query = pauses.page(active_set(conn), key or stream_key(), **{"limit": 50, **options})
        return [PauseRow(*row) for row in conn.execute(*query)]


def test_an_open_pause_has_no_end(sqlite_database):
    told(sqlite_database, [created(1), paused(2)])
    (row,) = page(sqlite_database)
    assert (row.id, row.start_event_id, row.start_ledger) == (event_id(2), event_id(2), 2)
    assert (row.contract_id, row.stream_id, row.start_known) == (CONTRACT, 7, True)
    assert (row.paused_at, row.resumed_at, row.ended_by) == (closed_at(2), None, None)
    assert pauses.duration_seconds(row) is None
    assert (row.start_cause_id, row.end_cause_id) == (event_id(2), None)


def test_a_pause_is_closed_by_a_later_chunk_in_its_own_row(sqlite_database):
    ingest = told(sqlite_database, [created(1), paused(2)])
    ingest.deliver(resumed(6))
    follow(sqlite_database)
    (row,) = page(sqlite_database)
    assert (row.id, row.end_event_id, row.ended_by) == (event_id(2), event_id(6), "resumed")
    assert pauses.duration_seconds(row) == closed_at(6) - closed_at(2)
    assert row.end_cause_id == event_id(6)


def test_a_cancellation_ends_the_pause(sqlite_database):
    told(sqlite_database, [created(1), paused(2), cancelled(5)])
    (row,) = page(sqlite_database)
    assert (row.ended_by, row.resumed_at) == ("cancelled", closed_at(5))


def test_a_stream_first_met_by_its_resumption_was_paused_since_an_unknown_time(sqlite_database):
    told(sqlite_database, [resumed(6)])
    (row,) = page(sqlite_database)
    assert (row.id, row.start_known, row.paused_at) == (event_id(6), False, None)
    assert (row.resumed_at, row.start_cause_id) == (closed_at(6), None)
    assert pauses.duration_seconds(row) is None


def test_a_late_pause_makes_an_interval_in_its_place(sqlite_database):
    told(sqlite_database, [created(1), resumed(6)], [paused(8)], [paused(4)])
    rows = page(sqlite_database, newest_first=False)
    assert [(row.paused_at, row.resumed_at) for row in rows] == [
        (closed_at(4), closed_at(6)),
        (closed_at(8), None),
    ]


def test_a_pause_that_late_facts_take_away_leaves_no_row(sqlite_database):
    told(sqlite_database, [created(1), paused(6)], [cancelled(3)])
    assert page(sqlite_database) == []


def test_a_confirmed_pause_takes_the_events_id_and_keeps_its_cause(sqlite_database):
    told_of = StreamPaused(**stored(3, stream=7, paused=True), stream_id=7)
    told(sqlite_database, [created(1)], [told_of], [paused(3)], [resumed(5)])
    (row,) = page(sqlite_database)
    assert (row.id, row.start_tx_hash) == (event_id(3), paused(3).tx_hash)
    assert row.start_cause_id == told_of.event_id


def test_storage_facts_of_one_second_stand_in_their_own_order(sqlite_database):
    first = StreamPaused(**stored(3, stream=7, paused=True, k=9), stream_id=7)
    state = place(3) | {"event_id": "storage:x:7:active=1:3", "order": "~~active"}
    told(sqlite_database, [first], [StatusStated(**state, stream_id=7, status="active")])
    (row,) = page(sqlite_database)
    assert row.place == f"~{9:010d} {first.event_id}"
    assert row.place < f"~~active {state['event_id']}"


def test_contract_wide_pauses_have_no_stream(sqlite_database):
    told(sqlite_database, [all_paused(2), all_paused(3), all_paused(4, value=False)])
    (row,) = page(sqlite_database, contract_key())
    assert (row.stream_id, row.contract_id) == (None, CONTRACT)
    assert (row.paused_at, row.resumed_at, row.ended_by) == (
        closed_at(2), closed_at(4), "resumed",
    )  # fmt: skip


def test_pages_go_both_ways(sqlite_database):
    times = [2, 4, 6]
    told(sqlite_database, [created(1), *(f(t + d) for t in times for d, f in _PAIR)])
    oldest = page(sqlite_database, newest_first=False)
    assert [row.paused_at for row in oldest] == [closed_at(t) for t in times]
    assert page(sqlite_database) == oldest[::-1]
    after = (oldest[1].chain_at, oldest[1].place)
    assert page(sqlite_database, newest_first=False, after=after) == [oldest[2]]
    assert page(sqlite_database, after=after) == [oldest[0]]
    assert page(sqlite_database, limit=1) == [oldest[2]]


_PAIR = ((0, paused), (1, resumed))
