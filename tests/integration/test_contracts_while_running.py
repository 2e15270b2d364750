"""Contracts come and go while the indexer runs: nobody else is disturbed, none is followed twice."""

import pytest
from sqlalchemy import select

from ingest.sources import passed
from simulator.accounts import contract_id_for
from simulator.network import running
from store.schema import evidence, ingest_source
from tests.integration.test_endpoints_simulated import indexing, options, pointed, until


def ledger(database, contract):
    with database.read() as conn:
        return passed(conn, contract) or 0


def sources(database):
    with database.read() as conn:
        return {row.contract_id: row.source for row in conn.execute(select(ingest_source))}


@pytest.mark.parametrize("profile", ["paystream"])
def test_a_contract_is_added_and_removed_without_a_restart(
    monkeypatch, tmp_path, sqlite_url, sqlite_database, profile
):
    with running(options(tmp_path, scenario="steady", nodes=1)) as network:
        command = pointed(monkeypatch, network, sqlite_url)
        first, second = network.contract_id, contract_id_for(99)
        with indexing(sqlite_database) as ended:
            until(lambda: ledger(sqlite_database, first))
            command.json("contracts", "add", second, "--start-ledger", network.first_ledger)
            until(lambda: ledger(sqlite_database, second) > network.first_ledger)
            rows = {each["contract_id"]: each for each in command.json("contracts", "list")}
            assert rows[first]["named_by"] == "settings"
            assert rows[second]["named_by"] == "contracts add"
            at = ledger(sqlite_database, first)
            until(lambda: ledger(sqlite_database, first) > at)
            command.json("contracts", "remove", second)
            until(lambda: second not in sources(sqlite_database))
            at = ledger(sqlite_database, first)
            until(lambda: ledger(sqlite_database, first) > at)
            assert not ended
        found = command.json("completeness")
        assert {each["contract_id"] for each in found["contracts"]} == {first}
        with sqlite_database.read() as conn:
            assert len(conn.execute(select(evidence.c.event_id)).all()) > 0


def test_a_contract_that_came_close_is_joined_at_the_next_start(
    monkeypatch, tmp_path, sqlite_url, sqlite_database
):
    with running(options(tmp_path, nodes=1)) as network:
        command = pointed(monkeypatch, network, sqlite_url)
        second = contract_id_for(99)
        command.run("contracts", "add", second, "--start-ledger", network.first_ledger)
        with indexing(sqlite_database):
            until(lambda: ledger(sqlite_database, second) > network.first_ledger)
        assert len(set(sources(sqlite_database).values())) == 1


def test_what_cannot_be_is_refused_with_the_way_out(monkeypatch, tmp_path, sqlite_url):
    with running(options(tmp_path, nodes=1)) as network:
        command = pointed(monkeypatch, network, sqlite_url)
        second = contract_id_for(99)
        assert (
            "network.contracts"
            in command.run("contracts", "add", network.contract_id, code=2).stderr
        )
        assert (
            "network.contracts"
            in command.run("contracts", "remove", network.contract_id, code=2).stderr
        )
        assert "not followed" in command.run("contracts", "remove", second, code=1).stderr
        command.run("contracts", "add", second, "--profile", "nobody-knows-it", code=2)
        command.run("contracts", "add", second)
        assert "already" in command.run("contracts", "add", second, code=1).stderr
        monkeypatch.setenv("COLUMNS", "200")
        assert second in command.run("contracts", "list").stdout
        command.run("contracts", "remove", second)
