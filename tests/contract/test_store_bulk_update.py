"""Many rows changed by key in one call, each to its own values, the same on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from store.bulk import insert_many, select_many
from store.bulk_update import lock_many, update_many
from store.engine import Database
from store.schema import tracking

NAMES = [f"n{number}" for number in range(100)]


@pytest.fixture
def conn(database):
    with database.begin() as conn:
        rows = [(name, number) for number, name in enumerate(NAMES)]
        insert_many(conn, tracking, ("name", "position"), rows, on_conflict="error")
        yield conn


def change(conn, rows, **how):
    returning = (tracking.c.position, tracking.c.name)
    return update_many(conn, tracking, ("name",), ("position",), rows, returning=returning, **how)


def kept(conn):
    return dict(select_many(conn, (tracking.c.name, tracking.c.position), tracking.c.name, NAMES))


def test_each_gets_its_own_value_and_answers_come_in_the_order_asked(conn):
    wanted = [(name, 1000 + number) for number, name in enumerate(NAMES)][::-1]
    assert change(conn, wanted) == [(position, name) for name, position in wanted]
    assert kept(conn) == dict(wanted)


def test_who_is_not_there_or_does_not_meet_the_condition_is_none_and_unchanged(conn):
    rows = [("n1", 50), ("nobody", 51), ("n2", 52)]
    assert change(conn, rows, where="tracking.position < 2") == [(50, "n1"), None, None]
    assert kept(conn) == {name: number for number, name in enumerate(NAMES)} | {"n1": 50}


def test_two_keys_must_both_match(conn):
    how = {"returning": (tracking.c.name,)}
    rows = [("n1", 1, 7), ("n2", 1, 7)]
    keys = ("name", "position")
    assert update_many(conn, tracking, keys, ("position",), rows, **how) == [("n1",), None]


def test_one_row_is_changed_once_by_a_condition_that_its_change_ends(conn):
    found = change(conn, [("n1", 50), ("n1", 51)], where="tracking.position = 1")
    assert sorted(each is None for each in found) == [False, True]
    assert [each for each in found if each is not None] == [(kept(conn)["n1"], "n1")]


def test_none_are_no_statement(conn):
    assert change(conn, []) == []
    lock_many(conn, tracking.c.name, [])


@pytest.mark.postgres
def test_crowds_that_lock_the_same_rows_do_not_wait_in_a_circle(postgres_url):
    database = Database.open(postgres_url)
    with database.begin() as conn:
        rows = [(name, number) for number, name in enumerate(NAMES)]
        insert_many(conn, tracking, ("name", "position"), rows, on_conflict="error")
    begin = threading.Barrier(2)

    def lock(names):
        begin.wait()
        for _ in range(50):
            with database.begin() as conn:
                lock_many(conn, tracking.c.name, names)
                change(conn, [(name, 1) for name in names])

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(lock, NAMES), pool.submit(lock, NAMES[::-1])]:
            done.result()
    database.close()
