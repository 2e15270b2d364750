"""Headroom: how long until a needed ledger leaves the RPC's window, and who says so in time."""

import threading

import pytest
import structlog
from sqlalchemy import select

from ingest import headroom
from ingest.cursors import window_end
from ingest.headroom import RetentionGuard, headroom_seconds, leaves_at, retention
from ingest.record import Recorded
from ingest.sources import Position, arrange
from store.errors import ConnectionLost
from tests.fakes import chain
from tests.fakes.pages import page

SECOND = 1_000_000
NOW = 1_000_000  # when the fake's pages are seen, microseconds


def standing(ledger, *, latest=100):
    """A page of a node that has ledgers 1 to `latest`, five seconds each, read up to `ledger`."""
    return page([], cursor=window_end(ledger), latest_ledger=latest)


def recorded(source="live-1"):
    return Recorded(
        position=Position(source=source, cursor=window_end(1)), outcomes={}, conflicts=0
    )


class Guard:
    """A guard with a clock, over a database in which one contract is followed."""

    def __init__(self, database, warning_seconds=100.0):
        self.database = database
        self.now = NOW
        self.guard = RetentionGuard(
            database, warning_seconds=warning_seconds, clock=lambda: self.now
        )
        with database.begin() as conn:
            arrange(conn, {chain.CONTRACT: 1}, 1)

    def warnings(self):
        with structlog.testing.capture_logs() as logs:
            self.guard.warn()
        return logs

    def seconds(self):
        with self.database.read() as conn:
            return headroom_seconds(conn, self.now)


@pytest.fixture
def guarded(sqlite_database):
    return Guard(sqlite_database)


def test_the_time_left_is_the_ledgers_left_at_the_windows_own_pace():
    pace = 500 / 99  # the fake's first ledger counts from the genesis
    assert leaves_at(standing(10)) == NOW + int(10 * pace * SECOND)
    assert leaves_at(standing(100)) == NOW + int(100 * pace * SECOND)


def test_a_node_with_one_ledger_is_given_the_public_networks_pace():
    assert leaves_at(page([], cursor=window_end(1), latest_ledger=1)) == NOW + 5 * SECOND


def test_the_deadline_comes_nearer_while_nobody_fetches(guarded):
    assert guarded.seconds() is None
    guarded.guard.saw(standing(50), recorded())
    before = guarded.seconds()
    guarded.now += 60 * SECOND
    assert guarded.seconds() == pytest.approx(before - 60)
    guarded.now += 10_000 * SECOND
    assert guarded.seconds() == 0.0


def test_one_source_is_stored_every_ten_seconds_at_most_and_jobs_never(guarded):
    guarded.guard.saw(standing(50), recorded())
    guarded.now += 9 * SECOND
    guarded.guard.saw(standing(60), recorded())
    guarded.guard.saw(standing(2), recorded("job:1"))
    with guarded.database.read() as conn:
        (row,) = conn.execute(select(retention)).all()
    assert (row.source, row.needed_ledger) == ("live-1", 51)
    guarded.now += 1 * SECOND
    guarded.guard.saw(standing(60), recorded())
    with guarded.database.read() as conn:
        assert conn.execute(select(retention)).one().needed_ledger == 61


def test_a_source_that_has_no_contracts_any_more_does_not_count(guarded):
    guarded.guard.saw(standing(2), recorded("live-9"))
    assert guarded.seconds() is None
    assert guarded.warnings() == []


def test_falling_behind_is_warned_of_well_before(guarded):
    guarded.guard.saw(standing(10), recorded())
    (warning,) = guarded.warnings()
    assert warning["event"] == "retention_running_out"
    assert (warning["log_level"], warning["source"]) == ("warning", "live-1")
    assert (warning["needed_ledger"], warning["headroom_seconds"]) == (11, 51)


def test_who_is_far_from_the_edge_is_not_warned(guarded):
    guarded.guard.saw(standing(60), recorded())
    assert guarded.warnings() == []


def test_who_stands_at_the_newest_ledger_is_well_however_short_the_window(sqlite_database):
    guarded = Guard(sqlite_database, warning_seconds=100_000)
    guarded.guard.saw(standing(100), recorded())
    assert guarded.warnings() == []
    guarded.now += 180 * SECOND  # but not one who stood there a while ago
    assert len(guarded.warnings()) == 1


class Away:
    """A database that cannot be reached."""

    def begin(self, **_):
        raise ConnectionLost("away")

    read = begin


def test_a_database_that_is_away_stops_neither_recording_nor_watching(monkeypatch):
    guard = RetentionGuard(Away(), warning_seconds=1)
    guard.saw(standing(10), recorded())
    monkeypatch.setattr(headroom, "_LOOK_EVERY_SECONDS", 0.01)
    stop = threading.Event()
    with structlog.testing.capture_logs() as logs:
        thread = threading.Thread(target=guard.run, args=(stop,))
        thread.start()
        stop.wait(0.1)
        stop.set()
        thread.join(5)
    assert {each["event"] for each in logs} == {"headroom_not_read"}
