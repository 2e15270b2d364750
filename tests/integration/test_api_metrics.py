"""Metrics that the two databases answer in their own ways."""

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.attempt_tally import COMMITTED_MICROS
from api.database_metrics import WITHOUT_FACT
from notifier.buckets import hold
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import SQLITE
from store.schema import evidence_outcome
from tests.fakes.planned import plan
from tests.fakes.served import Served
from tests.fakes.tried import tried

OUTCOMES = ("applied", "ignored", "quarantined", "quarantined")


async def samples(served: Served, name: str) -> dict[str, float]:
    answer = await served.ask("/metrics", key=None)
    return {
        " ".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    }


async def test_what_became_of_contract_events_and_attempts_is_counted(database):
    served = Served(database)
    rows = [(f"{n:019d}-0000000000", 1, outcome) for n, outcome in enumerate(OUTCOMES)]
    with database.begin() as conn:
        columns = ("event_id", "n", "outcome")
        insert_many(conn, evidence_outcome, columns, rows, on_conflict="error")
    expected = {"none ignored": 1, "none quarantined": 2}
    assert await samples(served, "pausewire_events_total") == expected
    with database.begin() as conn:
        tried(conn, plan(conn), 1, result="accepted", ended_at=now_micros() - COMMITTED_MICROS)
    for _ in range(2):
        counted = await samples(served, "pausewire_attempts_total")
        assert counted == {"email smtp accepted": 1}


async def test_the_size_is_told_by_table_where_the_database_knows_it_cheaply(database):
    sizes = await samples(Served(database), "pausewire_storage_bytes")
    if database.dialect == SQLITE:
        assert list(sizes) == ["database"]
    else:
        assert {"recorded_event", "evidence", "delivery"} <= set(sizes)
    assert all(size > 0 for size in sizes.values())


def test_counting_what_became_no_fact_reads_the_index_of_it(database):
    query = WITHOUT_FACT.compile(compile_kwargs={"literal_binds": True})
    with database.read() as conn:
        if database.dialect == SQLITE:
            plan_of = conn.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
        else:
            conn.execute(text("SET LOCAL enable_seqscan = off"))  # few rows are read faster whole
            conn.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan_of = conn.execute(text(f"EXPLAIN {query}")).all()
    assert "ix_evidence_outcome_unread" in str(plan_of)


async def test_who_waits_for_a_turn_and_who_asked_for_patience_is_counted(database):
    with database.begin() as conn:
        plan(conn, reason="rate")
        plan(conn, state="expired", reason="rate")
        hold(conn, "provider:smtp", seconds=60, now=now_micros())
        hold(conn, "site:email:ab", seconds=60, now=now_micros())
        hold(conn, "site:email:cd", seconds=60, now=now_micros() - 90_000_000)
    served = Served(database)
    assert await samples(served, "pausewire_rate_waiting") == {"email": 1}
    assert await samples(served, "pausewire_rate_held") == {"provider": 1, "site": 1}


async def test_what_nobody_knows_of_is_counted_by_what_was_done_about_it(database):
    with database.begin() as conn:
        plan(conn, state="unknown", reason="no_other_way")
        plan(conn, state="unknown", reason="told_elsewhere")
        plan(conn, state="failed", reason="no_other_way")
    found = await samples(Served(database), "pausewire_unknown_deliveries")
    assert found == {"no_other_way": 1, "told_elsewhere": 1}
