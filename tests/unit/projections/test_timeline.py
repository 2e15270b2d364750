"""The timeline: every fact in chain order, whether the log has it there or a revision moved it."""

import pytest

from domain.chain_order import APPLIED
from domain.contract import RangeFilled
from domain.facts import NearExhaustion, StreamPaused
from projections import timeline
from projections.sets import active_set
from store import log
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    cancelled,
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
    withdrawn,
)


def page(database, **options):
    with database.read() as conn:
        query = timeline.page(active_set(conn), stream_key(), **{"limit": 50, **options})
        return [timeline.entry(row) for row in conn.execute(*query)]


def rows_kept(database):
    with database.read() as conn:
        return len(conn.execute(timeline.all_moved(active_set(conn))).all())


def ledgers(entries):
    return [entry.ledger for entry in entries]


def test_facts_on_time_are_read_from_the_log_and_not_copied(sqlite_database):
    told(sqlite_database, [created(1), paused(2), resumed(3)], [created(4, stream=8)])
    newest, middle, oldest = page(sqlite_database)
    assert (newest.kind, middle.kind, oldest.kind) == ("resumed", "paused", "created")
    assert (oldest.event_id, oldest.position, oldest.rank) == (event_id(1), 1, 1)
    assert (newest.employer, newest.employee) == (EMPLOYER, EMPLOYEE)
    assert not any(entry.late for entry in (newest, middle, oldest))
    assert rows_kept(sqlite_database) == 0


def test_a_late_fact_takes_its_place_and_verdicts_are_those_of_now(sqlite_database):
    told(sqlite_database, [created(1), paused(5)], [paused(3)])
    newest, late, _ = page(sqlite_database)
    assert (late.ledger, late.late, late.verdict) == (3, True, APPLIED)
    assert newest.verdict == "refused: the stream is already paused"
    assert not newest.late


def test_facts_after_a_revision_follow_what_it_moved(sqlite_database):
    told(sqlite_database, [created(1), resumed(6)], [paused(3)], [paused(8)], [resumed(9)])
    assert ledgers(page(sqlite_database)) == [9, 8, 6, 3, 1]


def test_a_second_revision_places_all_facts_anew(sqlite_database):
    told(sqlite_database, [created(1), resumed(6)], [paused(3)], [cancelled(9)], [withdrawn(2)])
    entries = page(sqlite_database)
    assert ledgers(entries) == [9, 6, 3, 2, 1]
    assert [entry.rank for entry in entries] == [5, 4, 3, 2, 1]
    assert rows_kept(sqlite_database) == 5


def test_pages_follow_each_other_across_a_revision(sqlite_database):
    told(sqlite_database, [created(1), resumed(6)], [paused(3)], [paused(8)], [resumed(9)])
    seen, after = [], None
    while entries := page(sqlite_database, limit=2, after=after):
        seen += ledgers(entries)
        after = entries[-1].rank
    assert seen == [9, 8, 6, 3, 1]


def test_a_confirmed_storage_fact_is_one_entry_under_the_events_id(sqlite_database):
    told_of = StreamPaused(**stored(3, stream=7, paused=True), stream_id=7)
    ingest = told(sqlite_database, [created(1)], [told_of])
    assert page(sqlite_database)[0].event_id == told_of.event_id
    ingest.deliver(paused(3))
    follow(sqlite_database)
    newest, oldest = page(sqlite_database)
    assert (newest.event_id, newest.late, newest.tx_hash) == (event_id(3), True, paused(3).tx_hash)
    assert oldest.ledger == 1


def test_what_is_not_followed_yet_is_not_shown(sqlite_database):
    ingest = told(sqlite_database, [created(1)])
    ingest.deliver(paused(2))
    assert ledgers(page(sqlite_database)) == [1]
    follow(sqlite_database)
    assert ledgers(page(sqlite_database)) == [2, 1]


def test_details_give_wide_numbers_as_text(sqlite_database):
    warned = NearExhaustion(**place(3), stream_id=7, account=EMPLOYEE, remaining=12)
    told(sqlite_database, [created(1, fee_bps=25), withdrawn(2), warned, paused(4, stated_at=5)])
    stopped, warning, out, start = [entry.details for entry in page(sqlite_database)]
    assert start == {"employer": EMPLOYER, "employee": EMPLOYEE, "rate": "10", "fee_bps": 25}
    assert out == {"account": EMPLOYEE, "amount": str(2**100)}
    assert warning == {"account": EMPLOYEE, "remaining": 12}
    assert stopped == {"employer": None, "employee": None, "stated_at": "5"}


def test_a_row_that_is_no_fact_is_a_defect(sqlite_database):
    told(sqlite_database)
    with sqlite_database.begin() as conn:
        log.append(conn, [RangeFilled(contract_key(), 1, "job", CONTRACT, 1, 2)], recorded_at=1)
    with sqlite_database.read() as conn:
        row = conn.execute(log._AFTER, {"after": 0, "limit": 1}).one()
    with pytest.raises(TypeError, match="range_filled"):
        timeline.entry(row)
