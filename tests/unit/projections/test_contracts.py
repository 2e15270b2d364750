"""The read model of contracts: the contract-wide pause, upgrades, and gaps."""

from domain.contract import GapOpened
from domain.facts import ContractUpgraded
from domain.values import contract_uuid
from projections import contracts
from projections.contracts import GapRow
from projections.sets import active_set
from store import log
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    NETWORK,
    OTHER,
    Ingest,
    all_paused,
    closed_at,
    created,
    event_id,
    follow,
    place,
    told,
)


def one(database):
    with database.read() as conn:
        row = conn.execute(*contracts.one(active_set(conn), CONTRACT)).one_or_none()
        return None if row is None else contracts.entry(row)


def gaps(database):
    with database.read() as conn:
        found = conn.execute(contracts.gaps(active_set(conn), CONTRACT))
        return [GapRow(*row)[1:] for row in found]


def test_a_contract_without_contract_wide_events_has_no_row(sqlite_database):
    told(sqlite_database, [created(1)])
    assert one(sqlite_database) is None


def test_a_repeated_pause_keeps_the_first_start(sqlite_database):
    told(sqlite_database, [all_paused(2)], [all_paused(3)])
    row = one(sqlite_database)
    assert (row.status, row.paused_since, row.pause_count) == ("paused", closed_at(2), 1)
    assert (row.status_event_id, row.status_ledger, row.last_ledger) == (event_id(2), 2, 3)
    assert row.paused_by == OTHER


def test_pause_and_upgrade_are_told_by_one_row(sqlite_database):
    upgrade = ContractUpgraded(**place(5), previous_wasm=None, wasm="ab")
    told(sqlite_database, [all_paused(2), all_paused(4, value=False)], [upgrade])
    row = one(sqlite_database)
    assert (row.status, row.wasm, row.paused_since, row.paused_by) == ("active", "ab", None, None)
    assert row.total_paused_seconds == closed_at(4) - closed_at(2)


def test_a_late_contract_pause_revises_the_row(sqlite_database):
    told(sqlite_database, [all_paused(9, value=False)], [all_paused(3)])
    assert one(sqlite_database).total_paused_seconds == closed_at(9) - closed_at(3)


def test_a_gap_stays_open_until_it_is_healed(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    follow(sqlite_database)
    assert gaps(sqlite_database) == [(10, 20, 5, None, None)]
    ingest.gap(10, 20, healed_by="archive")
    follow(sqlite_database)
    assert gaps(sqlite_database) == [(10, 20, 5, "archive", 9)]


def test_a_gap_healed_in_part_is_cut(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    ingest.gap(40, 50)
    ingest.gap(13, 15, healed_by="archive")
    follow(sqlite_database)
    assert gaps(sqlite_database) == [
        (10, 12, 5, None, None),
        (13, 15, 5, "archive", 9),
        (16, 20, 5, None, None),
        (40, 50, 5, None, None),
    ]


def test_storage_counts_until_events_fill_the_gap_and_never_after(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    ingest.gap(1, 20, healed_by="storage")
    ingest.gap(10, 14, healed_by="archive")
    ingest.gap(10, 14, healed_by="storage")
    follow(sqlite_database)
    assert gaps(sqlite_database) == [(10, 14, 5, "archive", 9), (15, 20, 5, "storage", 9)]


def test_a_gap_over_healed_ledgers_opens_them_again(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    ingest.gap(10, 20, healed_by="archive")
    ingest.gap(18, 30)
    follow(sqlite_database)
    assert gaps(sqlite_database) == [(10, 17, 5, "archive", 9), (18, 30, 5, None, None)]


def test_gaps_of_two_contracts_in_one_chunk_stay_apart(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.gap(10, 20)
    another = "C" + "B" * 55
    key = contract_uuid(NETWORK, another)
    with sqlite_database.begin() as conn:
        log.append(conn, [GapOpened(key, 1, another, 10, 12, 6)], recorded_at=1)
    follow(sqlite_database)
    assert gaps(sqlite_database) == [(10, 20, 5, None, None)]
    with sqlite_database.read() as conn:
        assert [tuple(row)[:3] for row in conn.execute(contracts.all_gaps("a"))] == [
            (CONTRACT, 10, 20),
            (another, 10, 12),
        ]
