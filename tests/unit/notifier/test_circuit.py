"""The breaker of a provider."""

import pytest

from notifier import circuit
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DestinationRejected,
    SenderRefused,
)
from store.engine import Database

NOW = 1_790_000_000_000_000
SECOND = 1_000_000
AWAY = ChannelUnavailable("x")


@pytest.mark.parametrize(
    ("error", "needed"),
    [(CredentialsRefused("x"), 1), (SenderRefused("x"), 3), (ChannelUnavailable("x"), 5)],
)
def test_faults_in_a_row_open_it(sqlite_database: Database, error: Exception, needed: int) -> None:
    with sqlite_database.begin() as conn:
        for _ in range(needed - 1):
            assert circuit.note_fault(conn, "smtp", error, NOW) is None
        assert circuit.allowance(conn, "smtp", NOW) is None
        assert circuit.note_fault(conn, "smtp", error, NOW) == circuit.OPEN
        assert circuit.allowance(conn, "smtp", NOW) == 0
        assert circuit.allowance(conn, "other", NOW) is None


@pytest.mark.parametrize("error", [Deferred("x"), DestinationRejected("x"), KeyError("x")])
def test_what_is_not_the_providers_fault_does_not_count(
    sqlite_database: Database, error: Exception
) -> None:
    with sqlite_database.begin() as conn:
        for _ in range(20):
            assert circuit.note_fault(conn, "smtp", error, NOW) is None
        assert circuit.breakers(conn, ["smtp"]) == {"smtp": "closed"}


def test_a_success_between_faults_starts_the_count_anew(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        for _ in range(3):
            for _ in range(4):
                circuit.note_fault(conn, "smtp", AWAY, NOW)
            circuit.note_success(conn, "smtp", NOW)
        assert circuit.allowance(conn, "smtp", NOW) is None


def test_half_open_lets_one_try_until_it_is_back(sqlite_database: Database) -> None:
    later = NOW + 30 * SECOND
    with sqlite_database.begin() as conn:
        for _ in range(5):
            circuit.note_fault(conn, "smtp", AWAY, NOW)
        assert circuit.allowance(conn, "smtp", later - 1) == 0
        assert circuit.allowance(conn, "smtp", later) == 1
        circuit.begin_try(conn, "smtp", later)
        assert circuit.breakers(conn, ["smtp"]) == {"smtp": "half_open"}
        assert circuit.allowance(conn, "smtp", later + 1) == 0
        # The one try never came back: another may go.
        assert circuit.allowance(conn, "smtp", later + 30 * SECOND) == 1


def test_asking_costs_no_try(sqlite_database: Database) -> None:
    later = NOW + 30 * SECOND
    with sqlite_database.begin() as conn:
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), NOW)
        assert circuit.allowance(conn, "smtp", later) == 1
        assert circuit.allowance(conn, "smtp", later + 1) == 1
        assert circuit.breakers(conn, ["smtp"]) == {"smtp": "open"}


def test_the_try_closes_it_or_opens_it_for_longer(sqlite_database: Database) -> None:
    later = NOW + 30 * SECOND
    with sqlite_database.begin() as conn:
        for _ in range(5):
            circuit.note_fault(conn, "smtp", AWAY, NOW)
        circuit.begin_try(conn, "smtp", later)
        assert circuit.note_fault(conn, "smtp", AWAY, later) == circuit.OPEN
        assert circuit.allowance(conn, "smtp", later + 59 * SECOND) == 0
        assert circuit.allowance(conn, "smtp", later + 60 * SECOND) == 1
        circuit.note_success(conn, "smtp", later)
        assert circuit.allowance(conn, "smtp", later) is None


def test_faults_of_letters_already_under_way_do_not_prolong_an_open_one(
    sqlite_database: Database,
) -> None:
    with sqlite_database.begin() as conn:
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), NOW)
        assert circuit.note_fault(conn, "smtp", CredentialsRefused("x"), NOW + SECOND) is None
        assert circuit.allowance(conn, "smtp", NOW + 30 * SECOND) == 1


def test_leaving_it_alone_has_a_longest_time() -> None:
    assert [circuit.open_seconds(n) for n in (1, 5, 6, 7, 10, 500)] == [30, 30, 60, 120, 600, 600]
