"""`pausewire completeness`: the certificate as people and programs get it."""

import json

import pytest

from domain.contract import GapOpened
from domain.values import contract_uuid
from ingest import coverage, profile_conflicts
from ingest.coverage import LedgerRange
from ingest.profile_conflicts import ProfileConflict
from ingest.sources import arrange
from simulator.accounts import contract_id_for
from simulator.chain import FIRST_LEDGER
from store import log
from tests.fakes.chain import CONTRACT, GENESIS, event_id
from tests.fakes.commands import Command
from tests.fakes.indexer import NETWORK

OTHER = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"


@pytest.fixture
def command(monkeypatch, sqlite_url):
    return Command(monkeypatch, sqlite_url)


def scanned(database, low, high, contract=CONTRACT):
    with database.begin() as conn:
        coverage.extend(conn, [contract], LedgerRange(low, high))


def gap(database, low, high, version=1):
    event = GapOpened(
        contract_uuid(NETWORK, CONTRACT), version, CONTRACT, low, high, noticed_at=GENESIS
    )
    with database.begin() as conn:
        log.append(conn, [event], recorded_at=1)


def test_a_complete_contract_is_certified(command, sqlite_database):
    scanned(sqlite_database, 10, 99)
    assert command.json("completeness") == {
        "contracts": [
            {
                "contract_id": CONTRACT,
                "from_ledger": 10,
                "to_ledger": 99,
                "complete": True,
                "gaps": [],
                "quarantined": 0,
                "profile_conflicts": [],
                "confirmed_by_whole_ledgers": [],
                "reconciled": None,
                "reconciled_at_ledger": None,
                "differences": [],
            }
        ],
        "complete": True,
    }
    assert command.run("completeness").stdout.split() == [
        *("complete", CONTRACT, "ledgers", "10", "to", "99"),
        *("storage:", "never", "compared", "(`pausewire", "reconcile`)"),
    ]


def test_gaps_are_named_and_the_command_fails(command, sqlite_database):
    gap(sqlite_database, 20, 49)
    scanned(sqlite_database, 50, 99)
    found = command.json("completeness", "--from", 10, "--to", 80, code=1)
    assert found["complete"] is found["contracts"][0]["complete"] is False
    assert found["contracts"][0]["gaps"] == [
        {"from_ledger": 10, "to_ledger": 19, "since": None, "healed_by": None},
        {"from_ledger": 20, "to_ledger": 49, "since": "2026-07-21T17:30:00Z", "healed_by": None},
    ]
    told = command.run("completeness", "--from", 10, code=1).stdout
    assert f"NOT complete  {CONTRACT}  ledgers 10 to 99" in told
    assert "ledgers 10 to 19: never scanned" in told
    assert "ledgers 20 to 49: missed, noticed at 2026-07-21T17:30:00Z, open" in told


def test_a_configured_contract_is_judged_from_its_start_ledger(monkeypatch, sqlite_database):
    contracts = json.dumps([{"id": CONTRACT, "start_ledger": 5}])
    command = Command(monkeypatch, sqlite_database.url, NETWORK__CONTRACTS=contracts)
    scanned(sqlite_database, 10, 99)
    (found,) = command.json("completeness", code=1)["contracts"]
    assert [(each["from_ledger"], each["to_ledger"]) for each in found["gaps"]] == [(5, 9)]
    assert command.json("completeness", "--from", 10)["complete"]
    assert command.json("completeness", "--to", 4, code=1) == {"contracts": [], "complete": False}


def test_a_contract_nobody_has_scanned_is_not_complete(command, sqlite_database):
    scanned(sqlite_database, 10, 99, OTHER)
    (found,) = command.json("completeness", code=1)["contracts"]
    assert (found["contract_id"], found["from_ledger"], found["complete"]) == (
        CONTRACT,
        None,
        False,
    )
    assert "nothing was scanned yet" in command.run("completeness", code=1).stdout


def test_contracts_followed_until_now_count_too(command, sqlite_database):
    with sqlite_database.begin() as conn:
        arrange(conn, {OTHER: 10, CONTRACT: 10}, 1)
    scanned(sqlite_database, 10, 99)
    found = command.json("completeness", code=1)["contracts"]
    assert [(each["contract_id"], each["complete"]) for each in found] == [
        (CONTRACT, True),
        (OTHER, False),
    ]


def test_ledgers_in_the_wrong_order_are_refused(command):
    done = command.run("completeness", "--from", 9, "--to", 8, code=2)
    assert "give the lower ledger first" in done.stderr


def test_in_development_the_simulated_networks_contract_is_meant(monkeypatch, sqlite_database):
    settings = {"SIMULATOR__ENABLED": "true", "NETWORK__CONTRACTS": "[]"}
    command = Command(monkeypatch, sqlite_database.url, **settings)
    (found,) = command.json("completeness", "--to", 1_020, code=1)["contracts"]
    assert found["contract_id"] == contract_id_for(1)
    assert (found["from_ledger"], found["to_ledger"]) == (FIRST_LEDGER, 1_020)


def test_what_would_read_otherwise_today_is_named(command, sqlite_database):
    scanned(sqlite_database, 10, 99)
    place = event_id(20)
    with sqlite_database.begin() as conn:
        conflict = ProfileConflict(place, CONTRACT, "StreamResumed stream_id=7", "paystream@2")
        profile_conflicts.write(conn, [conflict], [])
    (contract,) = command.json("completeness")["contracts"]
    assert contract["profile_conflicts"] == [
        {"event_id": place, "profile": "paystream@2", "reading": "StreamResumed stream_id=7"}
    ]
    told = command.run("completeness").stdout
    assert f"event {place}: paystream@2 reads StreamResumed stream_id=7" in told
    assert "1 profile conflicts" in command.run("status", code=1).stdout
