"""The sending switch."""

from notifier import switch
from store.engine import Database


def test_it_is_on_until_somebody_turns_it(sqlite_database: Database) -> None:
    with sqlite_database.read() as conn:
        assert switch.status(conn) == switch.Sending(paused=False, changed_at=None, reason=None)


def test_it_remembers_when_and_why_it_was_turned(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        switch.pause(conn, reason="wrong sender", now=5)
        switch.pause(conn, reason="still wrong", now=6)
        assert switch.status(conn) == switch.Sending(True, 6, "still wrong")
        switch.resume(conn, sqlite_database.bell, now=7)
        assert switch.status(conn) == switch.Sending(False, 7, None)
