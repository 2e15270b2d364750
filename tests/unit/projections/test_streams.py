"""The read model of streams: what a row says, and how lists are searched."""

import pytest

from domain.facts import (
    DelegateSet,
    EmployeeTransferred,
    EmployerAccepted,
    EmployerProposed,
    RateChanged,
    StatusStated,
)
from domain.values import I128, U64_MAX
from projections import stream_pages, streams
from projections.sets import active_set
from projections.streams import StreamRow
from store.engine import Database
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    closed_at,
    created,
    event_id,
    paused,
    place,
    resumed,
    told,
    withdrawn,
)


def one(database: Database, stream: int = 7) -> StreamRow:
    with database.read() as conn:
        return streams.entry(conn.execute(*streams.one(active_set(conn), CONTRACT, stream)).one())


def listed(database: Database, **filters: object) -> list[int]:
    with database.read() as conn:
        query = stream_pages.page(active_set(conn), **{"limit": 50, **filters})
        return [streams.entry(row).stream_id for row in conn.execute(*query)]


def test_a_paused_stream_says_since_when_and_by_what(sqlite_database):
    told(sqlite_database, [created(1)], [paused(3, employer=EMPLOYER)])
    row = one(sqlite_database)
    assert (row.status, row.employer, row.employee) == ("paused", EMPLOYER, EMPLOYEE)
    assert row.paused_since == row.status_at == closed_at(3)
    assert (row.status_event_id, row.status_ledger) == (event_id(3), 3)
    assert (row.paused_by, row.created_at, row.rate) == (EMPLOYER, closed_at(1), 10)
    assert (row.pause_count, row.total_paused_seconds, row.anomalies) == (1, 0, 0)
    assert (row.version, row.position) == (2, 2)


def test_a_resumed_stream_adds_the_pause_to_its_total(sqlite_database):
    told(sqlite_database, [created(1)], [paused(3)], [resumed(9)], [withdrawn(10)])
    row = one(sqlite_database)
    assert (row.status, row.paused_since, row.paused_by) == ("active", None, None)
    assert row.total_paused_seconds == closed_at(9) - closed_at(3)
    assert (row.last_event_id, row.last_ledger, row.last_closed_at) == (
        event_id(10), 10, closed_at(10),
    )  # fmt: skip


def test_a_refused_fact_counts_as_an_anomaly_and_changes_nothing_else(sqlite_database):
    told(sqlite_database, [created(1), paused(2), paused(3)])
    row = one(sqlite_database)
    assert (row.anomalies, row.paused_since, row.last_ledger) == (1, closed_at(2), 3)


def test_parties_rate_and_delegate_follow_the_facts(sqlite_database):
    about = {"stream_id": 7}
    told(
        sqlite_database,
        [created(1)],
        [EmployeeTransferred(**place(2), **about, previous=EMPLOYEE, employee=OTHER)],
        [EmployerProposed(**place(3), **about, employer=EMPLOYER, proposed=EMPLOYEE)],
        [DelegateSet(**place(4), **about, delegate=OTHER)],
        [RateChanged(**place(5), **about, previous_rate=I128(10), rate=I128(2**126))],
    )
    row = one(sqlite_database)
    assert (row.employee, row.proposed_employer, row.delegate) == (OTHER, EMPLOYEE, OTHER)
    assert row.rate == 2**126
    assert listed(sqlite_database, employee=EMPLOYEE) == []


def test_an_accepted_proposal_makes_the_proposed_the_employer(sqlite_database):
    about = {"stream_id": 7}
    told(
        sqlite_database,
        [created(1)],
        [EmployerProposed(**place(3), **about, employer=EMPLOYER, proposed=OTHER)],
        [EmployerAccepted(**place(6), **about, previous=EMPLOYER, employer=OTHER)],
    )
    row = one(sqlite_database)
    assert (row.employer, row.proposed_employer) == (OTHER, None)
    assert listed(sqlite_database, employer=OTHER) == [7]


def test_a_status_without_a_known_start_is_paused_since_nobody_knows(sqlite_database):
    stored = place(4) | {"event_id": "storage:x:7:paused=1:4", "order": "~~paused"}
    told(sqlite_database, [StatusStated(**stored, stream_id=7, status="paused")])
    row = one(sqlite_database)
    assert (row.status, row.paused_since, row.pause_count) == ("paused", None, 0)


def test_the_largest_stream_id_is_found(sqlite_database):
    told(sqlite_database, [created(1, stream=U64_MAX)], [created(2, stream=0)])
    assert one(sqlite_database, U64_MAX).stream_id == U64_MAX
    assert listed(sqlite_database) == [0, U64_MAX]


def test_pages_follow_each_other_without_a_hole(sqlite_database):
    told(sqlite_database, [created(n + 1, stream=n) for n in range(7)])
    assert listed(sqlite_database, limit=3) == [0, 1, 2]
    assert listed(sqlite_database, limit=3, after=(CONTRACT, 2)) == [3, 4, 5]
    assert listed(sqlite_database, limit=3, after=(CONTRACT, 6)) == []


def test_filters_add_up(sqlite_database):
    told(
        sqlite_database,
        [created(1, stream=1), created(2, stream=2), created(3, stream=3, employee=OTHER)],
        [paused(4, stream=1), cancelled(5, stream=2), paused(6, stream=3)],
    )
    assert listed(sqlite_database, status="paused") == [1, 3]
    assert listed(sqlite_database, status="paused", employee=OTHER) == [3]
    assert listed(sqlite_database, employer=EMPLOYER, contract_id=CONTRACT) == [1, 2, 3]
    assert listed(sqlite_database, contract_id="C" + "B" * 55) == []


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("12", [12, 120, 1299]),
        ("0", [0]),
        ("012", []),
        ("18446744073709551615", [U64_MAX]),
        ("18446744073709551616", []),
        ("GA", [0, 12, 13, 120, 1299, 2120, U64_MAX]),
        ("GC", [13]),
        ("GAB", []),
        ("%", []),
    ],
)
def test_a_search_matches_how_ids_begin(sqlite_database, q, found):
    ids = [0, 12, 120, 1299, 2120, U64_MAX]
    several = [created(1, stream=each, n=n) for n, each in enumerate(ids)]
    told(sqlite_database, several, [created(2, stream=13, employee=OTHER)])
    assert listed(sqlite_database, q=q) == found
