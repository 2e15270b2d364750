"""`pausewire reprocess`: what it asks for, and what it says where there is nothing to do."""

import pytest
from sqlalchemy import insert, select

from ingest import jobs
from store.lease import Lease
from store.schema import evidence, evidence_outcome, ingest_job
from tests.fakes.chain import CONTRACT, event_id
from tests.fakes.commands import Command

OTHER = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"


@pytest.fixture
def command(monkeypatch, sqlite_url, sqlite_database):
    """Somebody else leads, and the command stops waiting at once."""
    Lease(sqlite_database, name="index", holder="somebody", seconds=600).acquire()
    monkeypatch.setattr("cli.job_runs._wait", stop_at_once)
    return Command(monkeypatch, sqlite_url)


def stop_at_once(database, requested, stop, *, quiet):
    stop.set()
    with database.read() as conn:
        return jobs.progress(conn, requested)


def keep(database, ledger, *outcomes):
    """One event in evidence with its outcomes, the last one counting."""
    with database.begin() as conn:
        conn.execute(
            insert(evidence).values(
                event_id=event_id(ledger),
                contract_id=CONTRACT,
                bytes=b"",
                sha256=b"",
                seen_at=1,
                source="rpc",
            )
        )
        for n, outcome in enumerate(outcomes, start=1):
            row = {"event_id": event_id(ledger), "n": n, "outcome": outcome}
            conn.execute(insert(evidence_outcome).values(row))


def jobs_of(database):
    with database.read() as conn:
        return conn.execute(select(ingest_job).order_by(ingest_job.c.created_at)).all()


def test_what_is_in_quarantine_is_asked_for_by_the_profile_of_this_release(
    command, sqlite_database
):
    keep(sqlite_database, 5, "quarantined")
    keep(sqlite_database, 9, "applied")
    (told,) = command.json("reprocess", code=1)["jobs"]
    (row,) = jobs_of(sqlite_database)
    assert (told["job"], told["from_ledger"], told["to_ledger"]) == (row.id, 1, 9)
    assert (row.kind, row.profile, row.state) == ("reprocess", "paystream@1", "waiting")
    assert [each["job"] for each in command.json("reprocess", code=1)["jobs"]] == [row.id]


def test_nothing_in_quarantine_is_nothing_to_do(command, sqlite_database):
    keep(sqlite_database, 5, "quarantined", "applied")
    assert command.json("reprocess") == {"jobs": [], "done": True}
    assert "no evidence of these contracts is in quarantine" in command.run("reprocess").stdout
    assert jobs_of(sqlite_database) == []


def test_all_evidence_of_a_range_on_demand(command, sqlite_database):
    for ledger in (5, 7, 9):
        keep(sqlite_database, ledger, "applied")
    command.run("reprocess", "--all", "--from", 6, "--to", 8, code=1)
    (row,) = jobs_of(sqlite_database)
    assert (row.kind, row.from_ledger, row.to_ledger) == ("reprocess_all", 6, 7)
    assert "no evidence" in command.run("reprocess", "--all", "--from", 10).stdout


def test_odd_ranges_and_contracts_are_refused(command):
    assert (
        "give the lower ledger first"
        in command.run("reprocess", "--from", 9, "--to", 8, code=2).stderr
    )
    asked = command.run("reprocess", "--contract", OTHER, code=2)
    assert "`pausewire contracts add` it" in asked.stderr
