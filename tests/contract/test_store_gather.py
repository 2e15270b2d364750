"""A crowd's transaction: asked once, done at its end in turns; a failed crowd leaves nothing."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, select

from store.bulk import insert_many
from store.engine import Database
from store.gather import ask_once, at_end, gathering
from store.schema import tracking


def standing(conn: Connection) -> list[str]:
    return list(conn.scalars(select(tracking.c.name).order_by(tracking.c.position)))


def add(conn: Connection, names: Sequence[str]) -> None:
    """`position` tells in which order; how many were in one call, and after how many rows, is a row too."""
    first = len(standing(conn))
    rows = [(name, first + place) for place, name in enumerate([*names, f"{first}: {len(names)}"])]
    insert_many(conn, tracking, ("name", "position"), rows, on_conflict="error")


def add_late(conn: Connection, names: Sequence[str]) -> None:
    add(conn, [f"late {name}" for name in names])


def test_alone_everything_happens_at_once(database: Database) -> None:
    with database.begin() as conn:
        assert ask_once(conn, standing) == []
        at_end(conn, add, "a", turn=0)
        assert ask_once(conn, standing) == ["a", "0: 1"]


def test_a_crowd_asks_once_and_acts_once_at_its_end_in_turns(database: Database) -> None:
    with database.begin() as conn:
        with gathering(conn):
            at_end(conn, add_late, "c", turn=1)
            assert ask_once(conn, standing) == []
            at_end(conn, add, "a", turn=0)
            at_end(conn, add, "b", turn=0)
            assert standing(conn) == []
        assert standing(conn) == ["a", "b", "0: 2", "late c", "3: 1"]
        assert ask_once(conn, standing) != []


def test_crowds_know_nothing_of_each_other(database: Database) -> None:
    with database.begin() as conn:
        with gathering(conn):
            assert ask_once(conn, standing) == []
            at_end(conn, add, "a", turn=0)
        with gathering(conn):
            assert ask_once(conn, standing) == ["a", "0: 1"]


def test_a_crowd_that_fails_leaves_nothing(database: Database) -> None:
    def fail(conn: Connection) -> None:
        with gathering(conn):
            at_end(conn, add, "a", turn=0)
            raise LookupError

    with pytest.raises(LookupError), database.begin() as conn:
        fail(conn)
    with database.begin() as conn:
        assert standing(conn) == []
        at_end(conn, add, "b", turn=0)
        assert standing(conn) == ["b", "0: 1"]
