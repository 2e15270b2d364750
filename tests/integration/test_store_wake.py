"""Wake-ups reach waiters of the same process, and of others through PostgreSQL."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import text

from store.engine import Database
from store.wake import LOG, OUTBOX, Bell
from tests.fixtures_databases import libpq

LONG = 20.0


def seconds_of(wait) -> float:
    started = time.monotonic()
    wait()
    return time.monotonic() - started


def ring(database: Database, channel: str = LOG) -> None:
    with database.begin() as conn:
        database.bell.ring(conn, channel)


def test_a_ring_ends_the_wait_of_its_channel(database):
    timer = threading.Timer(0.1, ring, (database,))
    timer.start()
    assert seconds_of(lambda: database.bell.wait(LOG, LONG)) < LONG / 2
    timer.join()


def test_a_ring_between_two_waits_is_not_missed(database):
    ring(database)
    assert seconds_of(lambda: database.bell.wait(LOG, LONG)) < LONG / 2


def test_a_ring_is_heard_once_and_on_its_own_channel(database):
    ring(database, OUTBOX)
    assert seconds_of(lambda: database.bell.wait(LOG, 0.05)) >= 0.05
    database.bell.wait(OUTBOX, LONG)
    assert seconds_of(lambda: database.bell.wait(OUTBOX, 0.05)) >= 0.05


def test_a_ring_in_a_transaction_that_fails_is_not_heard(database):
    def ring_and_fail() -> None:
        with database.begin() as conn:
            database.bell.ring(conn, LOG)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ring_and_fail()
    with database.begin():
        pass
    assert seconds_of(lambda: database.bell.wait(LOG, 0.05)) >= 0.05


def test_closing_ends_every_wait(database):
    timer = threading.Timer(0.1, database.bell.close)
    timer.start()
    assert seconds_of(lambda: database.bell.wait(LOG, LONG)) < LONG / 2
    timer.join()


def hearing(database: Database) -> None:
    """Until its thread listens: it strikes once when it begins."""
    assert seconds_of(lambda: database.bell.wait(LOG, LONG)) < LONG, "nobody listens"


@pytest.mark.postgres
def test_a_ring_reaches_other_processes_through_postgresql(postgres_url):
    here = Database.open(postgres_url, direct_url=postgres_url)
    there = Database.open(postgres_url, direct_url=postgres_url)
    hearing(there)
    timer = threading.Timer(0.1, ring, (here,))
    timer.start()
    assert seconds_of(lambda: there.bell.wait(LOG, LONG)) < LONG / 2
    timer.join()
    here.close()
    there.close()


@pytest.mark.postgres
def test_a_transaction_notifies_once_however_often_it_rings(postgres_url):
    database = Database.open(postgres_url, direct_url=postgres_url)
    with psycopg.connect(libpq(postgres_url), autocommit=True) as listener:
        listener.execute("LISTEN pausewire_log")
        with database.begin() as conn:
            database.bell.ring(conn, LOG)
            database.bell.ring(conn, LOG)
        heard = list(listener.notifies(timeout=0.3))
    assert [(each.channel, each.payload) for each in heard] == [("pausewire_log", "")]
    database.close()


@pytest.mark.postgres
def test_without_a_direct_address_nothing_is_notified(postgres_url):
    database = Database.open(postgres_url)
    with psycopg.connect(libpq(postgres_url), autocommit=True) as listener:
        listener.execute("LISTEN pausewire_log")
        ring(database)
        assert list(listener.notifies(timeout=0.2)) == []
    database.close()


@pytest.mark.postgres
def test_a_lost_listening_connection_is_made_again(postgres_url):
    database = Database.open(postgres_url, direct_url=postgres_url)
    hearing(database)
    with database.begin() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
        )
    hearing(database)  # struck again by the new connection
    database.close()


def test_a_bell_whose_server_is_away_falls_back_to_polling():
    bell = Bell("postgresql://nobody@127.0.0.1:1/none")
    assert seconds_of(lambda: bell.wait(LOG, 0.2)) >= 0.2
    bell.close()
