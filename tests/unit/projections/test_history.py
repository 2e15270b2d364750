"""A stream as of a time or a ledger: when things happened counts, not when they were learned."""

from domain.facts import StreamPaused
from projections import streams
from projections.history import Moment, StreamAt, closed_at_or_before, stream_at
from projections.streams import one
from store import log
from store.bulk import insert_many
from store.schema import ledger_close
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    cancelled,
    closed_at,
    created,
    event_id,
    paused,
    resumed,
    stored,
    stream_key,
    told,
)


def at(database, moment: Moment) -> StreamAt | None:
    with database.read() as conn:
        events = [each.event for each in log.read_aggregate(conn, stream_key())]
    return stream_at(stream_key(), events, moment)


def test_nothing_is_known_before_the_first_fact(sqlite_database):
    told(sqlite_database, [created(2)])
    assert at(sqlite_database, Moment(closed_at(2) - 1)) is None


def test_an_open_pause_counts_up_to_the_moment(sqlite_database):
    told(sqlite_database, [created(1), paused(2), resumed(4), paused(6), resumed(9)])
    then = at(sqlite_database, Moment(closed_at(6) + 3))
    assert (then.stream.status, then.stream.pause_count) == ("paused", 2)
    assert then.stream.total_paused_seconds == closed_at(4) - closed_at(2) + 3
    assert [pause.resumed_at for pause in then.pauses] == [closed_at(4), None]


def test_the_last_moment_equals_the_read_model(sqlite_database):
    told(sqlite_database, [created(1), resumed(5)], [paused(3)], [cancelled(8)])
    then = at(sqlite_database, Moment(closed_at(8))).stream
    with sqlite_database.read() as conn:
        now = streams.entry(conn.execute(*one("a", CONTRACT, 7)).one())
    assert then == now._replace(version=0, position=0)


def test_a_late_fact_is_seen_at_any_moment_after_it_happened(sqlite_database):
    told(sqlite_database, [created(1), resumed(9)], [paused(3)])
    assert at(sqlite_database, Moment(closed_at(4))).stream.status == "paused"


def test_a_ledger_bounds_events_by_ledger_and_storage_facts_by_time(sqlite_database):
    by_event, by_storage = paused(3), resumed(5)
    read_at = stored(5, stream=7, paused=False) | {"ledger": 90}
    told_of = type(by_storage)(**read_at, stream_id=7)
    told(sqlite_database, [created(1), by_event], [told_of])
    assert at(sqlite_database, Moment(closed_at(4), 4)).stream.status == "paused"
    then = at(sqlite_database, Moment(closed_at(5), 5))
    assert (then.stream.status, then.stream.status_event_id) == ("active", told_of.event_id)
    assert at(sqlite_database, Moment(closed_at(4), 2)).stream.last_event_id == event_id(1)


def test_a_confirmed_fact_stands_where_its_event_does(sqlite_database):
    told_of = StreamPaused(**stored(3, stream=7, paused=True), stream_id=7)
    told(sqlite_database, [created(1)], [told_of], [paused(3)])
    then = at(sqlite_database, Moment(closed_at(3), 3))
    assert [pause.id for pause in then.pauses] == [event_id(3)]


def test_the_close_time_of_a_ledger_is_the_latest_known_up_to_it(sqlite_database):
    with sqlite_database.begin() as conn:
        rows = [(3, 103), (7, 107)]
        insert_many(conn, ledger_close, ("ledger", "closed_at"), rows, on_conflict="error")
        assert conn.execute(closed_at_or_before(6)).scalar() == 103
        assert conn.execute(closed_at_or_before(7)).scalar() == 107
        assert conn.execute(closed_at_or_before(2)).scalar() is None
