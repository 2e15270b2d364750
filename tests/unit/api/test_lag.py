import pytest

from api.lag import lag_ledgers
from store.bulk import insert_many
from store.engine import Database
from store.schema import ledger_close

START = 1_790_000_000


def lag(database: Database, fresh: int | None, at: float, closes: dict[int, int]) -> int | None:
    rows = [(ledger, START + second) for ledger, second in closes.items()]
    with database.begin() as conn:
        insert_many(conn, ledger_close, ("ledger", "closed_at"), rows, on_conflict="error")
        return lag_ledgers(conn, fresh, int((START + at) * 1_000_000))


@pytest.mark.parametrize(
    ("at", "behind"), [(0, 0), (4.9, 0), (5.1, 1), (50, 10), (-3, 0), (3600, 720)]
)
def test_ledgers_that_must_have_closed_since_are_counted(sqlite_database, at, behind):
    assert lag(sqlite_database, 100, at, {90: -50, 100: 0}) == behind


def test_the_networks_own_pace_counts(sqlite_database):
    assert lag(sqlite_database, 100, 10, {90: -20, 100: 0}) == 5


def test_one_close_time_is_enough_at_the_public_networks_pace(sqlite_database):
    assert lag(sqlite_database, 100, 10, {100: 0}) == 2


def test_ledgers_scanned_beyond_the_last_close_time_are_not_counted(sqlite_database):
    assert lag(sqlite_database, 103, 20, {90: -50, 100: 0, 200: 500}) == 1


def test_equal_close_times_do_not_divide_by_zero(sqlite_database):
    assert lag(sqlite_database, 100, 10, {99: 0, 100: 0}) == 2


def test_nothing_scanned_or_no_close_time_known_is_no_number(sqlite_database):
    assert lag(sqlite_database, None, 0, {100: 0}) is None
    assert lag(sqlite_database, 99, 0, {}) is None
