"""Coverage: ranges that grow, touch, join and never overlap."""

import pytest

from ingest import coverage
from ingest.coverage import LedgerRange
from tests.fakes import chain


def extended(database, *scanned):
    with database.begin() as conn:
        for each in scanned:
            coverage.extend(conn, [chain.CONTRACT], LedgerRange(*each))
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(coverage.ranges(chain.CONTRACT))]


@pytest.mark.parametrize(
    ("scanned", "expected"),
    [
        ([(1, 5)], [(1, 5)]),
        ([(1, 5), (6, 9)], [(1, 9)]),
        ([(1, 5), (1, 5)], [(1, 5)]),
        ([(1, 5), (8, 9)], [(1, 5), (8, 9)]),
        ([(1, 5), (8, 9), (6, 7)], [(1, 9)]),
        ([(1, 5), (8, 9), (3, 20)], [(1, 20)]),
        ([(8, 9), (1, 5)], [(1, 5), (8, 9)]),
        ([(5, 4)], []),
    ],
)
def test_ranges_join_where_they_touch(sqlite_database, scanned, expected):
    assert extended(sqlite_database, *scanned) == expected


@pytest.mark.parametrize(
    ("scanned", "wanted", "gaps"),
    [
        ([], (1, 9), [(1, 9)]),
        ([(1, 9)], (3, 5), []),
        ([(3, 5)], (1, 9), [(1, 2), (6, 9)]),
        ([(1, 2), (5, 6)], (1, 9), [(3, 4), (7, 9)]),
        ([(20, 30)], (1, 9), [(1, 9)]),
    ],
)
def test_what_is_missing_of_a_wanted_range(scanned, wanted, gaps):
    found = coverage.missing([LedgerRange(*each) for each in scanned], LedgerRange(*wanted))
    assert [tuple(each) for each in found] == gaps


def test_close_times_are_remembered_once(sqlite_database):
    with sqlite_database.begin() as conn:
        coverage.remember_closes(conn, {1: 10, 2: 20})
        coverage.remember_closes(conn, {2: 99, 3: 30})
        coverage.remember_closes(conn, {})
        rows = conn.exec_driver_sql("SELECT ledger, closed_at FROM ledger_close ORDER BY 1").all()
    assert [tuple(row) for row in rows] == [(1, 10), (2, 20), (3, 30)]
