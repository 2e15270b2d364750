"""How fresh and how complete: what ingest has scanned, what still waits, which gaps are open."""

from sqlalchemy import text

from projections import freshness as module
from projections.freshness import Freshness, freshness
from projections.sets import active_set
from store.bulk import insert_many
from store.schema import evidence_outcome, scanned_range
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    Ingest,
    created,
    event_id,
    follow,
    paused,
)

ANOTHER = "C" + "B" * 55


def scanned(database, *ranges):
    columns = ("contract_id", "from_ledger", "to_ledger")
    with database.begin() as conn:
        insert_many(conn, scanned_range, columns, ranges, on_conflict="error")


def record(database, ingest, *facts):
    """Deliver one slice, with its evidence outcomes as ingest writes them."""
    with database.read() as conn:
        first = conn.exec_driver_sql("SELECT position FROM log_head").scalar() + 1
    ingest.deliver(*facts)
    rows = [(fact.event_id, 0, "applied", first + n) for n, fact in enumerate(facts)]
    with database.begin() as conn:
        columns = ("event_id", "n", "outcome", "position")
        insert_many(conn, evidence_outcome, columns, rows, on_conflict="error")


def asked(database, *contract_ids) -> Freshness:
    with database.read() as conn:
        return freshness(conn, active_set(conn), contract_ids)


def test_nothing_scanned_is_fresh_to_no_ledger(sqlite_database):
    assert asked(sqlite_database) == (None, "complete")
    assert asked(sqlite_database, CONTRACT) == (None, "complete")


def test_the_contract_that_was_scanned_least_bounds_the_answer(sqlite_database):
    scanned(sqlite_database, (CONTRACT, 1, 90), (CONTRACT, 100, 200), (ANOTHER, 1, 150))
    assert asked(sqlite_database, CONTRACT).fresh_to_ledger == 200
    assert asked(sqlite_database, CONTRACT, ANOTHER).fresh_to_ledger == 150
    assert asked(sqlite_database, CONTRACT, "C" + "D" * 55).fresh_to_ledger is None


def test_what_waits_for_the_read_models_is_not_claimed(sqlite_database):
    scanned(sqlite_database, (CONTRACT, 1, 200))
    ingest = Ingest(sqlite_database)
    record(sqlite_database, ingest, created(120))
    follow(sqlite_database)
    assert asked(sqlite_database, CONTRACT).fresh_to_ledger == 200
    record(sqlite_database, ingest, paused(140), created(130, stream=8))
    assert asked(sqlite_database, CONTRACT).fresh_to_ledger == 129
    follow(sqlite_database)
    assert asked(sqlite_database, CONTRACT).fresh_to_ledger == 200


def test_waiting_events_that_are_none_of_the_chains_do_not_count(sqlite_database):
    scanned(sqlite_database, (CONTRACT, 1, 200))
    Ingest(sqlite_database).gap(1, 2)
    assert asked(sqlite_database, CONTRACT).fresh_to_ledger == 200
    assert event_id(140) < "storage:"


def test_a_gap_counts_until_its_pauses_are_known(sqlite_database):
    scanned(sqlite_database, (CONTRACT, 1, 200), (ANOTHER, 1, 200))
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    follow(sqlite_database)
    assert asked(sqlite_database, CONTRACT).completeness == "gap"
    assert asked(sqlite_database, ANOTHER).completeness == "complete"
    ingest.gap(10, 20, healed_by="storage")
    follow(sqlite_database)
    assert asked(sqlite_database, CONTRACT).completeness == "complete"


def test_what_waits_is_found_by_position_never_by_walking_all_evidence(sqlite_database):
    query = module._LOWEST_WAITING.params(followed=1)
    words = query.compile(compile_kwargs={"literal_binds": True})
    with sqlite_database.read() as conn:
        plan = conn.execute(text(f"EXPLAIN QUERY PLAN {words}")).all()
    assert "ix_evidence_outcome_position_event_id (position>" in str(plan)
