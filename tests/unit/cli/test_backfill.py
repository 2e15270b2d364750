"""`pausewire backfill`: what it asks for, whom it waits for, and what it leaves behind."""

import json
import threading
import time

import pytest
from sqlalchemy import select, update

from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.cursors import window_end
from ingest.sources import arrange
from store.lease import Lease
from store.schema import ingest_job, ingest_position
from tests.fakes.chain import CONTRACT
from tests.fakes.commands import Command

OTHER = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
RANGE = ("backfill", "--from", 10, "--to", 20)


@pytest.fixture
def command(monkeypatch, sqlite_url, sqlite_database):
    """Somebody else leads for the length of the test."""
    Lease(sqlite_database, name="index", holder="somebody", seconds=600).acquire()
    return Command(monkeypatch, sqlite_url)


def jobs_of(database):
    with database.read() as conn:
        return conn.execute(select(ingest_job).order_by(ingest_job.c.created_at)).all()


def end_soon(database, state, reason=None):
    """The leader's part: end what was asked for, as soon as it is."""

    def work():
        deadline = time.monotonic() + 10
        while not (asked := jobs_of(database)) and time.monotonic() < deadline:
            time.sleep(0.02)
        with database.begin() as conn:
            for row in asked:
                conn.execute(
                    update(ingest_job)
                    .where(ingest_job.c.id == row.id)
                    .values(state=state, reason=reason, events_found=3)
                )
                conn.execute(
                    update(ingest_position)
                    .where(ingest_position.c.source == f"job:{row.id}")
                    .values(cursor=window_end(20))
                )

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_it_waits_for_the_leader_to_work_the_job_off(command, sqlite_database):
    working = end_soon(sqlite_database, jobs.DONE)
    found = command.json(*RANGE)
    working.join(5)
    (row,) = jobs_of(sqlite_database)
    assert found == {
        "jobs": [
            {
                "job": row.id,
                "contract_id": CONTRACT,
                "from_ledger": 10,
                "to_ledger": 20,
                "scanned_to_ledger": 20,
                "state": "done",
                "events_found": 3,
                "told_by": None,
                "reason": None,
            }
        ],
        "done": True,
    }


def test_a_job_that_failed_fails_the_command_with_its_reason(command, sqlite_database):
    working = end_soon(sqlite_database, jobs.FAILED, "the oldest one kept is 40")
    told = command.run(*RANGE, code=1).stdout
    working.join(5)
    assert "failed" in told
    assert "oldest" in told
    assert "stopped;" not in told


def test_the_same_range_joins_the_job_that_is_not_through(command, sqlite_database, monkeypatch):
    monkeypatch.setattr("cli.job_runs._wait", stop_at_once)
    with sqlite_database.begin() as conn:
        asked = jobs.request(
            conn, kind=jobs.BACKFILL, contract_id=CONTRACT, ledgers=LedgerRange(10, 20)
        )
    assert [each["job"] for each in command.json(*RANGE, code=1)["jobs"]] == [asked.id]
    other = command.json("backfill", "--from", 10, "--to", 19, code=1)["jobs"]
    assert [each["job"] for each in other] != [asked.id]
    assert len(jobs_of(sqlite_database)) == 2


def test_stopped_early_the_jobs_stay(command, sqlite_database, monkeypatch):
    monkeypatch.setattr("cli.job_runs._wait", stop_at_once)
    told = command.run(*RANGE, code=1).stdout
    assert "the same command joins them again" in told
    assert [row.state for row in jobs_of(sqlite_database)] == ["waiting"]


def stop_at_once(database, requested, stop, *, quiet):
    stop.set()
    with database.read() as conn:
        return jobs.progress(conn, requested)


def test_every_configured_contract_gets_its_job_unless_one_is_named(
    monkeypatch, command, sqlite_url, sqlite_database
):
    monkeypatch.setattr("cli.job_runs._wait", stop_at_once)
    contracts = json.dumps([{"id": CONTRACT}, {"id": OTHER}])
    command = Command(monkeypatch, sqlite_url, NETWORK__CONTRACTS=contracts)
    command.run(*RANGE, "--contract", OTHER, code=1)
    assert [row.contract_id for row in jobs_of(sqlite_database)] == [OTHER]
    command.run(*RANGE, code=1)
    assert {row.contract_id for row in jobs_of(sqlite_database)} == {CONTRACT, OTHER}
    assert len(jobs_of(sqlite_database)) == 2


def test_a_contract_that_is_not_followed_is_refused(command, sqlite_database):
    done = command.run(*RANGE, "--contract", OTHER, code=2)
    assert "`pausewire contracts add` it" in done.stderr
    assert jobs_of(sqlite_database) == []


def test_what_live_following_will_scan_anyway_is_refused(command, sqlite_database):
    with sqlite_database.begin() as conn:
        arrange(conn, {CONTRACT: 16}, 1)
    done = command.run(*RANGE, code=2)
    assert "give --to 15 or lower" in done.stderr
    assert jobs_of(sqlite_database) == []


def test_a_profile_that_is_not_there_is_named(monkeypatch, command, sqlite_url):
    contracts = json.dumps([{"id": CONTRACT, "profile": "unheard-of"}])
    command = Command(monkeypatch, sqlite_url, NETWORK__CONTRACTS=contracts)
    assert "there is no such profile" in command.run(*RANGE, code=2).stderr
