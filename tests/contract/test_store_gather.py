"""A crowd's transaction: what may wait is done at its end, once; a failed crowd leaves nothing."""

import pytest
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from store.engine import Database
from store.gather import ask_once, change_later, gathering, insert_later
from store.schema import tracking

_COLUMNS = ("name", "position")
_MOVED = (
    update(tracking).where(tracking.c.name == bindparam("is_name")).values(position=bindparam("to"))
)


def standing(conn: Connection) -> dict[str, int]:
    return {row.name: row.position for row in conn.execute(select(tracking))}


def add(conn: Connection, *names: str) -> None:
    insert_later(conn, tracking, _COLUMNS, [(name, 0) for name in names])


def move(conn: Connection, name: str, to: int) -> None:
    change_later(conn, _MOVED, name, {"is_name": name, "to": to})


def test_alone_everything_happens_at_once(database: Database) -> None:
    with database.begin() as conn:
        add(conn, "a")
        move(conn, "a", 7)
        assert standing(conn) == {"a": 7}
        assert [ask_once(conn, standing)["a"], ask_once(conn, standing)["a"]] == [7, 7]
        move(conn, "a", 8)
        assert ask_once(conn, standing) == {"a": 8}


def test_in_a_crowd_rows_and_changes_wait_for_its_end(database: Database) -> None:
    with database.begin() as conn:
        with gathering(conn):
            add(conn, "a", "b")
            add(conn, "c")
            move(conn, "a", 7)
            move(conn, "b", 5)
            move(conn, "a", 9)
            assert standing(conn) == {}
            assert ask_once(conn, standing) == {}
        assert standing(conn) == {"a": 9, "b": 5, "c": 0}
    with database.begin() as conn, gathering(conn):
        assert ask_once(conn, standing) == {"a": 9, "b": 5, "c": 0}


def test_a_question_is_asked_once_for_the_crowd(database: Database) -> None:
    with database.begin() as conn, gathering(conn):
        assert ask_once(conn, standing) == {}
        conn.execute(tracking.insert().values(name="late", position=1))
        assert ask_once(conn, standing) == {}


def test_a_crowd_that_fails_leaves_nothing_behind(database: Database) -> None:
    def fail(conn: Connection) -> None:
        with gathering(conn):
            add(conn, "a")
            raise LookupError

    with pytest.raises(LookupError), database.begin() as conn:
        fail(conn)
    with database.begin() as conn:
        with gathering(conn):
            pass
        assert standing(conn) == {}


def test_a_row_that_exists_already_fails_the_crowd(database: Database) -> None:
    with pytest.raises(IntegrityError), database.begin() as conn, gathering(conn):
        add(conn, "a", "a")
    with database.read() as conn:
        assert standing(conn) == {}
